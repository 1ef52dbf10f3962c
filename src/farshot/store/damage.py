"""Finding damage in recorded outcomes, and the faults that stand for them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, TypeAlias

from farshot.errors import FaultCode
from farshot.model import CircuitResult, Fault, encode_results
from farshot.protocols import StoredPart
from farshot.store import selections
from farshot.store.encoding import UNREADABLE, decode_labels, decode_results, is_intact
from farshot.store.rows import damaged_job_error, read_spec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from farshot.store.rows import AnyRow


Span: TypeAlias = tuple[int, int]
"""The positions [start, end) of circuits in a job."""

_ANY_SIZE = 2**62
_MAX_PLACEHOLDERS = 1000
"""Circuits of a shard that get a placeholder if its labels cannot be read."""
_DAMAGED = Fault(
    FaultCode.INTERNAL,
    "the stored result is damaged, its checksum does not match: restore a back-up, or submit the circuit again",
)


def has_intact_results(job_id: str, row: AnyRow, results: object) -> bool:
    """Return whether `results`, and the numbers in the row of their part, are as they were written."""
    if not is_intact(row.checksum, results, job_id, row.first, row.size, row.shard, row.attempt):
        return False
    if row.checksum is not None:
        return True
    with suppress(*UNREADABLE):  # from before there were checksums: they are results, at least
        return isinstance(results, bytes) and len(decode_results(results)) == row.size
    return False


def has_intact_position(job_id: str, row: AnyRow) -> bool:
    """Return whether the numbers that say which circuits a shard holds are as they were written."""
    if row.number is None:
        return False
    place = job_id, row.number, row.part, row.slot, row.shard_first, row.shard_size
    return is_intact(row.shard_checksum, b"", *place)


def has_intact_labels(job_id: str, row: AnyRow) -> bool:
    """Return whether the labels of a shard are as they were written."""
    return is_intact(row.labels_checksum, row.labels, job_id, row.part, row.slot, row.payload_size)


def to_faulty_parts(connection: Connection, job_id: str, row: AnyRow, reported: set[Span]) -> list[StoredPart]:
    """Return a fault for each circuit whose outcome was in the damaged part `row`, as far as they are known.

    The numbers of the part may themselves be damaged, so the faults are for the positions of its shard that are in no
    intact part, each once: those already `reported` are left out, and new ones are added to them. Raises
    `StoreCorruptError` if not even the shard is known.
    """
    candidates = list(_find_shards(connection, job_id, row))
    for shard in candidates:
        lost = [span for span in _find_lost(connection, job_id, shard) if span not in reported]
        spans = [span for span in lost if span[0] <= row.first] or lost[:1]
        if spans:
            reported.update(spans)
            return [_to_faulty_part(connection, job_id, row, shard, span) for span in spans]
    if candidates:
        return []
    raise damaged_job_error(job_id)


def to_faulty_results(connection: Connection, job_id: str, first: int, labels: tuple[str, ...]) -> bytes:
    """Return encoded faults in place of the damaged results of the circuits `labels` from position `first` on."""
    spec = read_spec(connection, job_id)
    return encode_results(
        [CircuitResult.failed(_DAMAGED, spec, position, label) for position, label in enumerate(labels, first)]
    )


def read_shard_labels(job_id: str, shard: AnyRow) -> tuple[str, ...]:
    """Return the labels of a shard, or placeholders if they cannot be read."""
    with suppress(*UNREADABLE):
        found = decode_labels(shard.labels)
        if has_intact_labels(job_id, shard) or len(found) == shard.shard_size:
            return found
    end = shard.shard_first + min(shard.shard_size, _MAX_PLACEHOLDERS)
    return tuple(f"damaged label of circuit {position}" for position in range(shard.shard_first, end))


def _find_shards(connection: Connection, job_id: str, row: AnyRow) -> Iterator[AnyRow]:
    """Yield the shards that a damaged part may belong to: the one it names, and the one at its position."""
    values = {"of_job": job_id, "of_shard": row.shard, "position": row.first}
    if isinstance(row.shard, int) and isinstance(row.first, int):
        for statement in (selections.SHARD, selections.SHARD_AT):
            found = connection.execute(statement, values).one_or_none()
            if found is not None and has_intact_position(job_id, found):
                yield found


def _find_lost(connection: Connection, job_id: str, shard: AnyRow) -> Iterator[Span]:
    """Yield the positions of a shard that are recorded and in no intact part."""
    position, end = shard.shard_first, shard.shard_first + min(shard.done, shard.shard_size)
    values = {"of_job": job_id, "start": position, "end": end - 1, "max_bytes": _ANY_SIZE}
    for row in connection.execute(selections.BETWEEN, values):
        checks = has_intact_position(job_id, row) and has_intact_labels(job_id, row)
        if checks and has_intact_results(job_id, row, row.results):
            if position < row.first:
                yield position, row.first
            position = row.first + row.size
    if position < end:
        yield position, end


def _to_faulty_part(connection: Connection, job_id: str, row: AnyRow, shard: AnyRow, span: Span) -> StoredPart:
    start = span[0] - shard.shard_first
    labels = read_shard_labels(job_id, shard)[start : start + span[1] - span[0]]
    results = to_faulty_results(connection, job_id, span[0], labels)
    return StoredPart(row.seq, span[0], row.attempt or 0, labels, len(results), lambda: results)
