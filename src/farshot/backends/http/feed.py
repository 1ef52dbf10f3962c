"""The events of a service, received over one connection for all jobs that calls wait for.

A thread follows the events of the service as long as a job is watched. When it begins, or has lost its cursor, it reads
each watched job once, so that no change is missed; a job that is watched later is read by a call of its own.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from contextlib import contextmanager
from typing import TYPE_CHECKING

from farshot.backends.background import start
from farshot.backends.http.records import job_path, record_of
from farshot.backends.http.transport import ApiRequest
from farshot.backends.watch import CHECK_SECONDS
from farshot.errors import ExecutionCancelledError, FarshotError, ServiceError, UnknownJobError, WireError
from farshot.wire import EventsDocument, JobDocument, read_answer

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from farshot.backends.http.transport import Transport
    from farshot.backends.watch import WaitLimit
    from farshot.model import JobRecord


_WAIT_SECONDS = 15.0
"""Time that the service may wait for an event before it answers."""
_MIN_PAUSE_SECONDS = 0.1
"""Time between two empty answers of a service that does not wait: it is about to stop."""
_SILENCE_SECONDS = 30.0
"""Time without an event after which a job is read again: it may have been deleted, or belong to another user."""
_MAX_REREAD = 20
"""The number of silent jobs that are read in one turn."""
_MAX_KEPT = 1024
"""The number of ended jobs, and of begun jobs, that are kept."""


class RemoteWatch:
    """Some jobs that a call waits for; the feed updates it."""

    def __init__(self, job_ids: Collection[str], changed: threading.Condition, limit: WaitLimit) -> None:
        """Watch jobs; `changed` is the lock of all that is read and written here."""
        self.job_ids = frozenset(job_ids)
        self._changed = changed
        self._limit = limit
        self._known: dict[str, JobRecord | FarshotError] = {}
        self._ended: list[str] = []
        self._change_count = 0
        self._seen_count = 0

    def take(self, job_id: str, news: JobRecord | FarshotError) -> None:
        """Keep the record of a job, or the error of reading it. An ended job and an error are never replaced."""
        known = self._known.get(job_id)
        if isinstance(known, FarshotError) or (known and known.status.is_terminal):
            return
        self._known[job_id] = news
        if isinstance(news, FarshotError) or news.status.is_terminal:
            self._ended.append(job_id)
        self._change_count += 1

    def unknown(self) -> list[str]:
        """Return the jobs without a record or an error."""
        return [job_id for job_id in self.job_ids if job_id not in self._known]

    def read(self, job_id: str) -> JobRecord:
        """Return the last record of a job, once there is one; raises the error of reading it."""
        with self._changed:
            while (known := self._known.get(job_id)) is None:
                self._limit.check()
                self._changed.wait(CHECK_SECONDS)
        if isinstance(known, FarshotError):
            raise known
        return known

    def ended(self) -> list[str]:
        """Return the jobs that were found to have ended since the last call."""
        with self._changed:
            found, self._ended = self._ended, []
        for job_id in found:
            self.read(job_id)
        return found

    def pause(self, seconds: float) -> bool:
        """Wait for `seconds` at most, less if a job changed; return whether one did."""
        with self._changed:
            changed = self._changed.wait_for(lambda: self._change_count != self._seen_count, seconds)
            self._seen_count = self._change_count
        return changed


class Feed:
    """Follows all watched jobs in one thread, as long as there are any."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._changed = threading.Condition()
        self._watches: set[RemoteWatch] = set()
        self._heard_at: dict[str, float] = {}
        """The moment of the last event of each job."""
        self._ended: OrderedDict[str, JobRecord] = OrderedDict()
        self._begun: OrderedDict[str, JobRecord] = OrderedDict()
        self._cursor: str | None = None
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    @contextmanager
    def watching(self, job_ids: Collection[str], limit: WaitLimit) -> Iterator[RemoteWatch]:
        """Yield a watch of jobs; `limit` bounds how long `read` waits for the first record."""
        watch = RemoteWatch(job_ids, self._changed, limit)
        self._add(watch)
        if self._stop.is_set():
            self._report_failure(_closed())
        try:
            yield watch
        finally:
            with self._changed:
                self._watches.discard(watch)

    def close(self) -> None:
        """Stop; calls that wait raise `ServiceError`."""
        self._stop.set()
        self._report_failure(_closed())

    def begin(self, document: JobDocument) -> None:
        """Keep the document of a new job, so that a wait for it begins with the events after it and reads no job.

        If the feed is past that point, it may have missed the job's events, and the document is not kept.
        """
        record = record_of(document)
        with self._changed:
            if self._thread is None or (self._cursor is not None and int(self._cursor) <= record.changed):
                _keep(self._begun, record)

    def ended(self, job_id: str) -> JobRecord | None:
        """Return the record of a job that is known to have ended; None if it is not known."""
        with self._changed:
            return self._ended.get(job_id)

    def take(self, document: JobDocument) -> JobRecord:
        """Return the record of a job's document and pass it to the watches of the job."""
        record = record_of(document)
        with self._changed:
            if record.status.is_terminal:
                _keep(self._ended, record)
            self._publish(record.id, record)
        return record

    def forget(self, job_id: str) -> None:
        """Drop a job that was deleted; calls that wait for it raise `UnknownJobError`."""
        with self._changed:
            self._ended.pop(job_id, None)
            self._publish(job_id, UnknownJobError(f"job {job_id} was deleted"))

    def _publish(self, job_id: str, news: JobRecord | FarshotError) -> None:
        self._heard_at[job_id] = time.monotonic()
        if job_id in self._begun:
            if isinstance(news, FarshotError) or news.status.is_terminal:
                del self._begun[job_id]
            else:
                self._begun[job_id] = news
        for watch in self._watches:
            if job_id in watch.job_ids:
                watch.take(job_id, news)
        self._changed.notify_all()

    def _add(self, watch: RemoteWatch) -> None:
        with self._changed:
            for known in (self._ended, self._begun):
                for job_id in watch.job_ids & known.keys():
                    watch.take(job_id, known[job_id])
            if watch.job_ids <= self._ended.keys():
                return
            missing = watch.unknown()
            self._watches.add(watch)
            if self._thread is None or not self._thread.is_alive():
                begun = watch.job_ids & self._begun.keys()
                self._cursor = None if missing else str(min(self._begun[job_id].changed for job_id in begun))
                self._thread = threading.Thread(target=self._run, name="farshot-events", daemon=True)
                self._thread.start()
            elif missing and self._cursor is not None:
                start(lambda: self._read_unknown(watch, missing))

    def _read_unknown(self, watch: RemoteWatch, job_ids: list[str]) -> None:
        try:
            self._read(job_ids)
        except FarshotError as error:
            with self._changed:
                for job_id in watch.unknown():
                    watch.take(job_id, error)
                self._changed.notify_all()

    def _read(self, job_ids: Collection[str]) -> None:
        """Read jobs from the service, one by one."""
        for job_id in job_ids:
            try:
                response = self._transport.ask(ApiRequest(method="GET", path=job_path(job_id)), self._stop)
            except UnknownJobError as error:
                with self._changed:
                    self._publish(job_id, error)
            else:
                self.take(read_answer(response.content, JobDocument))

    def _run(self) -> None:
        try:
            while self._is_needed():
                self._follow_once()
        except ExecutionCancelledError:
            return
        except Exception as error:  # noqa: BLE001 -- the calls that wait get it
            self._report_failure(
                error if isinstance(error, FarshotError) else ServiceError(f"the feed broke: {error!r}")
            )

    def _is_needed(self) -> bool:
        with self._changed:
            if self._watches and not self._stop.is_set():
                return True
            self._thread, self._cursor = None, None
            self._heard_at.clear()
            return False

    def _report_failure(self, error: FarshotError) -> None:
        with self._changed:
            self._thread, self._cursor = None, None
            for watch in self._watches:
                for job_id in watch.job_ids:
                    watch.take(job_id, error)
            self._changed.notify_all()

    def _follow_once(self) -> None:
        cursor = self._cursor
        if cursor is None:
            cursor = self._events({}, wait=0).cursor
            with self._changed:
                self._cursor = cursor
                job_ids = self._open_jobs()
            self._read(job_ids)
            return
        asked_at = time.monotonic()
        try:
            events = self._events({"after": cursor, "wait": f"{_WAIT_SECONDS:g}"}, wait=_WAIT_SECONDS)
        except WireError:
            self._cursor = None  # the service does not know the cursor: begin anew
            return
        with self._changed:
            for document in events.jobs:
                self.take(document)
            self._cursor = events.cursor
        self._read(self._silent_jobs())
        if not events.jobs and time.monotonic() - asked_at < _MIN_PAUSE_SECONDS:
            self._stop.wait(_MIN_PAUSE_SECONDS)

    def _events(self, params: dict[str, str], wait: float) -> EventsDocument:
        ask = ApiRequest(method="GET", path="/v1/events", params=params, wait=wait)
        return read_answer(self._transport.ask(ask, self._stop).content, EventsDocument)

    def _open_jobs(self) -> set[str]:
        watched: set[str] = set().union(*(watch.job_ids for watch in self._watches))
        return watched - self._ended.keys()

    def _silent_jobs(self) -> list[str]:
        """Return some open jobs that had no event for long."""
        before = time.monotonic() - _SILENCE_SECONDS
        with self._changed:
            silent = [job_id for job_id in self._open_jobs() if self._heard_at.get(job_id, 0.0) < before]
        return silent[:_MAX_REREAD]


def _keep(records: OrderedDict[str, JobRecord], record: JobRecord) -> None:
    """Add a record and drop the oldest beyond the bound."""
    records[record.id] = record
    while len(records) > _MAX_KEPT:
        records.popitem(last=False)


def _closed() -> ServiceError:
    return ServiceError("the backend is closed")
