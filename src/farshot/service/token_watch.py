"""What lasts longer than a look at a token: it ends once the token no longer holds."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from farshot.errors import AccessError, FarshotError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable


_EVERY = 1.0


class TokenWatch:
    """Looks at the token of every answer that lasts, once for all that have the same. Belongs to one event loop."""

    def __init__(self, check: Callable[[str | None], Awaitable[object]]) -> None:
        """Use `check`, which raises `AccessError` for a header whose token does not hold."""
        self._check = check
        self._lasting: dict[str | None, set[asyncio.Timeout]] = {}

    @asynccontextmanager
    async def over(self, header: str | None) -> AsyncIterator[None]:
        """Let something last; raises `AccessError` inside it once the token of `header` does not hold."""
        limit = asyncio.timeout(None)
        self._lasting.setdefault(header, set()).add(limit)
        try:
            async with limit:
                yield
        except TimeoutError:
            if not limit.expired():
                raise
            message = "the token does not hold any more"
            raise AccessError(message) from None
        finally:
            self._leave(header, limit)

    def _leave(self, header: str | None, limit: asyncio.Timeout) -> None:
        lasting = self._lasting[header]
        lasting.discard(limit)
        if not lasting:
            del self._lasting[header]

    async def keep(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(_EVERY)
            for header in list(self._lasting):
                await self._look(header)

    async def _look(self, header: str | None) -> None:
        try:
            await self._check(header)
        except AccessError:
            now = asyncio.get_running_loop().time()
            for limit in [limit for limit in self._lasting.get(header, ()) if not limit.expired()]:
                limit.reschedule(now)
        except FarshotError:
            return  # the store says nothing now: the next look may
