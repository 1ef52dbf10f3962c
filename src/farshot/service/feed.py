"""What changed, for whoever waits: one thread looks at the store, any number of requests are told.

Requests that are up to date are answered from what that thread read, without a look at the store of their own.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import Counter, defaultdict, deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

from farshot.errors import StoreError
from farshot.service.problems import BusyError
from farshot.service.waiters import Waiters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from farshot.dispatch.changes import Changes
    from farshot.model import JobRecord
    from farshot.protocols import JobStore


_log = logging.getLogger("farshot.service")
_LOOK_EVERY = 0.5
_KEPT = 512
_AT_ONCE = 1000
_PLACES = 256
"""Requests in which one user may wait at a time."""


class Feed:
    """Follows the changes of all jobs. `start` and the waiting belong to one event loop."""

    def __init__(self, jobs: JobStore, changes: Changes, on_change: Callable[[JobRecord], None]) -> None:
        """Follow `jobs`; `changes` says when a look pays, and every half second one is taken anyway.

        `on_change` is called with each job that changed, in the thread of the event loop; it must not block.
        """
        self._jobs = jobs
        self._on_change = on_change
        self._changes = changes
        self._recent: dict[str, deque[JobRecord]] = defaultdict(lambda: deque(maxlen=_KEPT))
        self._floor: dict[str, int] = {}
        self._audiences: dict[str, Waiters] = defaultdict(Waiters)
        self._places: Counter[str] = Counter()
        self._closed = threading.Event()
        self._failing = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self.position = 0
        self._begin = 0

    def start(self) -> None:
        """Begin to follow, from the present change on."""
        self._loop = asyncio.get_running_loop()
        self.position = self._begin = self._jobs.changes()
        threading.Thread(target=self._follow, name="farshot-feed", daemon=True).start()

    def close(self) -> None:
        """Stop, and let everybody who waits go. May be called in any thread, and more than once."""
        self._closed.set()
        self._changes.publish()
        self._call([])

    @property
    def is_closed(self) -> bool:
        """Whether nobody should wait any more."""
        return self._closed.is_set()

    def latest(self, owner: str) -> int:
        """Return the last change of a job of `owner` that the feed knows. What is read after this is no older."""
        kept = self._recent.get(owner)
        return kept[-1].changed if kept else self._begin

    @contextmanager
    def place(self, user: str) -> Iterator[None]:
        """Hold one of the places that `user` has for waiting; raises `BusyError` where there is none left."""
        if self._places[user] >= _PLACES:
            message = f"a user may wait in {_PLACES} requests at a time: follow all jobs in one, with /v1/events"
            raise BusyError(message)
        self._places[user] += 1
        try:
            yield
        finally:
            self._places[user] -= 1
            if not self._places[user]:
                del self._places[user]

    async def wait(self, owner: str, seen: int, seconds: float, job_id: str | None = None) -> None:
        """Wait until a job of `owner` has changed since `seen`, a `latest`, for so many seconds at most.

        Where `job_id` is given, only its changes count.
        """
        if not self._closed.is_set() and not self._has_changed(owner, seen, job_id):
            await self._audiences[owner].wait(job_id, seconds)

    def _has_changed(self, owner: str, seen: int, job_id: str | None) -> bool:
        if job_id is None or self.latest(owner) <= seen:
            return self.latest(owner) > seen
        if seen < self._floor.get(owner, 0):
            return True
        return any(record.id == job_id for record in self._recent.get(owner, ()) if record.changed > seen)

    def recent(self, owner: str, after: int) -> list[JobRecord] | None:
        """Return the jobs of `owner` that changed after the change `after`; None where only the store knows."""
        if after < self._floor.get(owner, self._begin):
            return None
        latest: dict[str, JobRecord] = {}
        for record in self._recent.get(owner, ()):
            if record.changed > after:
                latest.pop(record.id, None)
                latest[record.id] = record
        return list(latest.values())

    def job(self, owner: str, job_id: str) -> JobRecord | None:
        """Return a job of `owner` as of its last change; None where that is too long ago to be known here."""
        return next((record for record in reversed(self._recent.get(owner, ())) if record.id == job_id), None)

    def forget(self, record: JobRecord) -> None:
        """Know no more of a job, which was deleted."""
        kept = self._recent.get(record.owner, deque())
        for known in [known for known in kept if known.id == record.id]:
            kept.remove(known)

    def _follow(self) -> None:
        seen, position = self._changes.count(), self.position
        while not self._closed.is_set():
            found = self._look(position)
            if found:
                position = found[-1].changed
                self._call(found)
            if len(found) < _AT_ONCE:
                self._changes.wait(seen, _LOOK_EVERY)
                seen = self._changes.count()

    def _look(self, position: int) -> Sequence[JobRecord]:
        """Return what changed since; nothing, where the store cannot be read, which is logged once."""
        try:
            found = self._jobs.events(None, position, _AT_ONCE)
        except Exception as error:  # noqa: BLE001 -- whoever waits depends on this thread; it must not end
            if not self._failing:
                _log.warning("the feed tries again: %s", error, exc_info=not isinstance(error, StoreError))
            self._failing = True
            return []
        self._failing = False
        return found

    def _call(self, found: Sequence[JobRecord]) -> None:
        try:
            if self._loop:
                self._loop.call_soon_threadsafe(self._tell, found)
        except RuntimeError:  # the loop has ended
            self._closed.set()

    def _tell(self, found: Sequence[JobRecord]) -> None:
        for record in found:
            self._keep(record)
            self._on_change(record)
        if found:
            self.position = found[-1].changed
        for owner, records in _by_owner(found).items():
            if owner in self._audiences:
                self._audiences[owner].notify(record.id for record in records)
        if self._closed.is_set():
            for audience in self._audiences.values():
                audience.notify_all()

    def _keep(self, record: JobRecord) -> None:
        kept = self._recent[record.owner]
        if len(kept) == _KEPT:
            self._floor[record.owner] = kept[0].changed
        kept.append(record)


def _by_owner(records: Sequence[JobRecord]) -> dict[str, list[JobRecord]]:
    found: dict[str, list[JobRecord]] = {}
    for record in records:
        found.setdefault(record.owner, []).append(record)
    return found
