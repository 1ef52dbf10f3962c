"""Shared memory in which the child announces the circuit that it is about to run, when it began, and how it is run.

The parent says there that the child shall end with the circuit that it runs.
"""

from __future__ import annotations

import math
import mmap
import os
import tempfile
import time

from farshot.model import Forecast

_WORDS = 40
_TEXT = 64
"""Bytes for the names of a simulator and a method."""
_SIZE = _WORDS + 2 * _TEXT
_NOTHING = -1


class Board:
    """A position and a time that the child writes and the parent reads, also after the child is dead.

    The time is `time.monotonic()`, which all processes of a machine share. Each is one aligned machine
    word, written through a memory view (`struct.pack_into` would show a zero for a moment). The time is
    written first and read last, so that nobody sees an old time beside a new position.
    """

    def __init__(self, descriptor: int) -> None:
        """Map the file behind `descriptor`, which is as long as a board."""
        self._memory = mmap.mmap(descriptor, _SIZE)
        self._position = memoryview(self._memory)[:8].cast("q")
        self._since = memoryview(self._memory)[8:16].cast("d")
        self._wanted = memoryview(self._memory)[16:24].cast("q")
        self._foretold = memoryview(self._memory)[24:32].cast("q")
        self._guess = memoryview(self._memory)[32:40].cast("d")
        self._written: Forecast | None = None

    @classmethod
    def create(cls) -> tuple[Board, int]:
        """Return a new board and a descriptor of it that a child can inherit; the caller closes that."""
        descriptor = _memory_file()
        try:
            os.write(descriptor, bytes(_SIZE))
            board = cls(descriptor)
            board.clear()
        except OSError:
            os.close(descriptor)
            raise
        return board, descriptor

    def announce(self, position: int) -> None:
        """Say that the circuit at `position` runs from now on."""
        self._foretold[0] = _NOTHING
        self._since[0] = time.monotonic()
        self._position[0] = position

    def foretell(self, forecast: Forecast) -> None:
        """Say how the circuit is run that was announced last."""
        if forecast is not self._written:
            self._foretold[0] = _NOTHING
            self._guess[0] = math.nan if forecast.seconds is None else forecast.seconds
            self._memory[_WORDS:] = _packed(forecast.simulator) + _packed(forecast.method or "")
            self._written = forecast
        self._foretold[0] = self._position[0]

    def forecast(self) -> Forecast | None:
        """Return how the circuit is run that runs; None where nothing does, or it is not said yet."""
        position = self._foretold[0]
        if position == _NOTHING or position != self._position[0]:
            return None
        names, seconds = self._memory[_WORDS:], self._guess[0]
        if self._foretold[0] != position or self._memory[_WORDS:] != names:
            return None
        simulator, method = _unpacked(names[:_TEXT]), _unpacked(names[_TEXT:])
        return Forecast(simulator, method or None, None if math.isnan(seconds) else seconds)

    def clear(self) -> None:
        """Say that nothing runs."""
        self._position[0] = _NOTHING

    def announced(self) -> int | None:
        """Return the position that runs, or ran when the child died."""
        position = self._position[0]
        return None if position == _NOTHING else position

    def seconds(self) -> float:
        """Return for how long it has been running; 0 where nothing runs."""
        return 0.0 if self.announced() is None else time.monotonic() - self._since[0]

    def recall(self, *, wanted: bool = True) -> None:
        """Ask for the worker, or take that back: what runs is to be the last circuit of the assignment."""
        self._wanted[0] = wanted

    def is_recalled(self) -> bool:
        """Whether the worker is asked for."""
        return bool(self._wanted[0])

    def close(self) -> None:
        """Unmap."""
        self._foretold.release()
        self._guess.release()
        self._wanted.release()
        self._position.release()
        self._since.release()
        self._memory.close()


def _packed(name: str) -> bytes:
    return name.encode("utf-8", "replace")[:_TEXT].ljust(_TEXT, b"\0")


def _unpacked(name: bytes) -> str:
    return name.rstrip(b"\0").decode("utf-8", "ignore")


def _memory_file() -> int:
    """Return a descriptor of a file that no full disk can touch, where the system has such files."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("farshot-board", 0)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
