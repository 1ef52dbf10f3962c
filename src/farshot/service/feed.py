"""What changed, for whoever waits: one thread looks at the store, any number of requests are told.

Requests that are up to date are answered from what that thread read, without a look at the store of their own.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import defaultdict, deque
from typing import TYPE_CHECKING

from farshot.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from farshot.dispatch.changes import Changes
    from farshot.model import JobRecord
    from farshot.protocols import JobStore

__all__ = ["Feed"]

_log = logging.getLogger("farshot.service")
_LOOK_EVERY = 0.5
_KEPT = 512
_AT_ONCE = 1000


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
        self._waiting: dict[str, set[asyncio.Future[None]]] = {}
        self._closed = threading.Event()
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

    async def wait(self, owner: str, seen: int, seconds: float) -> None:
        """Wait until a job of `owner` has changed since `seen`, a `latest`, for so many seconds at most."""
        if self._closed.is_set() or self.latest(owner) > seen:
            return
        told = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(owner, set()).add(told)
        try:
            await asyncio.wait_for(told, seconds)
        except TimeoutError:
            return
        finally:
            self._leave(owner, told)

    def _leave(self, owner: str, told: asyncio.Future[None]) -> None:
        waiting = self._waiting[owner]
        waiting.discard(told)
        if not waiting:
            del self._waiting[owner]

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

    def _follow(self) -> None:
        seen, position = self._changes.count(), self.position
        while not self._closed.is_set():
            try:
                found = self._jobs.events(None, position, _AT_ONCE)
            except Exception as error:  # noqa: BLE001 -- whoever waits depends on this thread; it must not end
                _log.warning("the feed tries again: %s", error, exc_info=not isinstance(error, StoreError))
                found = []
            if found:
                position = found[-1].changed
                self._call(found)
            if len(found) < _AT_ONCE:
                self._changes.wait(seen, _LOOK_EVERY)
                seen = self._changes.count()

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
        for owner in {record.owner for record in found} if found else set(self._waiting):
            for told in self._waiting.get(owner, ()):
                if not told.done():
                    told.set_result(None)

    def _keep(self, record: JobRecord) -> None:
        kept = self._recent[record.owner]
        if len(kept) == _KEPT:
            self._floor[record.owner] = kept[0].changed
        kept.append(record)
