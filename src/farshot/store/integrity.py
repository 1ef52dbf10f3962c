"""Checking that a store is as it was written: a server and SQLite check their own pages, but not each bit."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select, tuple_

from farshot.errors import UnknownJobError
from farshot.store.damage import has_intact_position, has_intact_results
from farshot.store.encoding import is_intact
from farshot.store.results import MAX_INLINE_BYTES, read_results
from farshot.store.schema import jobs, parts, payloads, results, shards
from farshot.store.selections import EVERY_PART, EVERY_SHARD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Column, Connection, Select

    from farshot.store.rows import AnyRow
    from farshot.store.transactions import Transactions

    Check = Callable[[AnyRow], str | None]


_MAX_FINDINGS = 20
_PAGE = 16


def find_faults(transactions: Transactions) -> list[str]:
    """Read the whole database and return its faults; of the damaged values only the first."""
    with transactions.read() as connection:
        found = find_file_faults(connection)
    return found + list(islice(_find_damage(transactions), _MAX_FINDINGS))


def find_file_faults(connection: Connection) -> list[str]:
    """Return the faults that SQLite finds in its file; a server checks its own files."""
    if connection.dialect.name != "sqlite":
        return []
    found = [row[0] for row in connection.exec_driver_sql(f"PRAGMA integrity_check({_MAX_FINDINGS})")]
    orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(_MAX_FINDINGS)
    return [line for line in found if line != "ok"] + [
        f"a row of {row[0]} refers to a row of {row[2]} that is not there" for row in orphans
    ]


def _find_damage(transactions: Transactions) -> Iterator[str]:
    """Yield the damaged values of every job; read in pages, so that writers never wait long."""
    for statement, keys, check in _CHECKS:
        for row in _read_table(transactions, statement, keys):
            found = check(row)
            if found is not None:
                yield f"job {row.job_id}: {found}"
    for row in _read_table(transactions, EVERY_PART, (results.c.seq,), max_bytes=MAX_INLINE_BYTES):
        if not _is_intact_part(transactions, row):
            yield f"job {row.job_id}: the stored result of the circuits from position {row.first} on is damaged"


def _read_table(
    transactions: Transactions, statement: Select[Any], keys: Sequence[Column[Any]], **given: int
) -> Iterator[AnyRow]:
    """Yield a whole table in order of `keys`."""
    page = statement.order_by(*keys).limit(_PAGE)
    after = tuple_(*(bindparam(column.name, type_=column.type) for column in keys))
    next_page = page.where(tuple_(*keys) > after)
    values: dict[str, Any] = {**given}
    while True:
        with transactions.read() as connection:
            rows = connection.execute(page, values).all()
        yield from rows
        if len(rows) < _PAGE:
            return
        page, values = next_page, values | {column.name: getattr(rows[-1], column.name) for column in keys}


def _is_intact_part(transactions: Transactions, row: AnyRow) -> bool:
    try:
        found = read_results(transactions, row.job_id, row.seq) if row.results is None else row.results
    except UnknownJobError:  # it was deleted meanwhile
        return True
    return has_intact_results(row.job_id, row, found)


def _check_position(row: AnyRow) -> str | None:
    return None if has_intact_position(row.job_id, row) else f"shard {row.number} is damaged"


def _check_payload(row: AnyRow) -> str | None:
    for name in ("labels", "sources"):
        kept, data = getattr(row, f"{name}_checksum"), getattr(row, name)
        if not is_intact(kept, data, row.job_id, row.part, row.slot, row.size):
            return f"the {name} of part {row.part}, shard {row.slot} of it, are damaged"
    return None


def _check_template(row: AnyRow) -> str | None:
    if is_intact(row.checksum, row.template or b"", row.job_id, row.number):
        return None
    return f"the template of part {row.number} is damaged"


def _check_spec(row: AnyRow) -> str | None:
    return None if is_intact(row.checksum, row.spec, row.job_id) else "its specification is damaged"


_CHECKS: tuple[tuple[Select[Any], Sequence[Column[Any]], Check], ...] = (
    (EVERY_SHARD, (shards.c.seq,), _check_position),
    (select(payloads), (payloads.c.job_id, payloads.c.part, payloads.c.slot), _check_payload),
    (
        select(parts.c.job_id, parts.c.number, parts.c.template, parts.c.checksum),
        (parts.c.job_id, parts.c.number),
        _check_template,
    ),
    (select(jobs.c.id.label("job_id"), jobs.c.seq, jobs.c.spec, jobs.c.checksum), (jobs.c.seq,), _check_spec),
)
