"""Reading recorded outcomes back. A damaged one is a fault of its circuits, never a number."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from farshot.protocols import StoredPart
from farshot.store import selections
from farshot.store.damage import (
    has_intact_labels,
    has_intact_position,
    has_intact_results,
    read_shard_labels,
    to_faulty_parts,
    to_faulty_results,
)
from farshot.store.encoding import decode_labels
from farshot.store.rows import unknown_job_error

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Select

    from farshot.store.damage import Span
    from farshot.store.rows import AnyRow
    from farshot.store.transactions import Transactions


MAX_INLINE_BYTES = 64 * 1024
"""The largest results that are read together with other parts."""

_PAGE = 64


def read_labels(transactions: Transactions, job_id: str) -> Iterator[tuple[str, ...]]:
    """Yield the labels of a job, shard by shard in order."""
    for row in read_pages(transactions, selections.LABELS, job_id, "number", -1):
        yield read_shard_labels(job_id, row)


def read_parts(transactions: Transactions, job_id: str, after: int) -> Iterator[StoredPart]:
    """Yield the recorded parts of a job behind the one at position `after`, in order of position."""
    rows = read_pages(transactions, selections.BY_POSITION, job_id, "first", after, max_bytes=MAX_INLINE_BYTES)
    return _to_parts(transactions, job_id, rows)


def read_recorded(transactions: Transactions, job_id: str, after: int) -> Iterator[StoredPart]:
    """Yield the parts of a job that were recorded after the part of number `after`, in order of time."""
    rows = read_pages(transactions, selections.BY_TIME, job_id, "seq", after, max_bytes=MAX_INLINE_BYTES)
    return _to_parts(transactions, job_id, rows)


def read_results(transactions: Transactions, job_id: str, seq: int) -> Any:  # noqa: ANN401 -- bytes, unless damaged
    """Return the encoded results of a part, which may be large; raises `UnknownJobError` if they were deleted."""
    with transactions.read() as connection:
        found = connection.execute(selections.RESULTS, {"of_job": job_id, "of_part": seq}).scalar()
    if found is None:
        raise unknown_job_error(job_id)
    return found


def read_pages(
    transactions: Transactions, statement: Select[Any], job_id: str, key: str, after: int, **given: int
) -> Iterator[AnyRow]:
    """Yield rows in order of `key`, read page by page, so that a slow reader never holds a lock against writers."""
    values: dict[str, Any] = {"page": _PAGE, **given, "of_job": job_id}
    last = after - 1
    while last < after:
        with transactions.read() as connection:
            rows = connection.execute(statement, {**values, "after": after}).all()
        yield from rows
        if len(rows) < values["page"]:
            return
        last, after = after, getattr(rows[-1], key)


def _to_parts(transactions: Transactions, job_id: str, rows: Iterable[AnyRow]) -> Iterator[StoredPart]:
    reported: set[Span] = set()
    for row in rows:
        if _is_intact(job_id, row):
            yield _to_part(transactions, job_id, row)
        else:
            with transactions.read() as connection:
                faulty = to_faulty_parts(connection, job_id, row, reported)
            yield from faulty


def _is_intact(job_id: str, row: AnyRow) -> bool:
    """Return whether a part, its position and its labels are intact; large results are checked when they are read."""
    results = row.results
    has_results = has_intact_results(job_id, row, results) if results is not None else row.nbytes is not None
    return has_results and has_intact_position(job_id, row) and has_intact_labels(job_id, row)


def _to_part(transactions: Transactions, job_id: str, row: AnyRow) -> StoredPart:
    start = row.first - row.shard_first
    labels = decode_labels(row.labels)[start : start + row.size]
    is_large = row.results is None
    read = partial(_read_large, transactions, job_id, row, labels) if is_large else partial(bytes, row.results)
    return StoredPart(row.seq, row.first, row.tries, labels, row.nbytes, read)


def _read_large(transactions: Transactions, job_id: str, row: AnyRow, labels: tuple[str, ...]) -> bytes:
    results = read_results(transactions, job_id, row.seq)
    if has_intact_results(job_id, row, results):
        return bytes(results)
    with transactions.read() as connection:
        return to_faulty_results(connection, job_id, row.first, labels)
