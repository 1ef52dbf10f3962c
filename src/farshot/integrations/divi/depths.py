"""The depths of circuits as Divi counts them: with Qiskit, measurements included."""

from __future__ import annotations

from statistics import fmean, pstdev
from threading import Lock
from typing import TYPE_CHECKING

from farshot.errors import FarshotError
from farshot.templates.template import Template

if TYPE_CHECKING:
    from collections.abc import Iterable

    from farshot.integrations.divi.job_pieces import Piece


class Depths:
    """The depths of the circuits of every batch. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._batches: list[list[int]] = []

    @property
    def batches(self) -> list[list[int]]:
        """A copy of the depths, a list for every batch."""
        with self._lock:
            return [list(depths) for depths in self._batches]

    def add(self, pieces: Iterable[Piece]) -> None:
        """Add a batch. A circuit that Qiskit cannot read has no depth."""
        depths = [depth for piece in pieces for depth in _depths(piece)]
        with self._lock:
            self._batches.append(depths)

    def clear(self) -> None:
        """Delete all batches."""
        with self._lock:
            self._batches.clear()

    def mean(self) -> float:
        """Return the mean over all circuits; 0 without circuits."""
        found = self._all_depths()
        return fmean(found) if found else 0.0

    def deviation(self) -> float:
        """Return the standard deviation over all circuits; 0 without circuits."""
        found = self._all_depths()
        return pstdev(found) if found else 0.0

    def _all_depths(self) -> list[int]:
        return [depth for depths in self.batches for depth in depths]


def _depths(piece: Piece) -> list[int]:
    if not isinstance(piece, Template):
        return [depth for text in piece.values() if (depth := _depth(text)) is not None]
    try:
        depth = _depth(piece.bind(next(iter(piece.rows))))  # all rows have the same depth
    except FarshotError:
        return []
    return [] if depth is None else [depth] * len(piece.rows)


def _depth(text: str) -> int | None:
    from qiskit import qasm2

    try:
        circuit = qasm2.loads(text, include_path=(), custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS)
    except qasm2.QASM2ParseError:
        return None
    return int(circuit.depth())
