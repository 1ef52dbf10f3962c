"""Seeded draws from exact probabilities, and their mapping from qubits to classical bits."""

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

    from farshot.model import Counts
    from farshot.openqasm.facts import Scan


Wiring = tuple[tuple[int, int], ...]
"""Pairs of (qubit, classical bit), each bit once."""

_MIN_BINOMIAL_SHOTS = 8
"""With fewer shots for each possible outcome, points are faster than binomial draws."""


@ISeedSequence.register
class Key:
    """The seed itself as the key of `Philox`; `Philox(key=...)` would first ask the system for entropy."""

    def __init__(self, seed: int) -> None:
        """Take a `seed` of at most 64 bits."""
        self._seed = seed

    def generate_state(self, n_words: int, dtype: DTypeLike = np.uint32) -> NDArray[Any]:
        """Return the seed as the lowest of `n_words` words."""
        words = np.zeros(n_words, dtype)
        words[0] = self._seed
        return words


def draw(probabilities: NDArray[np.float64], shots: int, seed: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Draw `shots` outcomes; return those that occurred, ascending, and their tallies.

    The same arguments give the same outcomes. The faster of two exact methods is used: one binomial draw per possible
    outcome, or one point per shot.
    """
    generator = Generator(Philox(cast("SeedSequence", Key(seed))))
    if drops_points(len(probabilities), shots):
        tallies = _drop_points(probabilities, shots, generator)
    else:
        tallies = generator.multinomial(shots, probabilities / probabilities.sum())
    outcomes = (tallies != 0).nonzero()[0]
    return outcomes, tallies[outcomes]


def drops_points(possible: int, shots: int) -> bool:
    """Return whether so many shots on so many possible outcomes are drawn as points.

    Points from probabilities that differ in their last bits differ about once in 10**10 draws of a thousand. A binomial
    draw takes another branch below one half than above it, which rounding decides if outcomes are equally likely.
    """
    return shots < _MIN_BINOMIAL_SHOTS * possible


def _drop_points(probabilities: NDArray[np.float64], shots: int, generator: Generator) -> NDArray[np.int64]:
    """Drop `shots` uniform points on a line with one interval per outcome, as long as its probability; count them.

    Points and ends of intervals are sorted together, which is faster than a search for each point, and distinguished by
    the last of their 64 bits. Floats above zero sort as the integers of the same bits (IEEE 754).
    """
    size = len(probabilities)
    line = np.empty(size + shots)
    ends, points = line[:size], line[size:]
    probabilities.cumsum(out=ends)
    np.subtract(1.0, generator.random(out=points), out=points)  # none is zero, where an impossible outcome may be
    points *= ends[-1]
    bits = line.view(np.int64)
    bits[:size] |= 1
    bits[size:] &= ~1
    bits.sort()
    bits &= 1
    places = bits.astype(bool).nonzero()[0]
    tallies = places.copy()
    tallies[1:] -= places[:-1] + 1
    return tallies


def wiring(measured: Wiring) -> Wiring:
    """Return the last measurement into each classical bit.

    >>> wiring(((0, 1), (1, 0), (2, 1)))
    ((2, 1), (1, 0))
    """
    return tuple((qubit, bit) for bit, qubit in {bit: qubit for qubit, bit in measured}.items())


def record(outcomes: NDArray[Any], tallies: NDArray[Any], scan: Scan) -> Counts:
    """Pack outcomes of qubits as counts of classical bits; a bit without a measurement is 0."""
    if scan.qubits == scan.bits and scan.measured == _straight(scan.bits):
        return pack(scan.bits, outcomes, tallies)
    if scan.bits > MACHINE_WIDTH:
        bits = np.zeros((len(outcomes), scan.bits), np.uint8)
        for qubit, bit in wiring(scan.measured):
            bits[:, bit] = outcomes >> qubit & 1
        distinct, places = np.unique(bits, axis=0, return_inverse=True)
        return pack_bits(scan.bits, distinct, np.bincount(places.ravel(), tallies).astype(np.uint32))
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
