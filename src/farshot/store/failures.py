"""From what a database refuses to an error that says what to do."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from farshot.errors import StoreCorruptError, StoreError, StoreFullError

if TYPE_CHECKING:
    from sqlalchemy import URL
    from sqlalchemy.exc import DBAPIError

__all__ = ["lost_a_race", "store_error"]

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
_RACES = {
    "23505",  # unique_violation: another transaction added the same key first
    "40001",  # serialization_failure
    "40P01",  # deadlock_detected
}
_NO_ROOM = {"53100", "53000"}  # disk_full, insufficient_resources


def store_error(url: URL, error: DBAPIError) -> StoreError:
    """Return what to raise for `error` on the database at `url`."""
    place = url.render_as_string() if url.host else url.database
    reason = " ".join(str(error.orig).split()).rstrip("?.")
    code = _sqlite_code(error)
    if code in _DAMAGED:
        message = f"the store {place} is damaged ({reason}); it was left as it is: restore a back-up, {_ELSEWHERE}"
        return StoreCorruptError(message)
    advice = _SERVER_ADVICE if code is None else _ADVICE.get(code)
    kind = StoreFullError if code == sqlite3.SQLITE_FULL or _sqlstate(error) in _NO_ROOM else StoreError
    return kind(f"the store {place} cannot be used: {reason}" + (f"; {advice}" if advice else ""))


def lost_a_race(error: DBAPIError) -> bool:
    """Whether the database broke the transaction off for another one's sake, so that it can be repeated."""
    return _sqlstate(error) in _RACES


def _sqlstate(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


def _sqlite_code(error: DBAPIError) -> int | None:
    """Return SQLite's primary error code; None where another database raised `error`."""
    if not isinstance(error.orig, sqlite3.Error):
        return None
    return getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
