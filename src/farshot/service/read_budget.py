"""The bytes that all readers of results together may hold: large ones wait for each other, small ones for nobody.

A client that reads slowly keeps what it was sent in the memory of the service. One user has at most half of the bytes.
Where somebody waits for the rest, whoever has held its share for longer than a usual network needs is cut off; it may
ask again.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from farshot.service.problems import BusyError

if TYPE_CHECKING:
    from collections.abc import Callable


_TOTAL = 96 * 2**20
_SLOWEST = 2**20
"""Bytes a second that a reader takes while others wait."""
_RESPITE = 10.0
"""Seconds that a reader has beside those."""
_LOOK_EVERY = 1.0


class Share:
    """What one reader holds; none at first."""

    def __init__(self, budget: ReadBudget, owner: str) -> None:
        """Belong to a request of `owner`."""
        self.owner = owner
        self.nbytes = 0
        self.until = 0.0
        self.cut: Callable[[], object] | None = None
        """Ends the reader; None where it must not be ended."""
        self._budget = budget

    def close(self) -> None:
        """Give back what is held, for good; may be called again."""
        self.cut = None
        self._budget.take_back(self)

    async def hold(self, nbytes: int, seconds: float) -> None:
        """Hold so many bytes instead of those held before; raises `BusyError` where they are not free in time."""
        await self._budget.grant(self, nbytes, seconds)


class ReadBudget:
    """Gives bytes to readers, in order of their asking. Belongs to one event loop."""

    def __init__(self, total: int = _TOTAL) -> None:
        """Give `total` bytes at most."""
        self._total = total
        self._each = total // 2
        self._free = total
        self._held: Counter[str] = Counter()
        self._shares: set[Share] = set()
        self._waiting: dict[asyncio.Future[None], tuple[Share, int]] = {}

    def share(self, owner: str) -> Share:
        """Return a share for a request of `owner`, who closes it."""
        share = Share(self, owner)
        self._shares.add(share)
        return share

    def take_back(self, share: Share) -> None:
        """Take back what a share holds; `Share.close` calls this."""
        self._shares.discard(share)
        if share.nbytes:
            self._give(share, 0)
            self._serve()

    async def grant(self, share: Share, nbytes: int, seconds: float) -> None:
        """Let `share` hold so many bytes, once they are free; more than one user may have count as that."""
        wanted = min(nbytes, self._each)
        if wanted <= share.nbytes or (not self._waiting and self._fits(share, wanted)):
            self._give(share, wanted)
            if self._waiting:
                self._serve()
            return
        await self._wait(share, wanted, seconds)

    async def _wait(self, share: Share, wanted: int, seconds: float) -> None:
        self._give(share, 0)  # what it held was sent
        loop = asyncio.get_running_loop()
        served, deadline = loop.create_future(), loop.time() + seconds
        self._waiting[served] = (share, wanted)
        try:
            self._serve()
            while not served.done():
                left = deadline - loop.time()
                if left <= 0:
                    message = "others read as many large results as the service can hold: ask again later"
                    raise BusyError(message)
                await asyncio.wait([served], timeout=min(_LOOK_EVERY, left))
                self._cut_slow(loop.time())
        finally:
            self._waiting.pop(served, None)

    def _fits(self, share: Share, wanted: int) -> bool:
        more = wanted - share.nbytes
        return more <= self._free and self._held[share.owner] + more <= self._each

    def _give(self, share: Share, nbytes: int) -> None:
        more = nbytes - share.nbytes
        self._free -= more
        self._held[share.owner] += more
        if not self._held[share.owner]:
            del self._held[share.owner]
        share.nbytes = nbytes
        share.until = asyncio.get_running_loop().time() + _RESPITE + nbytes / _SLOWEST

    def _serve(self) -> None:
        """Give to those who wait, in order; who waits for bytes of its own user holds up nobody else."""
        for served, (share, wanted) in list(self._waiting.items()):
            if self._fits(share, wanted):
                del self._waiting[served]
                self._give(share, wanted)
                served.set_result(None)
            elif wanted > self._free:
                return

    def _cut_slow(self, now: float) -> None:
        """End whoever has held a share for too long: somebody waits."""
        for share in [share for share in self._shares if share.nbytes and share.cut and now > share.until]:
            if share.cut is not None:
                share.cut()
                share.cut = None
