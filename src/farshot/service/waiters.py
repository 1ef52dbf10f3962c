"""Those who wait for the jobs of one owner: told together, and the more of them there are, the less often."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


_EACH = 0.004
"""Seconds of quiet after everybody was told, for each who was: what they then ask for takes about a quarter of that."""


class Waiters:
    """Waits until a job has changed, or any. Belongs to one event loop."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._waiting: dict[str | None, set[asyncio.Future[None]]] = {}
        self._changed: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._quiet_until = 0.0

    async def wait(self, job_id: str | None, seconds: float) -> None:
        """Wait for a change of a job (None: of any) for so many seconds at most."""
        told = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(job_id, set()).add(told)
        try:
            await asyncio.wait([told], timeout=seconds)
        finally:
            self._leave(job_id, told)

    def _leave(self, job_id: str | None, told: asyncio.Future[None]) -> None:
        waiting = self._waiting[job_id]
        waiting.discard(told)
        if not waiting:
            del self._waiting[job_id]

    def tell(self, job_ids: Iterable[str]) -> None:
        """Let those go who wait for one of the jobs, at once or after the quiet."""
        if not self._waiting:
            return
        self._changed.update(job_ids)
        if self._timer is None:
            now = asyncio.get_running_loop().time()
            if now >= self._quiet_until:
                self._release()
            else:
                self._timer = asyncio.get_running_loop().call_at(self._quiet_until, self._release)

    def _release(self) -> None:
        self._timer = None
        told = sum(self._let_go(job_id) for job_id in (None, *self._changed))
        self._changed.clear()
        self._quiet_until = asyncio.get_running_loop().time() + told * _EACH

    def tell_all(self) -> None:
        """Let everybody go at once."""
        for job_id in list(self._waiting):
            self._let_go(job_id)

    def _let_go(self, job_id: str | None) -> int:
        waiting = [told for told in self._waiting.get(job_id, ()) if not told.done()]
        for told in waiting:
            told.set_result(None)
        return len(waiting)
