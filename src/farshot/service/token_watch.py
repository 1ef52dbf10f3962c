"""The watch over tokens: an answer that lasts is ended once its token is no longer valid."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from farshot.errors import AccessError, FarshotError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable


_CHECK_SECONDS = 1.0


class TokenWatch:
    """Checks the tokens of all answers that last, each token once a second. Belongs to one event loop."""

    def __init__(self, check: Callable[[str | None], Awaitable[object]]) -> None:
        """Use `check`, which raises `AccessError` for a header whose token is not valid."""
        self._check = check
        self._limits: dict[str | None, set[asyncio.Timeout]] = {}

    @asynccontextmanager
    async def over(self, header: str | None) -> AsyncIterator[None]:
        """Watch the token of `header` while the context lasts; raises `AccessError` inside once it is not valid."""
        limit = asyncio.timeout(None)
        self._limits.setdefault(header, set()).add(limit)
        try:
            async with limit:
                yield
        except TimeoutError:
            if not limit.expired():
                raise
            message = "the token does not hold any more"
            raise AccessError(message) from None
        finally:
            self._limits[header].discard(limit)
            if not self._limits[header]:
                del self._limits[header]

    async def keep(self) -> None:
        """Check all tokens again and again, until cancelled."""
        while True:
            await asyncio.sleep(_CHECK_SECONDS)
            for header in list(self._limits):
                await self._end_if_invalid(header)

    async def _end_if_invalid(self, header: str | None) -> None:
        try:
            await self._check(header)
        except AccessError:
            now = asyncio.get_running_loop().time()
            for limit in self._limits.get(header, ()):
                if not limit.expired():
                    limit.reschedule(now)
        except FarshotError:
            return  # the store does not answer now: the next check may succeed
