"""From what a database refuses to an error that says what to do."""

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


UNUSABLE = (DBAPIError, PoolTimeoutError)
"""What SQLAlchemy raises where a database refuses, or gives no connection in time."""

_ELSEWHERE = "or choose another folder with data_dir= or FARSHOT_DATA_DIR"
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_ADVICE = {
    sqlite3.SQLITE_FULL: "free some space on its disk, or delete jobs (`farshot jobs prune`), then try again",
    sqlite3.SQLITE_IOERR: "look whether its disk is full or failing, then try again",
    sqlite3.SQLITE_READONLY: f"make its folder and file writable, {_ELSEWHERE}",
    sqlite3.SQLITE_PERM: f"make its folder and file accessible, {_ELSEWHERE}",
    sqlite3.SQLITE_CANTOPEN: f"make its folder accessible and writable, {_ELSEWHERE}",
    sqlite3.SQLITE_BUSY: "another process has kept it locked: end that process, then try again",
}
_SERVER_ADVICE = "look whether the server runs and has space, and whether the address and the account are right"
_SERVER_FULL = (
    "free some space on the server's disk, or delete jobs (`farshot jobs prune --store URL`), whose room is used again "
    "once they are vacuumed, which the server does within a minute or so"
)
_LIMITS = "54"
"""The class of what PostgreSQL says of a limit of its own, as of the size of a row."""
_RACES = {
    "23505",  # unique_violation: another transaction added the same key first
    "40001",  # serialization_failure
    "40P01",  # deadlock_detected
}
_NO_ROOM = {"53100", "53000"}  # disk_full, insufficient_resources


def store_error(url: URL, error: DBAPIError | PoolTimeoutError) -> StoreError:
    """Return what to raise for `error`, one of `UNUSABLE`, on the database at `url`."""
    place = url.render_as_string() if url.host else url.database
    if isinstance(error, PoolTimeoutError):
        return StoreError(f"the store {place} is busy: no connection to it became free in time; try again later")
    reason = " ".join(str(error.orig).split()).rstrip("?.")
    code = _sqlite_code(error)
    if code in _DAMAGED:
        message = f"the store {place} is damaged ({reason}); it was left as it is: restore a back-up, {_ELSEWHERE}"
        return StoreCorruptError(message)
    if _is_refusal(error):
        return StoreRefusalError(f"the store {place} refuses what is to be written: {reason}")
    kind = StoreFullError if lacks_room(error) else StoreError
    advice = _server_advice(error) if code is None else _ADVICE.get(code)
    return kind(f"the store {place} cannot be used: {reason}" + (f"; {advice}" if advice else ""))


def _server_advice(error: DBAPIError) -> str:
    return _SERVER_FULL if lacks_room(error) else _SERVER_ADVICE


@contextmanager
def blaming(job_ids: Iterable[str]) -> Iterator[None]:
    """Have an error that is about what is stored of one job name it, where `job_ids` has that job alone."""
    try:
        yield
    except Exception as error:
        named = set(job_ids)
        if len(named) == 1 and not _is_passing(error):
            raise BrokenJobError(named.pop(), f"{type(error).__name__}: {error}") from error
        raise


def _is_passing(error: Exception) -> bool:
    """Whether it is about the state of the database and not about a row."""
    if isinstance(error, DBAPIError):
        return lost_a_race(error) or not _is_refusal(error)
    return isinstance(error, StoreError | PoolTimeoutError | MemoryError)


def _is_refusal(error: DBAPIError) -> bool:
    """Whether the database would refuse the same again."""
    return isinstance(error, IntegrityError | DataError) or str(_sqlstate(error)).startswith(_LIMITS)


def lacks_room(error: DBAPIError) -> bool:
    """Whether the disk of the database is full."""
    return _sqlite_code(error) == sqlite3.SQLITE_FULL or _sqlstate(error) in _NO_ROOM


def lost_a_race(error: DBAPIError | PoolTimeoutError) -> bool:
    """Whether the database broke the transaction off for another one's sake, so that it can be repeated."""
    return isinstance(error, DBAPIError) and _sqlstate(error) in _RACES


def _sqlstate(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


def _sqlite_code(error: DBAPIError) -> int | None:
    """Return SQLite's primary error code; None where another database raised `error`."""
    if not isinstance(error.orig, sqlite3.Error):
        return None
    return getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
