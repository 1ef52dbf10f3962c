"""Requests that wait for changes of one owner's jobs: they are woken together, and less often the more there are."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


_QUIET_SECONDS = 0.004
"""Pause after a wake-up, for each waiter that it woke: the requests that follow take about a quarter of that."""


class Waiters:
    """The waiters for a change of one job, or of any. Belongs to one event loop."""

    def __init__(self) -> None:
        self._waiting: dict[str | None, set[asyncio.Future[None]]] = {}
        self._changed: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._quiet_until = 0.0

    async def wait(self, job_id: str | None, seconds: float) -> None:
        """Wait for a change of a job (None: of any) for at most `seconds`."""
        change = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(job_id, set())
        waiting.add(change)
        try:
            await asyncio.wait([change], timeout=seconds)
        finally:
            waiting.discard(change)
            if not waiting:
                del self._waiting[job_id]

    def notify(self, job_ids: Iterable[str]) -> None:
        """Wake all that wait for one of the jobs, at once or after the pause."""
        if not self._waiting:
            return
        self._changed.update(job_ids)
        if self._timer is None:
            loop = asyncio.get_running_loop()
            if loop.time() >= self._quiet_until:
                self._wake_changed()
            else:
                self._timer = loop.call_at(self._quiet_until, self._wake_changed)

    def _wake_changed(self) -> None:
        self._timer = None
        woken = sum(self._wake(job_id) for job_id in (None, *self._changed))
        self._changed.clear()
        self._quiet_until = asyncio.get_running_loop().time() + woken * _QUIET_SECONDS

    def notify_all(self) -> None:
        """Wake everybody at once."""
        for job_id in list(self._waiting):
            self._wake(job_id)

    def _wake(self, job_id: str | None) -> int:
        waiting = [change for change in self._waiting.get(job_id, ()) if not change.done()]
        for change in waiting:
            change.set_result(None)
        return len(waiting)
