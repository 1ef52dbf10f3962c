"""Result entries as JSON, in pieces: of a large one little more is in memory than what was recorded."""

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


SPELLED = 4096
"""Bits up to which the keys of counts are spelled, a character a bit."""
_SMALL = 64 * 1024
"""Characters up to which an entry is written at once."""

_decode_all = msgspec.msgpack.Decoder(list[CircuitResult]).decode
_decode_raw = msgspec.msgpack.Decoder(list[msgspec.Raw]).decode
_decode_one = msgspec.msgpack.Decoder(CircuitResult).decode


def part_pieces(
    part: RecordedSlice, observables: Observables | None, start: int = 0
) -> Iterator[tuple[int, Iterator[bytes]]]:
    """Yield the position of every circuit of a part from `start` on, and its entry in pieces."""
    skipped = max(0, start - part.first)
    found = zip(part.labels[skipped:], _results(part.results, skipped), strict=True)
    for position, (label, result) in enumerate(found, part.first + skipped):
        terms = observables.terms_at(position) if observables else ()
        yield position, _entry(label, result, terms, part.attempt)


def _results(data: bytes, skipped: int) -> Iterator[CircuitResult]:
    """Yield results; those of a large part one by one, for what was decoded is as large again."""
    if len(data) <= _SMALL:
        yield from _decode_all(data)[skipped:]
    else:
        yield from map(_decode_one, _decode_raw(data)[skipped:])


def _entry(label: str, result: CircuitResult, terms: tuple[str, ...], attempt: int) -> Iterator[bytes]:
    outcome = result.outcome
    members: Iterator[dict[str, Any]]
    if isinstance(outcome, Counts) and outcome.width > SPELLED:
        name, members = f'"width":{outcome.width},"hex_counts"', (hexadecimal(cut) for cut in slices(outcome, _SMALL))
    elif isinstance(outcome, Counts) and 8 * len(outcome.words) > _SMALL:
        name, members = '"results"', (unpack(cut) for cut in slices(outcome, _SMALL))
    elif isinstance(outcome, Values) and terms and len(terms) * len(terms[0]) > _SMALL:
        name, members = '"results"', _values(terms, outcome.values)
    else:
        yield encode(json_entry(entry_of(label, result, terms, attempt)))
        return
    yield encode({"label": label})[:-1] + f",{name}:".encode()
    mark = b"{"
    for found in members:
        yield mark + encode(found)[1:-1]
        mark = b","
    rest = json_entry({"metadata": metadata(result, attempt)})
    yield b"}," + encode(rest)[1:]


def _values(terms: tuple[str, ...], values: tuple[float, ...]) -> Iterator[dict[str, float]]:
    """Yield values by term, a piece at a time."""
    step = max(1, _SMALL // (len(terms[0]) + 1))
    for start in range(0, len(terms), step):
        yield dict(zip(terms[start : start + step], values[start : start + step], strict=True))
