"""Lookups shared by all requests that need the same result at the same time."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable


_Result = TypeVar("_Result")


class SharedLookups(Generic[_Result]):
    """The lookups in progress, by key. Belongs to one event loop."""

    def __init__(self) -> None:
        self._in_progress: dict[Hashable, asyncio.Future[_Result]] = {}

    async def share(self, key: Hashable, look_up: Callable[[], Awaitable[_Result]]) -> _Result:
        """Return the result of the lookup of `key` in progress, or raise its error; `look_up` begins one if none is."""
        lookup = self._in_progress.get(key)
        if lookup is None:
            lookup = self._in_progress[key] = asyncio.ensure_future(look_up())
            lookup.add_done_callback(partial(self._end, key))
        return await asyncio.shield(lookup)

    def _end(self, key: Hashable, lookup: asyncio.Future[_Result]) -> None:
        del self._in_progress[key]
        if not lookup.cancelled():
            lookup.exception()  # asyncio would log one that nobody waits for any more
