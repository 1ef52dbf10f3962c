"""What is damaged of recorded outcomes, and the faults that stand for it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from farshot.errors import FaultCode
from farshot.model import CircuitResult, Fault, encode_results
from farshot.protocols import StoredPart
from farshot.store import selections
from farshot.store.checksums import UNREADABLE, is_whole
from farshot.store.rows import damaged, read_spec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from farshot.store.rows import AnyRow


Span: TypeAlias = tuple[int, int]

_EVERY_SIZE = 2**62
_MOST = 1000
"""Circuits of a shard that are named where its labels cannot be read."""
_decode_labels = msgspec.msgpack.Decoder(tuple[str, ...]).decode
_decode_results = msgspec.msgpack.Decoder(list[CircuitResult]).decode
_DAMAGED = Fault(
    FaultCode.INTERNAL,
    "the stored result is damaged, its checksum does not match: restore a back-up, or submit the circuit again",
)


def whole_results(job_id: str, row: AnyRow, results: object) -> bool:
    """Whether `results`, and what the row of a part says of them, are as they were written."""
    if not is_whole(row.checksum, results, job_id, row.first, row.size, row.shard, row.attempt):
        return False
    return row.checksum is not None or _can_be_read(results, row.size)


def _can_be_read(results: object, size: int) -> bool:
    """Whether a part from before there were checksums is, at least, results."""
    with suppress(*UNREADABLE):
        return isinstance(results, bytes) and len(_decode_results(results)) == size
    return False


def whole_place(job_id: str, row: AnyRow) -> bool:
    """Whether a shard says what it said of the circuits that it holds."""
    if row.number is None:
        return False
    kept = row.shard_checksum
    return is_whole(kept, b"", job_id, row.number, row.part, row.slot, row.shard_first, row.shard_size)


def whole_labels(job_id: str, row: AnyRow) -> bool:
    """Whether the labels of a shard are as they were written."""
    return is_whole(row.labels_checksum, row.labels, job_id, row.part, row.slot, row.payload_size)


def faulty_parts(connection: Connection, job_id: str, row: AnyRow, told: set[Span]) -> list[StoredPart]:
    """Return a fault for each circuit whose outcome was in the damaged part `row`, as far as that can be told.

    Its own numbers may be what is damaged. So it is told which positions of the shard no whole part holds, once.
    Raises `StoreCorruptError` where not even the shard can be told.
    """
    known = list(_shards_of(connection, job_id, row))
    for shard in known:
        lost = [span for span in _lost(connection, job_id, shard) if span not in told]
        spans = [span for span in lost if span[0] <= row.first] or lost[:1]
        if spans:
            told.update(spans)
            return [_faulty_part(connection, job_id, row, shard, span) for span in spans]
    if known:
        return []
    raise damaged(job_id)


def faulty_results(connection: Connection, job_id: str, first: int, labels: tuple[str, ...]) -> bytes:
    """Return what stands for the results of the circuits `labels` from position `first` on, which are damaged."""
    spec = read_spec(connection, job_id)
    return encode_results(
        [CircuitResult.failed(_DAMAGED, spec, position, label) for position, label in enumerate(labels, first)]
    )


def labels_of(job_id: str, shard: AnyRow) -> tuple[str, ...]:
    """Return the labels of a shard; where they cannot be read, what stands for them."""
    with suppress(*UNREADABLE):
        found = _decode_labels(shard.labels)
        if whole_labels(job_id, shard) or len(found) == shard.shard_size:
            return found
    end = shard.shard_first + min(shard.shard_size, _MOST)
    return tuple(f"damaged label of circuit {position}" for position in range(shard.shard_first, end))


def _shards_of(connection: Connection, job_id: str, row: AnyRow) -> Iterator[AnyRow]:
    """Yield the shards that a damaged part may be of: the one it names, and the one at its position."""
    asked = {"of_job": job_id, "of_shard": row.shard, "position": row.first}
    if isinstance(row.shard, int) and isinstance(row.first, int):
        for statement in (selections.SHARD, selections.SHARD_AT):
            found = connection.execute(statement, asked).one_or_none()
            if found is not None and whole_place(job_id, found):
                yield found


def _lost(connection: Connection, job_id: str, shard: AnyRow) -> Iterator[Span]:
    """Yield the positions of a shard that are recorded and in no whole part."""
    position, end = shard.shard_first, shard.shard_first + min(shard.done, shard.shard_size)
    between = {"of_job": job_id, "start": position, "end": end - 1, "small": _EVERY_SIZE}
    for row in connection.execute(selections.BETWEEN, between):
        if whole_place(job_id, row) and whole_labels(job_id, row) and whole_results(job_id, row, row.results):
            if position < row.first:
                yield position, row.first
            position = row.first + row.size
    if position < end:
        yield position, end


def _faulty_part(connection: Connection, job_id: str, row: AnyRow, shard: AnyRow, span: Span) -> StoredPart:
    start = span[0] - shard.shard_first
    labels = labels_of(job_id, shard)[start : start + span[1] - span[0]]
    results = faulty_results(connection, job_id, span[0], labels)
    return StoredPart(row.seq, span[0], row.attempt or 0, labels, len(results), lambda: results)
