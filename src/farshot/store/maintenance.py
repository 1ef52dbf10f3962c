"""Maintenance of a store: deleting old jobs, compacting and copying it."""

from __future__ import annotations

import logging
import os
import sqlite3
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from farshot.errors import StoreError, StoreFullError
from farshot.store import statements as sql
from farshot.store.clock import DAY_SECONDS
from farshot.store.errors import is_disk_full
from farshot.store.usage import subtract_stored

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

    from farshot.store.disk_space import DiskSpace
    from farshot.store.transactions import Transactions


_log = logging.getLogger(__name__)

_MAX_AT_ONCE = 16


def prune(transactions: Transactions, disk: DiskSpace, older_than: float, now: float) -> int:
    """Delete the jobs that ended more than `older_than` seconds before `now`; return how many those were.

    If the disk is full, they are deleted one by one and its reserve is used.
    """
    delete = partial(_delete_ended, before=now - older_than, now=now)
    try:
        return _repeat(transactions, partial(delete, limit=_MAX_AT_ONCE))
    except StoreFullError:
        with disk.without_reserve():
            return _repeat(transactions, partial(delete, limit=1, is_full=True))


def _repeat(transactions: Transactions, delete: partial[int]) -> int:
    total = 0
    while deleted := transactions.write(delete):
        total += deleted
    return total


def _delete_ended(connection: Connection, before: float, now: float, limit: int, *, is_full: bool = False) -> int:
    ended = list(connection.execute(sql.FIND_ENDED_JOBS, {"before": before, "limit": limit}).scalars())
    return delete_jobs(connection, ended, now, is_full=is_full) if ended else 0


def delete_jobs(connection: Connection, job_ids: list[str], now: float, *, is_full: bool = False) -> int:
    """Delete jobs, which are locked, and return how many there were; their shots count for a day.

    On a server whose disk `is_full`, jobs are deleted even if there is no space to keep the shots.
    """
    if is_full and connection.dialect.name != "sqlite":
        try:
            with connection.begin_nested():
                _keep_spent(connection, job_ids, now)
        except DBAPIError as error:
            if not is_disk_full(error):
                raise
            _log.warning("no room to keep the shots spent on %d deleted jobs: they count no more", len(job_ids))
    else:
        _keep_spent(connection, job_ids, now)
    subtract_stored(connection, job_ids)
    # first: otherwise the results of the whole job are searched once for each attempt
    connection.execute(sql.DELETE_RESULTS, {"of_jobs": job_ids})
    return connection.execute(sql.DELETE_JOBS, {"of_jobs": job_ids}).rowcount


def _keep_spent(connection: Connection, job_ids: list[str], now: float) -> None:
    """Keep the shots of those jobs that were made in the last day."""
    connection.execute(sql.FORGET_SPENT, {"since": now - DAY_SECONDS})
    connection.execute(sql.KEEP_SPENT, {"of_jobs": job_ids, "since": now - DAY_SECONDS})


def compact(connection: sqlite3.Connection) -> int:
    """Give the space of deleted rows back to the file system; return how many bytes that was."""
    before = _count_bytes(connection)
    connection.execute("VACUUM")
    return before - _count_bytes(connection)


def _count_bytes(connection: sqlite3.Connection) -> int:
    pages, size = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    return int(pages) * int(size)


def copy_to(connection: sqlite3.Connection, target: Path) -> None:
    """Write the database of `connection`, as it is at one moment, to the new file `target`.

    The file appears whole or not at all, belongs to no machine, and only its owner can read it.
    """
    part = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        connection.execute("VACUUM INTO ?", (str(part),))
        with closing(sqlite3.connect(part)) as database, database:
            database.execute("DELETE FROM hosts")
        _sync(part)
        os.link(part, target)
        _sync(target.parent)
    except FileExistsError as error:
        message = f"{error.filename2 or error.filename} is there already; nothing was overwritten: choose another name"
        raise StoreError(message) from error
    except (OSError, sqlite3.Error) as error:
        message = f"the back-up {target} cannot be written: {error}; look at its folder and the space there"
        raise StoreError(message) from error
    finally:
        part.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
