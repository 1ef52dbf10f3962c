"""One look at the store for all who ask the same at the same time."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable


_Found = TypeVar("_Found")


class SharedLookups(Generic[_Found]):
    """The looks that go on at present, by what they look for. Belongs to one event loop."""

    def __init__(self) -> None:
        """Begin with none."""
        self._present: dict[Hashable, asyncio.Future[_Found]] = {}

    async def share(self, key: Hashable, look: Callable[[], Awaitable[_Found]]) -> _Found:
        """Return what the present look for `key` finds, or raise what it meets; `look` begins one."""
        present = self._present.get(key)
        if present is None:
            present = self._present[key] = asyncio.ensure_future(look())
            present.add_done_callback(partial(self._end, key))
        return await asyncio.shield(present)

    def _end(self, key: Hashable, look: asyncio.Future[_Found]) -> None:
        """Let go of a look that is done; what it met is told to whoever still waits, and to nobody else."""
        del self._present[key]
        if not look.cancelled():
            look.exception()
