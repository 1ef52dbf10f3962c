"""The shared memory in which a child announces its circuit, the start of it, and its forecast.

The parent recalls the child there: it is to stop after the circuit that it runs.
"""

from __future__ import annotations

import math
import mmap
import os
import tempfile
import time

from farshot.model import Forecast

_NUMBERS_BYTES = 40
_NAME_BYTES = 64
_BOARD_BYTES = _NUMBERS_BYTES + 2 * _NAME_BYTES
_NO_POSITION = -1


class Board:
    """A position, its start time and its forecast, which the parent can read even after the child is dead.

    The time is `time.monotonic()`, which all processes of a machine share. Each number is one aligned machine word,
    written through a memory view (`struct.pack_into` would show a zero for a moment). The time is written first and
    read last, so that an old time is never seen beside a new position.
    """

    def __init__(self, descriptor: int) -> None:
        """Map the file behind `descriptor`, which is as long as a board."""
        self._memory = mmap.mmap(descriptor, _BOARD_BYTES)
        view = memoryview(self._memory)
        self._position = view[:8].cast("q")
        self._start = view[8:16].cast("d")
        self._recalled = view[16:24].cast("q")
        self._forecast_position = view[24:32].cast("q")
        self._forecast_seconds = view[32:40].cast("d")
        self._written: Forecast | None = None

    @classmethod
    def create(cls) -> tuple[Board, int]:
        """Return a new board and a descriptor of it that a child can inherit; the caller closes that."""
        descriptor = _memory_file()
        try:
            os.write(descriptor, bytes(_BOARD_BYTES))
            board = cls(descriptor)
            board.clear()
        except OSError:
            os.close(descriptor)
            raise
        return board, descriptor

    def announce(self, position: int) -> None:
        """Write that the circuit at `position` runs from now on."""
        self._forecast_position[0] = _NO_POSITION
        self._start[0] = time.monotonic()
        self._position[0] = position

    def announce_forecast(self, forecast: Forecast) -> None:
        """Write the forecast of the circuit that was announced last."""
        if forecast is not self._written:
            self._forecast_position[0] = _NO_POSITION
            self._forecast_seconds[0] = math.nan if forecast.seconds is None else forecast.seconds
            self._memory[_NUMBERS_BYTES:] = _pack_name(forecast.simulator) + _pack_name(forecast.method or "")
            self._written = forecast
        self._forecast_position[0] = self._position[0]

    def forecast(self) -> Forecast | None:
        """Return the forecast of the circuit that runs; None if none runs or its forecast is not written yet."""
        position = self._forecast_position[0]
        if position == _NO_POSITION or position != self._position[0]:
            return None
        names, seconds = self._memory[_NUMBERS_BYTES:], self._forecast_seconds[0]
        if self._forecast_position[0] != position or self._memory[_NUMBERS_BYTES:] != names:
            return None
        simulator, method = _unpack_name(names[:_NAME_BYTES]), _unpack_name(names[_NAME_BYTES:])
        return Forecast(simulator, method or None, None if math.isnan(seconds) else seconds)

    def clear(self) -> None:
        """Write that no circuit runs."""
        self._position[0] = _NO_POSITION

    def announced(self) -> int | None:
        """Return the position of the circuit that runs, or ran when the child died."""
        position = self._position[0]
        return None if position == _NO_POSITION else position

    def seconds(self) -> float:
        """Return for how many seconds the circuit has been running; 0 if none runs."""
        return 0.0 if self.announced() is None else time.monotonic() - self._start[0]

    def recall(self, *, wanted: bool = True) -> None:
        """Have the assignment end with the circuit that runs, or take that back."""
        self._recalled[0] = wanted

    def is_recalled(self) -> bool:
        """Return whether the assignment is to end with the circuit that runs."""
        return bool(self._recalled[0])

    def close(self) -> None:
        """Unmap the memory."""
        for number in (self._position, self._start, self._recalled, self._forecast_position, self._forecast_seconds):
            number.release()
        self._memory.close()


def _pack_name(name: str) -> bytes:
    return name.encode("utf-8", "replace")[:_NAME_BYTES].ljust(_NAME_BYTES, b"\0")


def _unpack_name(name: bytes) -> str:
    return name.rstrip(b"\0").decode("utf-8", "ignore")


def _memory_file() -> int:
    """Return a descriptor of a file in memory, or on a disk if the system has no files in memory."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("farshot-board", 0)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
