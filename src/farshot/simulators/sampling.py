"""Seeded draws from exact probabilities, and the way from measured qubits to classical bits."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.random import Generator, Philox
from numpy.random.bit_generator import ISeedSequence

from farshot.packing import MACHINE_WIDTH, pack, pack_bits

if TYPE_CHECKING:
    from numpy.random import SeedSequence
    from numpy.typing import DTypeLike, NDArray

    from farshot.admission.facts import Scan
    from farshot.model import Counts

__all__ = ["Key", "Wiring", "draw", "record", "wiring"]

Wiring = tuple[tuple[int, int], ...]
"""Pairs of (qubit, classical bit), each bit once."""


@ISeedSequence.register
class Key:
    """The seed itself as the key of `Philox`; `Philox(key=...)` would first ask the system for entropy."""

    def __init__(self, seed: int) -> None:
        """Keep `seed`, of at most 64 bits."""
        self._seed = seed

    def generate_state(self, n_words: int, dtype: DTypeLike = np.uint32) -> NDArray[Any]:
        """Return the seed as the lowest of `n_words` words."""
        words = np.zeros(n_words, dtype)
        words[0] = self._seed
        return words


def draw(probabilities: NDArray[np.float64], shots: int, seed: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Draw `shots` outcomes; return those that occurred, ascending, and how often.

    Same arguments, same outcomes. The cheaper of two exact ways is taken: one binomial draw per
    possible outcome, or one point per shot.
    """
    generator = Generator(Philox(cast("SeedSequence", Key(seed))))
    if shots < len(probabilities):
        tallies = _drop_points(probabilities, shots, generator)
    else:
        tallies = generator.multinomial(shots, probabilities / probabilities.sum())
    outcomes = (tallies != 0).nonzero()[0]
    return outcomes, tallies[outcomes]


def _drop_points(probabilities: NDArray[np.float64], shots: int, generator: Generator) -> NDArray[np.intp]:
    """Drop `shots` uniform points, in order, on the line of cumulated probabilities; count where they fall.

    The partial sums of shots + 1 exponential draws, divided by the last of them, are distributed as
    sorted uniform points, so nothing needs sorting.
    """
    upper = probabilities.cumsum()
    points = generator.standard_exponential(shots + 1).cumsum()
    points *= upper[-1] / points[-1]
    outcomes = upper.searchsorted(points[:-1], side="right")
    if outcomes[-1] == len(upper):  # rounding put a point on the very end of the line
        np.minimum(outcomes, upper.searchsorted(upper[-1]), out=outcomes)
    return np.bincount(outcomes)


def wiring(measured: Wiring) -> Wiring:
    """Return what each classical bit holds in the end: its last measurement counts.

    >>> wiring(((0, 1), (1, 0), (2, 1)))
    ((2, 1), (1, 0))
    """
    return tuple((qubit, bit) for bit, qubit in {bit: qubit for qubit, bit in measured}.items())


def record(outcomes: NDArray[Any], tallies: NDArray[Any], scan: Scan) -> Counts:
    """Pack outcomes of qubits as outcomes of classical bits; a bit that nothing is measured into is 0."""
    if scan.qubits == scan.bits and scan.measured == _straight(scan.bits):
        return pack(scan.bits, outcomes, tallies)
    if scan.bits > MACHINE_WIDTH:
        return _record_wide(outcomes, tallies, wiring(scan.measured), scan.bits)
    words = _rewired(scan.measured, scan.qubits)[outcomes]
    distinct, places = np.unique(words, return_inverse=True)
    return pack(scan.bits, distinct, np.bincount(places, tallies).astype(np.uint32))


@lru_cache(maxsize=8)
def _straight(width: int) -> Wiring:
    return tuple((index, index) for index in range(width))


@lru_cache(maxsize=8)
def _rewired(measured: Wiring, qubits: int) -> NDArray[np.uint64]:
    """Return the classical word of every outcome of the first `qubits` qubits."""
    outcomes = np.arange(1 << qubits, dtype=np.uint64)
    words = np.zeros_like(outcomes)
    for qubit, bit in wiring(measured):
        words |= (outcomes >> np.uint64(qubit) & np.uint64(1)) << np.uint64(bit)
    return words


def _record_wide(outcomes: NDArray[Any], tallies: NDArray[Any], final: Wiring, width: int) -> Counts:
    bits = np.zeros((len(outcomes), width), np.uint8)
    for qubit, bit in final:
        bits[:, bit] = outcomes >> qubit & 1
    distinct, places = np.unique(bits, axis=0, return_inverse=True)
    return pack_bits(width, distinct, np.bincount(places.ravel(), tallies).astype(np.uint32))
