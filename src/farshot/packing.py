"""Packing and unpacking of counts. `farshot.model.Counts` describes the layout."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from farshot.model import Counts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray


_MAX_TABLE_WIDTH = 12
"""Up to this width the key of every outcome is cached: 4,096 strings take 0.3 MB."""
MACHINE_WIDTH = 64
"""Up to this width, in bits, a word is a machine integer."""
_MACHINE_BYTES = bytes(next(size for size in (1, 2, 4, 8) if width <= 8 * size) for width in range(MACHINE_WIDTH + 1))


def word_bytes(width: int) -> int:
    """Return the size of a word in bytes: 1, 2, 4 or 8, and above 64 bits as few as hold it.

    >>> [word_bytes(width) for width in (0, 8, 9, 17, 64, 65)]
    [1, 1, 2, 4, 8, 9]
    """
    return _MACHINE_BYTES[width] if width <= MACHINE_WIDTH else -(-width // 8)


def pack(width: int, words: NDArray[Any], tallies: NDArray[Any]) -> Counts:
    """Pack distinct outcomes that are in ascending order.

    `words` holds unsigned integers if the width is at most 64, otherwise rows of `word_bytes(width)` bytes, lowest
    byte first.
    """
    kind = f"<u{word_bytes(width)}" if width <= MACHINE_WIDTH else "u1"
    largest = tallies.max(initial=0)
    tally_kind = "u1" if largest < 2**8 else "<u2" if largest < 2**16 else "<u4"
    return Counts(width, words.astype(kind, copy=False).tobytes(), tallies.astype(tally_kind, copy=False).tobytes())


def pack_bits(width: int, bits: NDArray[Any], tallies: NDArray[Any]) -> Counts:
    """Pack distinct outcomes in any order. Each row of `bits` is an outcome; column k is classical bit k."""
    rows = np.zeros((len(bits), word_bytes(width)), np.uint8)
    packed = np.packbits(bits, axis=1, bitorder="little")
    rows[:, : packed.shape[1]] = packed
    words = rows.view(f"<u{rows.shape[1]}").ravel() if width <= MACHINE_WIDTH else rows
    order = _ascending(words)
    return pack(width, words[order], tallies[order])


def _ascending(words: NDArray[Any]) -> NDArray[np.intp]:
    if words.ndim == 1:
        return np.argsort(words)
    highest_first = np.ascontiguousarray(words[:, ::-1])
    return np.argsort(highest_first.view(f"S{words.shape[1]}").ravel())


def pack_mapping(width: int, counts: Mapping[str, int]) -> Counts:
    """Pack counts whose keys have one character per bit, the rightmost of which is bit 0.

    >>> unpack(pack_mapping(2, {"10": 3, "01": 4}))
    {'01': 4, '10': 3}
    """
    characters = np.frombuffer("".join(counts).encode("ascii"), np.uint8).reshape(len(counts), width)
    tallies = np.fromiter(counts.values(), np.uint32, len(counts))
    return pack_bits(width, characters[:, ::-1] & 1, tallies)


def unpack(counts: Counts) -> dict[str, int]:
    """Return the counts by key. The rightmost character of a key is bit 0."""
    size = _tally_bytes(counts)
    tallies = counts.tallies if size == 1 else np.frombuffer(counts.tallies, f"<u{size}").tolist()
    return dict(zip(_keys(counts.width, counts.words), tallies, strict=True))


def slices(counts: Counts, characters: int) -> Iterator[Counts]:
    """Yield the counts in slices whose keys have about `characters` characters in all."""
    size, tally = word_bytes(counts.width), _tally_bytes(counts)
    step = max(1, characters // (counts.width or 1))
    for start in range(0, len(counts.words) // size, step):
        stop = start + step
        words = counts.words[start * size : stop * size]
        yield Counts(counts.width, words, counts.tallies[start * tally : stop * tally])


def hexadecimal(counts: Counts) -> dict[str, int]:
    """Return the counts by hexadecimal key, a number whose bit k is classical bit k.

    >>> hexadecimal(pack_mapping(20, {"1" * 20: 4, "0" * 19 + "1": 3}))
    {'0x1': 3, '0xfffff': 4}
    """
    size = word_bytes(counts.width)
    words = (counts.words[start : start + size] for start in range(0, len(counts.words), size))
    keys = (hex(int.from_bytes(word, "little")) for word in words)
    return dict(zip(keys, tallies_of(counts).tolist(), strict=True))


def tallies_of(counts: Counts) -> NDArray[Any]:
    """Return the count of each word."""
    return np.frombuffer(counts.tallies, f"<u{_tally_bytes(counts)}")


def _tally_bytes(counts: Counts) -> int:
    return len(counts.tallies) * word_bytes(counts.width) // (len(counts.words) or 1) or 1


def _keys(width: int, words: bytes) -> list[str]:
    if width > _MAX_TABLE_WIDTH:
        return _format_keys(width, words)
    keys: list[str] = _key_table(width).take(np.frombuffer(words, f"<u{word_bytes(width)}")).tolist()
    return keys


@cache
def _key_table(width: int) -> NDArray[np.object_]:
    return np.array([f"{word:0{width}b}" if width else "" for word in range(1 << width)], object)


def _format_keys(width: int, words: bytes) -> list[str]:
    rows = np.frombuffer(words, np.uint8).reshape(-1, word_bytes(width))
    bits = np.unpackbits(rows, axis=1, count=width, bitorder="little")
    text = (bits[:, ::-1] + ord("0")).tobytes().decode("ascii")
    return [text[start : start + width] for start in range(0, len(text), width)]
