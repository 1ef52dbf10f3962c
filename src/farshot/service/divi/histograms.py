"""Counts as the packed histograms that Divi's client reads, made from the packed form in which they are recorded.

A histogram is `QH1` and its width in one byte, or `QH2` and its width; the numbers of outcomes, of shots, and of
outcomes again; the outcomes in order, each as its distance to the one before; the lengths of the runs of outcomes that
were and were not seen exactly once; and how often the others were seen, less two. Every number but the first width is a
LEB128.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import numpy as np

from farshot.packing import MACHINE_WIDTH, tallies_of, word_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from farshot.model import Counts


NARROW = 255
"""The most bits of a `QH1`."""

_SHIFTS = np.arange(0, 64, 7, dtype=np.uint64)
_SEVEN_BITS = np.uint64(0x7F)
_MORE = np.uint64(0x80)


def envelope(counts: Counts) -> dict[str, Any]:
    """Return counts as the object that Divi's client takes for a packed histogram."""
    blob = pack_histogram(counts.width, counts.words, tallies_of(counts))
    return {
        "encoding": "qh1" if counts.width <= NARROW else "qh2",
        "n_bits": counts.width,
        "payload": base64.b64encode(blob).decode("ascii"),
    }


def pack_histogram(width: int, words: bytes, tallies: NDArray[Any]) -> bytes:
    """Return the histogram of distinct outcomes, ascending, whose words are those of `farshot.model.Counts`."""
    found = tallies.astype(np.uint64, copy=False)
    runs = _runs(found == 1)
    several = found[found != 1] - np.uint64(2)
    return b"".join(
        (
            b"QH1" + bytes([width]) if width <= NARROW else b"QH2" + _varint(width),
            _varint(len(found)),
            _varint(int(found.sum())),
            _varint(len(found)),
            _gaps(width, words),
            _varint(len(runs)),
            runs,
            _varint(len(several)),
            _varints(several),
        )
    )


def _gaps(width: int, words: bytes) -> bytes:
    """Return the first outcome and the distance of each other one to the one before."""
    if width <= MACHINE_WIDTH:
        outcomes = np.frombuffer(words, f"<u{word_bytes(width)}").astype(np.uint64)
        return _varints(np.diff(outcomes, prepend=np.uint64(0)))
    return b"".join(map(_varint, _differences(_integers(words, word_bytes(width)))))


def _integers(words: bytes, size: int) -> Iterable[int]:
    return (int.from_bytes(words[start : start + size], "little") for start in range(0, len(words), size))


def _differences(numbers: Iterable[int]) -> Iterable[int]:
    before = 0
    for number in numbers:
        yield number - before
        before = number


def _runs(once: NDArray[np.bool_]) -> bytes:
    """Return how many runs there are, whether the first one is of outcomes seen once, and how long they are."""
    if not len(once):
        return _varint(0)
    ends = np.append(np.flatnonzero(once[1:] != once[:-1]) + 1, len(once))
    lengths = np.diff(ends, prepend=0).astype(np.uint64)
    return _varint(len(lengths)) + bytes([bool(once[0])]) + _varints(lengths)


def _varint(number: int) -> bytes:
    r"""Return a number of any size, seven bits a byte, the lowest first.

    >>> _varint(300)
    b'\xac\x02'
    """
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def _varints(numbers: NDArray[np.uint64]) -> bytes:
    """Return many numbers of up to 64 bits, one after the other."""
    shifted = numbers[:, None] >> _SHIFTS
    used = shifted != 0
    used[:, 0] = True
    groups = shifted & _SEVEN_BITS
    groups[:, :-1] |= used[:, 1:] * _MORE
    return bytes(groups[used].astype(np.uint8))
