"""The feed of changed jobs: one thread reads them from the store, for any number of waiting requests.

Requests that are up to date are answered from the changes that this thread read, without asking the store.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import Counter, defaultdict, deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

from farshot.errors import BusyError, StoreError
from farshot.service.waiters import Waiters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from farshot.dispatch.changes import Changes
    from farshot.model import JobRecord
    from farshot.protocols import JobStore


_log = logging.getLogger("farshot.service")
_POLL_SECONDS = 0.5
_MAX_RECENT = 512
"""Changes that are kept for each owner."""
_MAX_CHANGES = 1000
"""Changes that are read from the store at once."""
_MAX_WAITING = 256
"""Requests in which one user may wait at a time."""


class Feed:
    """Follows the changes of all jobs. `start` and the waiting belong to one event loop."""

    def __init__(self, jobs: JobStore, changes: Changes, on_change: Callable[[JobRecord], None]) -> None:
        """Follow `jobs`: read the changes when `changes` moves, and every half second anyway.

        `on_change` is called with each changed job, in the thread of the event loop; it must not block.
        """
        self._jobs = jobs
        self._on_change = on_change
        self._changes = changes
        self._recent: dict[str, deque[JobRecord]] = defaultdict(lambda: deque(maxlen=_MAX_RECENT))
        self._floor: dict[str, int] = {}  # the last change of each owner that is no longer kept
        self._waiters: dict[str, Waiters] = defaultdict(Waiters)
        self._waiting: Counter[str] = Counter()
        self._closed = threading.Event()
        self._failing = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self.position = 0
        """The last change of any job that was read."""
        self._start_position = 0

    def start(self) -> None:
        """Begin to follow, from the latest change on."""
        self._loop = asyncio.get_running_loop()
        self.position = self._start_position = self._jobs.changes()
        threading.Thread(target=self._follow, name="farshot-feed", daemon=True).start()

    def close(self) -> None:
        """Stop, and end all waits. May be called in any thread, and more than once."""
        self._closed.set()
        self._changes.publish()
        self._hand_over([])

    @property
    def is_closed(self) -> bool:
        """True once requests should wait no longer."""
        return self._closed.is_set()

    def latest(self, owner: str) -> int:
        """Return the last change of a job of `owner` that the feed knows; later reads of the store are no older."""
        kept = self._recent.get(owner)
        return kept[-1].changed if kept else self._start_position

    @contextmanager
    def waiting_slot(self, user: str) -> Iterator[None]:
        """Count one more waiting request of `user`; raises `BusyError` if it has too many."""
        if self._waiting[user] >= _MAX_WAITING:
            message = f"a user may wait in {_MAX_WAITING} requests at a time: follow all jobs in one, with /v1/events"
            raise BusyError(message)
        self._waiting[user] += 1
        try:
            yield
        finally:
            self._waiting[user] -= 1
            if not self._waiting[user]:
                del self._waiting[user]

    async def wait(self, owner: str, after: int, seconds: float, job_id: str | None = None) -> None:
        """Wait up to `seconds` for a change, after the change `after`, of a job of `owner`: of any, or of `job_id`."""
        if not self._closed.is_set() and not self._has_changed(owner, after, job_id):
            await self._waiters[owner].wait(job_id, seconds)

    def _has_changed(self, owner: str, after: int, job_id: str | None) -> bool:
        if job_id is None or self.latest(owner) <= after:
            return self.latest(owner) > after
        if after < self._floor.get(owner, 0):
            return True
        return any(record.id == job_id for record in self._recent.get(owner, ()) if record.changed > after)

    def recent(self, owner: str, after: int) -> list[JobRecord] | None:
        """Return the jobs of `owner` that changed after the change `after`; None if only the store knows them."""
        if after < self._floor.get(owner, self._start_position):
            return None
        latest: dict[str, JobRecord] = {}
        for record in self._recent.get(owner, ()):
            if record.changed > after:
                latest.pop(record.id, None)
                latest[record.id] = record
        return list(latest.values())

    def job(self, owner: str, job_id: str) -> JobRecord | None:
        """Return a job of `owner` as of its last change; None if that is too long ago to be kept."""
        return next((record for record in reversed(self._recent.get(owner, ())) if record.id == job_id), None)

    def forget(self, record: JobRecord) -> None:
        """Drop a deleted job."""
        kept = self._recent.get(record.owner, deque())
        for known in [known for known in kept if known.id == record.id]:
            kept.remove(known)

    def _follow(self) -> None:
        count, position = self._changes.count(), self.position
        while not self._closed.is_set():
            found = self._read_changes(position)
            if found:
                position = found[-1].changed
                self._hand_over(found)
            if len(found) < _MAX_CHANGES:
                self._changes.wait(count, _POLL_SECONDS)
                count = self._changes.count()

    def _read_changes(self, position: int) -> Sequence[JobRecord]:
        """Return the jobs that changed since; none if the store cannot be read, which is logged once."""
        try:
            found = self._jobs.events(None, position, _MAX_CHANGES)
        except Exception as error:  # noqa: BLE001 -- waiting requests depend on this thread; it must not end
            if not self._failing:
                _log.warning("the feed tries again: %s", error, exc_info=not isinstance(error, StoreError))
            self._failing = True
            return []
        self._failing = False
        return found

    def _hand_over(self, found: Sequence[JobRecord]) -> None:
        try:
            if self._loop:
                self._loop.call_soon_threadsafe(self._publish, found)
        except RuntimeError:  # the loop has ended
            self._closed.set()

    def _publish(self, found: Sequence[JobRecord]) -> None:
        changed: dict[str, list[str]] = defaultdict(list)
        for record in found:
            recent = self._recent[record.owner]
            if len(recent) == _MAX_RECENT:
                self._floor[record.owner] = recent[0].changed
            recent.append(record)
            self._on_change(record)
            changed[record.owner].append(record.id)
            self.position = record.changed
        for owner, job_ids in changed.items():
            if owner in self._waiters:
                self._waiters[owner].notify(job_ids)
        if self._closed.is_set():
            for waiters in self._waiters.values():
                waiters.notify_all()
