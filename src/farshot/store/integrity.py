"""Whether everything in a store is as it was written: a server and SQLite look at their own pages, not at each bit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select, tuple_

from farshot.errors import UnknownJobError
from farshot.store.checksums import is_whole
from farshot.store.damage import whole_place, whole_results
from farshot.store.results import SMALL, read_results
from farshot.store.schema import jobs, parts, payloads, results, shards
from farshot.store.selections import EVERY_PART, EVERY_SHARD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Column, Connection, Select

    from farshot.store.rows import AnyRow
    from farshot.store.transactions import Transactions

    Check = Callable[[AnyRow], str | None]


_FOUND_AT_MOST = 20
_PAGE = 16
_MISPLACED = "a row of {} refers to a row of {} that is not there"


def faults_of(connection: Connection) -> list[str]:
    """Return what SQLite finds wrong with its file; a server checks its own files."""
    if connection.dialect.name != "sqlite":
        return []
    found = [row[0] for row in connection.exec_driver_sql(f"PRAGMA integrity_check({_FOUND_AT_MOST})")]
    orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(_FOUND_AT_MOST)
    return [line for line in found if line != "ok"] + [_MISPLACED.format(row[0], row[2]) for row in orphans]


def damages(transactions: Transactions) -> Iterator[str]:
    """Yield what is not as it was written, of every job; read in pages, so that writers never wait long."""
    for statement, keys, check in _CHECKS:
        for row in _rows(transactions, statement, keys):
            found = check(row)
            if found is not None:
                yield f"job {row.job_id}: {found}"
    for row in _rows(transactions, EVERY_PART, (results.c.seq,)):
        if not _is_whole_part(transactions, row):
            yield f"job {row.job_id}: the stored result of the circuits from position {row.first} on is damaged"


def _rows(transactions: Transactions, statement: Select[Any], keys: Sequence[Column[Any]]) -> Iterator[AnyRow]:
    """Read a whole table in order of `keys`."""
    ordered = statement.order_by(*keys).limit(_PAGE)
    after = tuple_(*(bindparam(column.name, type_=column.type) for column in keys))
    following = ordered.where(tuple_(*keys) > after)
    asked = ordered
    values: dict[str, object] = {"small": SMALL} if statement is EVERY_PART else {}
    while True:
        with transactions.read() as connection:
            rows = connection.execute(asked, values).all()
        yield from rows
        if len(rows) < _PAGE:
            return
        asked, values = following, values | {column.name: getattr(rows[-1], column.name) for column in keys}


def _is_whole_part(transactions: Transactions, row: AnyRow) -> bool:
    try:
        found = read_results(transactions, row.job_id, row.seq) if row.results is None else row.results
    except UnknownJobError:  # it was deleted meanwhile
        return True
    return whole_results(row.job_id, row, found)


def _place(row: AnyRow) -> str | None:
    return None if whole_place(row.job_id, row) else f"shard {row.number} is damaged"


def _payload(row: AnyRow) -> str | None:
    place = row.job_id, row.part, row.slot, row.size
    for name in ("labels", "sources"):
        if not is_whole(getattr(row, f"{name}_checksum"), getattr(row, name), *place):
            return f"the {name} of part {row.part}, shard {row.slot} of it, are damaged"
    return None


def _template(row: AnyRow) -> str | None:
    whole = is_whole(row.checksum, row.template or b"", row.job_id, row.number)
    return None if whole else f"the template of part {row.number} is damaged"


def _spec(row: AnyRow) -> str | None:
    return None if is_whole(row.checksum, row.spec, row.job_id) else "its specification is damaged"


_CHECKS: tuple[tuple[Select[Any], Sequence[Column[Any]], Check], ...] = (
    (EVERY_SHARD, (shards.c.seq,), _place),
    (select(payloads), (payloads.c.job_id, payloads.c.part, payloads.c.slot), _payload),
    (
        select(parts.c.job_id, parts.c.number, parts.c.template, parts.c.checksum),
        (parts.c.job_id, parts.c.number),
        _template,
    ),
    (select(jobs.c.id.label("job_id"), jobs.c.seq, jobs.c.spec, jobs.c.checksum), (jobs.c.seq,), _spec),
)
