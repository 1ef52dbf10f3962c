"""A budget of bytes for all readers of results together: large readers wait for each other, small ones do not wait.

A slow client's unread results stay in the memory of the service. One user has at most half of the bytes. If others
wait, a reader that has held its share for longer than a usual network needs is cut off; it may ask again.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from farshot.errors import BusyError

if TYPE_CHECKING:
    from collections.abc import Callable


_TOTAL_BYTES = 96 * 2**20
_MIN_BYTES_PER_SECOND = 2**20
"""The rate at which a reader must take its bytes while others wait."""
_GRACE_SECONDS = 10.0
"""Seconds that a reader has in addition to those."""
_CHECK_SECONDS = 1.0


class Share:
    """The bytes that one reader holds; none at first."""

    def __init__(self, budget: ReadBudget, owner: str) -> None:
        self.owner = owner
        self.nbytes = 0
        self.until = 0.0
        """The time of the event loop from which on the reader may be ended for others."""
        self.cut: Callable[[], object] | None = None
        """Ends the reader; None if it must not be ended."""
        self._budget = budget

    def close(self) -> None:
        """Give all bytes back, for good; may be called again."""
        self.cut = None
        self._budget.take_back(self)

    async def hold(self, nbytes: int, seconds: float) -> None:
        """Hold `nbytes` instead of those held before; raises `BusyError` if they are not free within `seconds`."""
        await self._budget.grant(self, nbytes, seconds)


class ReadBudget:
    """Grants bytes to readers in order of their requests. Belongs to one event loop."""

    def __init__(self, total: int = _TOTAL_BYTES) -> None:
        self._max_per_user = total // 2
        self._free = total
        self._held: Counter[str] = Counter()
        self._shares: set[Share] = set()
        self._waiting: dict[asyncio.Future[None], tuple[Share, int]] = {}

    def share(self, owner: str) -> Share:
        """Return a share for a request of `owner`; the caller closes it."""
        share = Share(self, owner)
        self._shares.add(share)
        return share

    def take_back(self, share: Share) -> None:
        """Take the bytes of a share back; `Share.close` calls this."""
        self._shares.discard(share)
        if share.nbytes:
            self._set(share, 0)
            self._serve_waiting()

    async def grant(self, share: Share, nbytes: int, seconds: float) -> None:
        """Let `share` hold `nbytes` once they are free, capped at the bytes that one user may have."""
        wanted = min(nbytes, self._max_per_user)
        if wanted <= share.nbytes or (not self._waiting and self._fits(share, wanted)):
            self._set(share, wanted)
            if self._waiting:
                self._serve_waiting()
            return
        self._set(share, 0)  # its bytes were sent
        loop = asyncio.get_running_loop()
        served, deadline = loop.create_future(), loop.time() + seconds
        self._waiting[served] = (share, wanted)
        try:
            self._serve_waiting()
            while not served.done():
                left = deadline - loop.time()
                if left <= 0:
                    message = "others read as many large results as the service can hold: ask again later"
                    raise BusyError(message)
                await asyncio.wait([served], timeout=min(_CHECK_SECONDS, left))
                self._cut_slow(loop.time())
        finally:
            self._waiting.pop(served, None)

    def _fits(self, share: Share, wanted: int) -> bool:
        more = wanted - share.nbytes
        return more <= self._free and self._held[share.owner] + more <= self._max_per_user

    def _set(self, share: Share, nbytes: int) -> None:
        more = nbytes - share.nbytes
        self._free -= more
        self._held[share.owner] += more
        if not self._held[share.owner]:
            del self._held[share.owner]
        share.nbytes = nbytes
        share.until = asyncio.get_running_loop().time() + _GRACE_SECONDS + nbytes / _MIN_BYTES_PER_SECOND

    def _serve_waiting(self) -> None:
        """Grant bytes to waiting readers in order; one that waits only for its own user's share holds up no other."""
        for served, (share, wanted) in list(self._waiting.items()):
            if self._fits(share, wanted):
                del self._waiting[served]
                self._set(share, wanted)
                served.set_result(None)
            elif wanted > self._free:
                return

    def _cut_slow(self, now: float) -> None:
        """End the readers that have held their shares for too long; called while others wait."""
        for share in list(self._shares):
            if share.nbytes and share.cut and now > share.until:
                share.cut()
                share.cut = None
