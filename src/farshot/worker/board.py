"""Shared memory in which the child announces the circuit that it is about to run, and when it began."""

from __future__ import annotations

import mmap
import os
import struct
import tempfile
import time

__all__ = ["Board"]

_SLOT = struct.Struct("<qd")
_NOTHING = -1


class Board:
    """A position and a time that the child writes and the parent reads, also after the child is dead.

    The time is `time.monotonic()`, which all processes of a machine share.
    """

    def __init__(self, descriptor: int) -> None:
        """Map the file behind `descriptor`, which holds at least `_SLOT.size` bytes."""
        self._memory = mmap.mmap(descriptor, _SLOT.size)

    @classmethod
    def create(cls) -> tuple[Board, int]:
        """Return a new board and a descriptor of it that a child can inherit; the caller closes that."""
        with tempfile.TemporaryFile() as file:
            file.write(_SLOT.pack(_NOTHING, 0.0))
            file.flush()
            return cls(file.fileno()), os.dup(file.fileno())

    def announce(self, position: int) -> None:
        """Say that the circuit at `position` runs from now on."""
        _SLOT.pack_into(self._memory, 0, position, time.monotonic())

    def clear(self) -> None:
        """Say that nothing runs."""
        self.announce(_NOTHING)

    def announced(self) -> int | None:
        """Return the position that runs, or ran when the child died."""
        position, _ = _SLOT.unpack_from(self._memory, 0)
        return None if position == _NOTHING else position

    def seconds(self) -> float:
        """Return for how long it has been running; 0 where nothing runs."""
        position, since = _SLOT.unpack_from(self._memory, 0)
        return 0.0 if position == _NOTHING else time.monotonic() - since

    def close(self) -> None:
        """Unmap."""
        self._memory.close()
