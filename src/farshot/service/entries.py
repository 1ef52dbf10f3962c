"""Result entries as JSON in pieces, so that a large one takes little more memory than its recorded result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from farshot.backends.entries import entry_of, json_entry, metadata
from farshot.model import CircuitResult, Counts, Values
from farshot.packing import hexadecimal, slices, unpack
from farshot.wire import encode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farshot.backends.entries import RecordedSlice
    from farshot.model import Observables


_MAX_BITSTRING = 4096
"""Bits up to which the keys of counts are written with one character for each bit."""
_PIECE_BYTES = 64 * 1024
"""The size of a piece, and up to which an entry is written as one."""

_decode_all = msgspec.msgpack.Decoder(list[CircuitResult]).decode
_decode_raw = msgspec.msgpack.Decoder(list[msgspec.Raw]).decode
_decode_one = msgspec.msgpack.Decoder(CircuitResult).decode


def part_pieces(
    part: RecordedSlice, observables: Observables | None, start: int = 0
) -> Iterator[tuple[int, Iterator[bytes]]]:
    """Yield the position of every circuit of a part from `start` on, with the pieces of its entry."""
    skipped = max(0, start - part.first)
    found = zip(part.labels[skipped:], _decode_results(part.results, skipped), strict=True)
    for position, (label, result) in enumerate(found, part.first + skipped):
        terms = observables.terms_at(position) if observables else ()
        yield position, _write_entry(label, result, terms, part.attempt)


def _decode_results(data: bytes, skipped: int) -> Iterator[CircuitResult]:
    """Yield results; those of a large part one by one, for decoded results are as large again."""
    if len(data) <= _PIECE_BYTES:
        yield from _decode_all(data)[skipped:]
    else:
        yield from map(_decode_one, _decode_raw(data)[skipped:])


def _write_entry(label: str, result: CircuitResult, terms: tuple[str, ...], attempt: int) -> Iterator[bytes]:
    outcome = result.outcome
    members: Iterator[dict[str, Any]]
    if isinstance(outcome, Counts) and outcome.width > _MAX_BITSTRING:
        name = f'"width":{outcome.width},"hex_counts"'
        members = map(hexadecimal, slices(outcome, _PIECE_BYTES))
    elif isinstance(outcome, Counts) and 8 * len(outcome.words) > _PIECE_BYTES:
        name, members = '"results"', map(unpack, slices(outcome, _PIECE_BYTES))
    elif isinstance(outcome, Values) and terms and len(terms) * len(terms[0]) > _PIECE_BYTES:
        name, members = '"results"', _cut_values(terms, outcome.values)
    else:
        yield encode(json_entry(entry_of(label, result, terms, attempt)))
        return
    yield encode({"label": label})[:-1] + f",{name}:".encode()
    opening = b"{"
    for piece in members:
        yield opening + encode(piece)[1:-1]
        opening = b","
    rest = json_entry({"metadata": metadata(result, attempt)})
    yield b"}," + encode(rest)[1:]


def _cut_values(terms: tuple[str, ...], values: tuple[float, ...]) -> Iterator[dict[str, float]]:
    """Yield values keyed by term, a piece at a time."""
    step = max(1, _PIECE_BYTES // (len(terms[0]) + 1))
    for start in range(0, len(terms), step):
        yield dict(zip(terms[start : start + step], values[start : start + step], strict=True))
