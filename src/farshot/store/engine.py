"""Opening the database of a store: its connections, its schema, and the checks before it is used."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import URL, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from farshot.errors import StoreCorruptError, StoreError
from farshot.store.disk_space import DiskSpace
from farshot.store.hosts import adopt, check_host, read_host, this_host
from farshot.store.migrate import SCHEMA_VERSION, check_version, schema_version, upgrade
from farshot.store.transactions import Transactions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Engine

    from farshot.store.hosts import Host


FILE_NAME = "farshot.sqlite3"

_BUSY_SECONDS = 60
_POOL: dict[str, Any] = {"pool_size": 8, "max_overflow": 24, "pool_use_lifo": True}
"""As many connections as a service has threads that use one, so that no thread waits for a connection."""
_PRAGMAS = ("journal_mode = TRUNCATE", "synchronous = FULL", "foreign_keys = ON", "cache_spill = 4096")
"""`cache_spill` has a transaction of up to 4,096 pages written at its commit only, which saves a sync."""
_READ_ONLY_PRAGMAS = ("query_only = ON",)


def sqlite_url(folder: Path) -> URL:
    """Return the URL of the store in `folder`, which is made private to the user if it is missing."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError as error:
        message = (
            f"the data folder {folder} is a file; give the folder that a store is or shall be in (a back-up is "
            f"restored by copying it to {FILE_NAME} in an empty folder)"
        )
        raise StoreError(message) from error
    except OSError as error:
        message = f"the data folder {folder} cannot be made ({error.strerror}); choose another with data_dir="
        raise StoreError(message) from error
    with suppress(OSError):  # a new file is its user's only, whatever the folder; failures show when it is opened
        os.close(os.open(folder / FILE_NAME, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    return URL.create("sqlite", database=str(folder / FILE_NAME))


def open_engine(url: str | URL, *, host: Host | None = None, adopting: bool = False) -> Engine:
    """Return an engine on the database at `url` (`sqlite:///...` or `postgresql://...`), with the current schema.

    `host` is the machine that opens it, by default this one; with `adopting` a store on a disk becomes its own. Raises
    `StoreVersionError` if a newer Farshot wrote it, `StoreCorruptError` if it is not a database, `StoreHostError` if
    another machine used it last, `StoreError` if it cannot be opened.
    """
    engine = _make_engine(url)
    try:
        _prepare(Transactions(engine), host or this_host(), adopting=adopting)
    except StoreError:
        engine.dispose()
        raise
    return engine


def open_reader(url: str | URL) -> Engine:
    """Return an engine on the database at `url` as it is: nothing is checked yet, and nothing can be written."""
    engine = _make_engine(url, _READ_ONLY_PRAGMAS)
    return engine if engine.dialect.name == "sqlite" else engine.execution_options(postgresql_readonly=True)


def _make_engine(url: str | URL, pragmas: Sequence[str] = _PRAGMAS) -> Engine:
    try:
        parsed = make_url(url)
        if parsed.drivername == "sqlite":
            return _make_sqlite_engine(parsed, pragmas)
        if parsed.drivername in {"postgres", "postgresql"}:
            parsed = parsed.set(drivername="postgresql+psycopg")
        from farshot.store.postgres_connection import make_server_engine  # its driver is an extra

        return make_server_engine(parsed, **_POOL)
    except ArgumentError as error:
        message = "that is no address of a store: give sqlite:///FILE or postgresql://USER@HOST/DATABASE"
        raise StoreError(message) from error
    except ModuleNotFoundError as error:
        message = f"a store on a server needs the package {error.name}: pip install 'farshot[postgres]'"
        raise StoreError(message) from error


def _make_sqlite_engine(url: URL, pragmas: Sequence[str]) -> Engine:
    def prepare(connection: sqlite3.Connection, _record: Any) -> None:  # noqa: ANN401 -- SQLAlchemy's own record
        connection.isolation_level = None
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS}, hide_parameters=True, **_POOL)
    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", _begin_transaction)
    return engine


def _begin_transaction(connection: Connection) -> None:
    """Begin a transaction; one that writes takes its lock at once, so that none fails half-way, and readers share.

    The statement goes to the driver directly, for speed: a job of one circuit begins seven transactions.
    """
    statement = "BEGIN" if connection.get_execution_options().get("reading") else "BEGIN IMMEDIATE"
    driver = cast("sqlite3.Connection", connection.connection.driver_connection)
    try:
        driver.execute(statement)
    except sqlite3.Error as error:
        raise DBAPIError.instance(statement, None, error, sqlite3.Error, dialect=connection.dialect) from error


def _prepare(transactions: Transactions, host: Host, *, adopting: bool) -> None:
    """Bring a store up to date. It is checked first and written only if something changes, so a refused one stays."""
    url, is_file = transactions.engine.url, transactions.engine.dialect.name == "sqlite"
    with transactions.read() as connection:
        version, last = check_database(connection)
    if is_file and not adopting:
        check_host(last, host, str(url.database))
    if version != SCHEMA_VERSION:
        transactions.write(upgrade)
    if not is_file:
        return
    if adopting or last is None:
        transactions.write(lambda connection: adopt(connection, host))
    elif last != host:
        with suppress(StoreError):  # a store that cannot be written can be read
            transactions.write(lambda connection: adopt(connection, host))
    DiskSpace(url).keep_reserve()


def check_database(connection: Connection) -> tuple[str | None, Host | None]:
    """Return the schema version of a store and the machine that used it last, each None if there is none.

    Raises as `open_engine` if the database is no store for this Farshot.
    """
    url, is_file = connection.engine.url, connection.dialect.name == "sqlite"
    if is_file:
        _check_length(connection, Path(str(url.database)))
    version = schema_version(connection)
    check_version(version, str(url.database) if is_file else url.render_as_string())
    return version, read_host(connection) if is_file and version else None


def _check_length(connection: Connection, path: Path) -> None:
    """Raise `StoreCorruptError` if the file at `path` ends within its last page, which SQLite itself does not check."""
    pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    size = connection.exec_driver_sql("PRAGMA page_size").scalar_one()
    if path.stat().st_size < pages * size:
        message = (
            f"the store {path} is damaged (the file is shorter than it says); it was left as it is: "
            "restore a back-up, or choose another folder with data_dir= or FARSHOT_DATA_DIR"
        )
        raise StoreCorruptError(message)
