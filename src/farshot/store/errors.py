"""Errors of the database, turned into errors that say what to do."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from farshot.errors import BrokenJobError, StoreCorruptError, StoreError, StoreFullError, StoreRefusalError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import URL


DATABASE_ERRORS = (DBAPIError, PoolTimeoutError)
"""The errors that SQLAlchemy raises if a database refuses, or gives no connection in time."""

_OTHER_FOLDER = "or choose another folder with data_dir= or FARSHOT_DATA_DIR"
_CORRUPT_CODES = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_ADVICE = {
    sqlite3.SQLITE_FULL: "free some space on its disk, or delete jobs (`farshot jobs prune`), then try again",
    sqlite3.SQLITE_IOERR: "look whether its disk is full or failing, then try again",
    sqlite3.SQLITE_READONLY: f"make its folder and file writable, {_OTHER_FOLDER}",
    sqlite3.SQLITE_PERM: f"make its folder and file accessible, {_OTHER_FOLDER}",
    sqlite3.SQLITE_CANTOPEN: f"make its folder accessible and writable, {_OTHER_FOLDER}",
    sqlite3.SQLITE_BUSY: "another process has kept it locked: end that process, then try again",
}
_SERVER_ADVICE = "look whether the server runs and has space, and whether the address and the account are right"
_SERVER_FULL = (
    "free some space on the server's disk, or delete jobs (`farshot jobs prune --store URL`), whose room is used again "
    "once they are vacuumed, which the server does within a minute or so"
)
_LIMIT_CLASS = "54"
"""The class of PostgreSQL's errors about a limit of its own, such as the size of a row."""
_RETRYABLE_STATES = {
    "23505",  # unique_violation: another transaction added the same key first
    "40001",  # serialization_failure
    "40P01",  # deadlock_detected
}
_FULL_STATES = {"53100", "53000"}  # disk_full, insufficient_resources


def store_error(url: URL, error: DBAPIError | PoolTimeoutError) -> StoreError:
    """Return the error to raise for `error`, one of `DATABASE_ERRORS`, on the database at `url`."""
    place = url.render_as_string() if url.host else url.database
    if isinstance(error, PoolTimeoutError):
        return StoreError(f"the store {place} is busy: no connection to it became free in time; try again later")
    reason = " ".join(str(error.orig).split()).rstrip("?.")
    code = _sqlite_code(error)
    if code in _CORRUPT_CODES:
        message = f"the store {place} is damaged ({reason}); it was left as it is: restore a back-up, {_OTHER_FOLDER}"
        return StoreCorruptError(message)
    if _is_refusal(error):
        return StoreRefusalError(f"the store {place} refuses what is to be written: {reason}")
    kind = StoreFullError if is_disk_full(error) else StoreError
    server_advice = _SERVER_FULL if kind is StoreFullError else _SERVER_ADVICE
    advice = server_advice if code is None else _ADVICE.get(code)
    return kind(f"the store {place} cannot be used: {reason}" + (f"; {advice}" if advice else ""))


@contextmanager
def naming_job(job_ids: Iterable[str]) -> Iterator[None]:
    """Raise `BrokenJobError` for an error about the stored data of a job, if `job_ids` has that job alone."""
    try:
        yield
    except Exception as error:
        found = set(job_ids)
        if len(found) == 1 and not _is_transient(error):
            raise BrokenJobError(found.pop(), f"{type(error).__name__}: {error}") from error
        raise


def _is_transient(error: Exception) -> bool:
    """Return whether `error` is about the state of the database and not about a row."""
    if isinstance(error, DBAPIError):
        return is_retryable(error) or not _is_refusal(error)
    return isinstance(error, StoreError | PoolTimeoutError | MemoryError)


def _is_refusal(error: DBAPIError) -> bool:
    """Return whether the database would refuse the same again."""
    return isinstance(error, IntegrityError | DataError) or str(_sqlstate(error)).startswith(_LIMIT_CLASS)


def is_disk_full(error: DBAPIError) -> bool:
    """Return whether the disk of the database is full."""
    return _sqlite_code(error) == sqlite3.SQLITE_FULL or _sqlstate(error) in _FULL_STATES


def is_retryable(error: DBAPIError | PoolTimeoutError) -> bool:
    """Return whether the database ended the transaction in favour of another one, so that it can be repeated."""
    return isinstance(error, DBAPIError) and _sqlstate(error) in _RETRYABLE_STATES


def _sqlstate(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


def _sqlite_code(error: DBAPIError) -> int | None:
    """Return SQLite's primary error code; None if another database raised `error`."""
    if not isinstance(error.orig, sqlite3.Error):
        return None
    return getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
