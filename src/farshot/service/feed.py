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
    from collections.abc import Sequence

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

    def __init__(self, jobs: JobStore, changes: Changes) -> None:
        """Follow `jobs`; `changes` says when a look pays, and every half second one is taken anyway."""
        self._jobs = jobs
        self._changes = changes
        self._recent: dict[str, deque[JobRecord]] = defaultdict(lambda: deque(maxlen=_KEPT))
        self._floor: dict[str, int] = {}
        self._waiting: dict[str | None, set[asyncio.Future[None]]] = defaultdict(set)
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

    async def wait(self, owner: str | None, seconds: float) -> None:
        """Wait until a job of `owner` (None: of anybody) changes, for so many seconds at most."""
        if self._closed.is_set():
            return
        told = asyncio.get_running_loop().create_future()
        self._waiting[owner].add(told)
        try:
            await asyncio.wait_for(told, seconds)
        except TimeoutError:
            return
        finally:
            self._waiting[owner].discard(told)

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
            except StoreError as error:
                _log.warning("the feed tries again: %s", error)
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
        if found:
            self.position = found[-1].changed
        owners = {record.owner for record in found} | {None} if found else set(self._waiting)
        for owner in owners:
            for told in self._waiting.get(owner, ()):
                if not told.done():
                    told.set_result(None)

    def _keep(self, record: JobRecord) -> None:
        kept = self._recent[record.owner]
        if len(kept) == _KEPT:
            self._floor[record.owner] = kept[0].changed
        kept.append(record)
