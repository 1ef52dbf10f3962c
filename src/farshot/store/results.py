"""Recorded outcomes as they are read back. What is damaged is a fault of its circuits, never a number."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from farshot.protocols import StoredPart
from farshot.store import selections
from farshot.store.damage import faulty_parts, faulty_results, labels_of, whole_labels, whole_place, whole_results
from farshot.store.rows import unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Select

    from farshot.store.damage import Span
    from farshot.store.rows import AnyRow
    from farshot.store.transactions import Transactions


SMALL = 64 * 1024
"""Bytes of a part that is read along with others."""

_PAGE = 64
_decode_labels = msgspec.msgpack.Decoder(tuple[str, ...]).decode


def read_labels(transactions: Transactions, job_id: str) -> Iterator[tuple[str, ...]]:
    """Yield the labels of a job, shard by shard in order."""
    for row in pages(transactions, selections.LABELS, job_id, "number", -1):
        yield labels_of(job_id, row)


def read_parts(transactions: Transactions, job_id: str, after: int) -> Iterator[StoredPart]:
    """Yield what is recorded of a job behind the part at position `after`, in order of position."""
    rows = pages(transactions, selections.BY_POSITION, job_id, "first", after, small=SMALL)
    return _stored(transactions, job_id, rows)


def read_recorded(transactions: Transactions, job_id: str, after: int) -> Iterator[StoredPart]:
    """Yield what was recorded of a job after the part of number `after`, in order of time."""
    rows = pages(transactions, selections.BY_TIME, job_id, "seq", after, small=SMALL)
    return _stored(transactions, job_id, rows)


def read_results(transactions: Transactions, job_id: str, seq: int) -> Any:  # noqa: ANN401 -- bytes, unless damaged
    """Return the encoded results of a part, which may be large; raises `UnknownJobError` where they were deleted."""
    with transactions.read() as connection:
        found = connection.execute(selections.RESULTS, {"of_job": job_id, "of_part": seq}).scalar()
    if found is None:
        raise unknown(job_id)
    return found


def pages(
    transactions: Transactions, statement: Select[Any], job_id: str, key: str, after: int, **given: int
) -> Iterator[AnyRow]:
    """Read page by page in order of `key`, so that a slow reader never holds a lock against writers."""
    asked: dict[str, Any] = {"page": _PAGE, **given, "of_job": job_id}
    last = after - 1
    while last < after:
        with transactions.read() as connection:
            rows = connection.execute(statement, {**asked, "after": after}).all()
        yield from rows
        if len(rows) < asked["page"]:
            return
        last, after = after, getattr(rows[-1], key)


def _stored(transactions: Transactions, job_id: str, rows: Iterable[AnyRow]) -> Iterator[StoredPart]:
    told: set[Span] = set()
    for row in rows:
        if _is_whole(job_id, row):
            yield _part(transactions, job_id, row)
        else:
            with transactions.read() as connection:
                damaged = faulty_parts(connection, job_id, row, told)
            yield from damaged


def _is_whole(job_id: str, row: AnyRow) -> bool:
    """Whether a part, its place and its labels are as they were written; a large one is looked at when it is read."""
    results = row.results
    known = whole_results(job_id, row, results) if results is not None else row.nbytes is not None
    return known and whole_place(job_id, row) and whole_labels(job_id, row)


def _part(transactions: Transactions, job_id: str, row: AnyRow) -> StoredPart:
    start = row.first - row.shard_first
    labels = _decode_labels(row.labels)[start : start + row.size]
    read = partial(_large, transactions, job_id, row, labels) if row.results is None else partial(bytes, row.results)
    return StoredPart(row.seq, row.first, row.tries, labels, row.nbytes, read)


def _large(transactions: Transactions, job_id: str, row: AnyRow, labels: tuple[str, ...]) -> bytes:
    results = read_results(transactions, job_id, row.seq)
    if whole_results(job_id, row, results):
        return bytes(results)
    with transactions.read() as connection:
        return faulty_results(connection, job_id, row.first, labels)
