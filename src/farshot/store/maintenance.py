"""Looking after a store: a copy of it, and its old jobs."""

from __future__ import annotations

import logging
import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from farshot.errors import StoreError
from farshot.store import statements as sql
from farshot.store.clock import DAY
from farshot.store.errors import lacks_room
from farshot.store.usage import forget

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Connection

    Keep = Callable[[Connection, list[str], float], None]


_log = logging.getLogger(__name__)

PRUNED_AT_ONCE = 16


def keep_spent(connection: Connection, job_ids: list[str], now: float) -> None:
    """Keep the shots of jobs of the last day, which are to be deleted."""
    connection.execute(sql.FORGET_SPENT, {"since": now - DAY})
    connection.execute(sql.KEEP_SPENT, {"of_jobs": job_ids, "since": now - DAY})


def keep_spent_if_room(connection: Connection, job_ids: list[str], now: float) -> None:
    """Keep them where there is room for that: on a server that has none left, jobs are deleted all the same."""
    try:
        with connection.begin_nested():
            keep_spent(connection, job_ids, now)
    except DBAPIError as error:
        if not lacks_room(error):
            raise
        _log.warning("no room to keep the shots spent on %d deleted jobs: they count no more", len(job_ids))


def delete_ended(
    connection: Connection, older_than: float, now: float, most: int = PRUNED_AT_ONCE, keep: Keep = keep_spent
) -> int:
    """Delete `most` of the jobs that ended more than `older_than` seconds before `now`, with all that is theirs.

    `keep` is what keeps the shots that were spent on them.
    """
    found = connection.execute(sql.FIND_ENDED_JOBS, {"before": now - older_than, "most": most})
    ended = list(found.scalars())
    return delete_jobs(connection, ended, now, keep) if ended else 0


def delete_jobs(connection: Connection, job_ids: list[str], now: float, keep: Keep = keep_spent) -> int:
    """Delete jobs, which are locked, and return how many there were; their shots stay spent for a day.

    Results go first: otherwise those of the whole job are looked through once for each attempt.
    """
    keep(connection, job_ids, now)
    forget(connection, job_ids)
    connection.execute(sql.DELETE_RESULTS, {"of_jobs": job_ids})
    return connection.execute(sql.DELETE_JOBS, {"of_jobs": job_ids}).rowcount


def compact(connection: sqlite3.Connection) -> int:
    """Give the room of what was deleted back to the file system; return how many bytes that was."""
    before = _length(connection)
    connection.execute("VACUUM")
    return before - _length(connection)


def _length(connection: sqlite3.Connection) -> int:
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
        _release_host(part)
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


def _release_host(copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as database, database:
        database.execute("DELETE FROM hosts")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
