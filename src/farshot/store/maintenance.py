"""Maintenance of a store: deleting old jobs, compacting and copying it."""

from __future__ import annotations

import logging
import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from farshot.errors import StoreError
from farshot.store import statements as sql
from farshot.store.clock import DAY_SECONDS
from farshot.store.errors import is_disk_full
from farshot.store.usage import subtract_stored

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Connection

    Keep = Callable[[Connection, list[str], float], None]


_log = logging.getLogger(__name__)

MAX_PRUNED_AT_ONCE = 16


def keep_spent(connection: Connection, job_ids: list[str], now: float) -> None:
    """Keep the shots of those jobs that were made in the last day and will be deleted."""
    connection.execute(sql.FORGET_SPENT, {"since": now - DAY_SECONDS})
    connection.execute(sql.KEEP_SPENT, {"of_jobs": job_ids, "since": now - DAY_SECONDS})


def try_to_keep_spent(connection: Connection, job_ids: list[str], now: float) -> None:
    """Do as `keep_spent` if there is space for it: on a server with a full disk, jobs are deleted all the same."""
    try:
        with connection.begin_nested():
            keep_spent(connection, job_ids, now)
    except DBAPIError as error:
        if not is_disk_full(error):
            raise
        _log.warning("no room to keep the shots spent on %d deleted jobs: they count no more", len(job_ids))


def delete_ended(
    connection: Connection, older_than: float, now: float, limit: int = MAX_PRUNED_AT_ONCE, keep: Keep = keep_spent
) -> int:
    """Delete up to `limit` jobs that ended more than `older_than` seconds before `now`; return how many those were.

    `keep` is the function that keeps the shots spent on them.
    """
    found = connection.execute(sql.FIND_ENDED_JOBS, {"before": now - older_than, "limit": limit})
    ended = list(found.scalars())
    return delete_jobs(connection, ended, now, keep) if ended else 0


def delete_jobs(connection: Connection, job_ids: list[str], now: float, keep: Keep = keep_spent) -> int:
    """Delete jobs, which are locked, and return how many there were; their shots count for a day.

    Results go first: otherwise those of the whole job are searched once for each attempt.
    """
    keep(connection, job_ids, now)
    subtract_stored(connection, job_ids)
    connection.execute(sql.DELETE_RESULTS, {"of_jobs": job_ids})
    return connection.execute(sql.DELETE_JOBS, {"of_jobs": job_ids}).rowcount


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
