"""Counts as the packed histograms that Divi's client reads, made from the packed form in which they are recorded.

A histogram is `QH1` and its width in one byte, or `QH2` and its width; the numbers of outcomes, of shots, and of
outcomes again; the outcomes in order, each as its distance to the one before; the lengths of the runs of outcomes that
were and were not counted exactly once; and the counts of the others, less two. Every number but the first width is a
LEB128.
"""

from __future__ import annotations

import base64
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from farshot.packing import MACHINE_WIDTH, tallies_of, word_bytes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from farshot.model import Counts


MAX_QH1_BITS = 255

_SHIFTS = np.arange(0, 64, 7, dtype=np.uint64)
_SEVEN_BITS = np.uint64(0x7F)
_MORE = np.uint64(0x80)


def envelope(counts: Counts) -> dict[str, Any]:
    """Return counts as the object by which Divi's client recognises a packed histogram."""
    blob = pack_histogram(counts.width, counts.words, tallies_of(counts))
    return {
        "encoding": "qh1" if counts.width <= MAX_QH1_BITS else "qh2",
        "n_bits": counts.width,
        "payload": base64.b64encode(blob).decode("ascii"),
    }


def pack_histogram(width: int, words: bytes, tallies: NDArray[Any]) -> bytes:
    """Return the histogram of distinct outcomes in ascending order, in the words of `farshot.model.Counts`."""
    numbers = tallies.astype(np.uint64, copy=False)
    runs = _runs(numbers == 1)
    others = numbers[numbers != 1] - np.uint64(2)
    return b"".join(
        (
            b"QH1" + bytes([width]) if width <= MAX_QH1_BITS else b"QH2" + _varint(width),
            _varint(len(numbers)),
            _varint(int(numbers.sum())),
            _varint(len(numbers)),
            _gaps(width, words),
            _varint(len(runs)),
            runs,
            _varint(len(others)),
            _varints(others),
        )
    )


def _gaps(width: int, words: bytes) -> bytes:
    """Return the first outcome and the distance of each other one to the one before."""
    size = word_bytes(width)
    if width <= MACHINE_WIDTH:
        outcomes = np.frombuffer(words, f"<u{size}").astype(np.uint64)
        return _varints(np.diff(outcomes, prepend=np.uint64(0)))
    numbers = (int.from_bytes(words[start : start + size], "little") for start in range(0, len(words), size))
    return b"".join(_varint(number - before) for before, number in pairwise(chain((0,), numbers)))


def _runs(once: NDArray[np.bool_]) -> bytes:
    """Return the number of runs, whether the first one is of outcomes counted once, and the length of each."""
    if not len(once):
        return _varint(0)
    ends = np.append(np.flatnonzero(once[1:] != once[:-1]) + 1, len(once))
    lengths = np.diff(ends, prepend=0).astype(np.uint64)
    return _varint(len(lengths)) + bytes([bool(once[0])]) + _varints(lengths)


def _varint(number: int) -> bytes:
    r"""Return the LEB128 of a number of any size: seven bits a byte, the lowest first.

    >>> _varint(300)
    b'\xac\x02'
    """
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def _varints(numbers: NDArray[np.uint64]) -> bytes:
    """Return the LEB128 of numbers of up to 64 bits, one after the other."""
    shifted = numbers[:, None] >> _SHIFTS
    used = shifted != 0
    used[:, 0] = True
    groups = shifted & _SEVEN_BITS
    groups[:, :-1] |= used[:, 1:] * _MORE
    return bytes(groups[used].astype(np.uint8))
