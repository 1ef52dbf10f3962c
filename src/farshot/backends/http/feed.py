"""One connection that hears of every change of every awaited job.

A thread follows the events of the service while somebody waits. Whenever it begins, or has lost its place, it reads
each awaited job once, so that nothing between is missed; a job that is awaited later is read by a call of its own.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from contextlib import contextmanager
from typing import TYPE_CHECKING

from farshot.backends.background import SLICE, start
from farshot.backends.http.records import job_path, record_of
from farshot.backends.http.transport import ApiRequest
from farshot.errors import ExecutionCancelledError, FarshotError, ServiceError, UnknownJobError, WireError
from farshot.wire import EventsDocument, JobDocument, read_answer

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from farshot.backends.http.transport import Transport
    from farshot.backends.watch import Patience
    from farshot.model import JobRecord


_WAIT = 15.0
_HASTE = 0.1
"""Seconds between two empty answers of a service that does not wait: it is about to stop."""
_SILENCE = 30.0
"""Seconds without news after which a job is read again: it may have been deleted, or be somebody else's."""
_AT_ONCE = 20
_REMEMBERED = 1024


class RemoteWatch:
    """Some jobs that somebody waits for; filled in by the feed."""

    def __init__(self, job_ids: Collection[str], changed: threading.Condition, patience: Patience) -> None:
        """Wait on `changed`, under which everything here is read and written."""
        self.job_ids = frozenset(job_ids)
        self._changed = changed
        self._patience = patience
        self._known: dict[str, JobRecord | FarshotError] = {}
        self._ended: list[str] = []
        self._news = 0
        self._seen = 0

    def take(self, job_id: str, news: JobRecord | FarshotError) -> None:
        """Keep what was heard of a job; one that has ended stays as it is, and so does what ends the wait for it."""
        known = self._known.get(job_id)
        if isinstance(known, FarshotError) or (known and known.status.is_terminal):
            return
        self._known[job_id] = news
        if isinstance(news, FarshotError) or news.status.is_terminal:
            self._ended.append(job_id)
        self._news += 1

    def unknown(self) -> list[str]:
        """Return the jobs of which nothing was heard yet."""
        return [job_id for job_id in self.job_ids if job_id not in self._known]

    def look(self, job_id: str) -> JobRecord:
        """Return what was last heard of a job; raises what kept the feed from hearing of it."""
        with self._changed:
            while (known := self._known.get(job_id)) is None:
                self._patience.check()
                self._changed.wait(SLICE)
        if isinstance(known, FarshotError):
            raise known
        return known

    def ended(self) -> list[str]:
        """Return the jobs that were found to have ended since the last call."""
        with self._changed:
            found, self._ended = self._ended, []
        for job_id in found:
            self.look(job_id)
        return found

    def pause(self, seconds: float) -> bool:
        """Wait so long at most, less where something was heard; say whether something was."""
        with self._changed:
            heard = self._changed.wait_for(lambda: self._news != self._seen, seconds)
            self._seen = self._news
        return heard


class Feed:
    """Follows the jobs that are watched, in one thread, while there are any."""

    def __init__(self, transport: Transport) -> None:
        """Prepare; nothing is asked yet."""
        self._transport = transport
        self._changed = threading.Condition()
        self._watches: set[RemoteWatch] = set()
        self._heard: dict[str, float] = {}
        self._ended: OrderedDict[str, JobRecord] = OrderedDict()
        self._begun: OrderedDict[str, JobRecord] = OrderedDict()
        self._cursor: str | None = None
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    @contextmanager
    def watching(self, job_ids: Collection[str], patience: Patience) -> Iterator[RemoteWatch]:
        """Yield what watches jobs; `patience` bounds how long a look waits for the first news."""
        watch = RemoteWatch(job_ids, self._changed, patience)
        self._begin(watch)
        if self._stop.is_set():
            self._fail(_closed())
        try:
            yield watch
        finally:
            with self._changed:
                self._watches.discard(watch)

    def close(self) -> None:
        """Stop; whoever waits is told."""
        self._stop.set()
        self._fail(_closed())

    def begin(self, document: JobDocument) -> None:
        """Keep what the service said of a new job, so that whoever waits for it need not ask: events go on from there.

        Where the feed is further than that already, it may have passed the job's events by.
        """
        record = record_of(document)
        with self._changed:
            if self._thread is None or (self._cursor is not None and int(self._cursor) <= record.changed):
                self._begun[record.id] = record
            while len(self._begun) > _REMEMBERED:
                self._begun.popitem(last=False)

    def ended(self, job_id: str) -> JobRecord | None:
        """Return a job that is known to have ended."""
        with self._changed:
            return self._ended.get(job_id)

    def take(self, document: JobDocument) -> JobRecord:
        """Pass on what the service said of a job, and return it."""
        record = record_of(document)
        with self._changed:
            if record.status.is_terminal:
                self._remember(record)
            self._pass_on(record.id, record)
        return record

    def forget(self, job_id: str) -> None:
        """Drop a job that was deleted; whoever waits for it is told."""
        with self._changed:
            self._ended.pop(job_id, None)
            self._pass_on(job_id, UnknownJobError(f"job {job_id} was deleted"))

    def _remember(self, record: JobRecord) -> None:
        """Keep a job that has ended: it will never change."""
        self._ended[record.id] = record
        while len(self._ended) > _REMEMBERED:
            self._ended.popitem(last=False)

    def _pass_on(self, job_id: str, news: JobRecord | FarshotError) -> None:
        self._heard[job_id] = time.monotonic()
        if job_id in self._begun:
            self._keep_up(job_id, news)
        for watch in self._watches:
            if job_id in watch.job_ids:
                watch.take(job_id, news)
        self._changed.notify_all()

    def _keep_up(self, job_id: str, news: JobRecord | FarshotError) -> None:
        if isinstance(news, FarshotError) or news.status.is_terminal:
            del self._begun[job_id]
        else:
            self._begun[job_id] = news

    def _begin(self, watch: RemoteWatch) -> None:
        with self._changed:
            for known in (self._ended, self._begun):
                for job_id in watch.job_ids & known.keys():
                    watch.take(job_id, known[job_id])
            if watch.job_ids <= self._ended.keys():
                return
            missing = watch.unknown()
            self._watches.add(watch)
            if self._thread is None or not self._thread.is_alive():
                self._cursor = None if missing else self._first_cursor(watch)
                self._thread = threading.Thread(target=self._run, name="farshot-events", daemon=True)
                self._thread.start()
            elif missing and self._cursor is not None:
                start(lambda: self._read_for(watch, missing))

    def _first_cursor(self, watch: RemoteWatch) -> str:
        """Return from where on the events of the awaited jobs are news."""
        return str(min(self._begun[job_id].changed for job_id in watch.job_ids & self._begun.keys()))

    def _read_for(self, watch: RemoteWatch, job_ids: list[str]) -> None:
        try:
            self._read(job_ids)
        except FarshotError as error:
            with self._changed:
                for job_id in watch.unknown():
                    watch.take(job_id, error)
                self._changed.notify_all()

    def _read(self, job_ids: Collection[str]) -> None:
        """Ask the service for jobs, one by one."""
        for job_id in job_ids:
            try:
                response = self._transport.ask(ApiRequest(method="GET", path=job_path(job_id)), self._stop)
            except UnknownJobError as error:
                with self._changed:
                    self._pass_on(job_id, error)
            else:
                self.take(read_answer(response.content, JobDocument))

    def _run(self) -> None:
        try:
            while self._is_needed():
                self._follow()
        except ExecutionCancelledError:
            return
        except Exception as error:  # noqa: BLE001 -- whoever waits gets it
            self._fail(error if isinstance(error, FarshotError) else ServiceError(f"the feed broke: {error!r}"))

    def _is_needed(self) -> bool:
        with self._changed:
            if self._watches and not self._stop.is_set():
                return True
            self._thread, self._cursor = None, None
            self._heard.clear()
            return False

    def _fail(self, error: FarshotError) -> None:
        with self._changed:
            self._thread, self._cursor = None, None
            for watch in self._watches:
                for job_id in watch.job_ids:
                    watch.take(job_id, error)
            self._changed.notify_all()

    def _follow(self) -> None:
        cursor = self._cursor
        if cursor is None:
            self._resume(self._events({}, wait=0).cursor)
            return
        asked_at = time.monotonic()
        try:
            events = self._events({"after": cursor, "wait": f"{_WAIT:g}"}, wait=_WAIT)
        except WireError:
            self._cursor = None  # the service does not know the cursor: begin anew
            return
        with self._changed:
            for document in events.jobs:
                self.take(document)
            self._cursor = events.cursor
        self._read(self._silent())
        if not events.jobs and time.monotonic() - asked_at < _HASTE:
            self._stop.wait(_HASTE)

    def _events(self, params: dict[str, str], wait: float) -> EventsDocument:
        ask = ApiRequest(method="GET", path="/v1/events", params=params, wait=wait)
        return read_answer(self._transport.ask(ask, self._stop).content, EventsDocument)

    def _resume(self, cursor: str) -> None:
        with self._changed:
            self._cursor = cursor
            job_ids = self._open_jobs()
        self._read(job_ids)

    def _open_jobs(self) -> set[str]:
        watched: set[str] = set().union(*(watch.job_ids for watch in self._watches))
        return watched - self._ended.keys()

    def _silent(self) -> list[str]:
        """Return jobs of which nothing was heard for long."""
        before = time.monotonic() - _SILENCE
        with self._changed:
            silent = [job_id for job_id in self._open_jobs() if self._heard.get(job_id, 0.0) < before]
        return silent[:_AT_ONCE]


def _closed() -> ServiceError:
    return ServiceError("the backend is closed")
