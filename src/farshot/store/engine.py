"""Opening a store's database: its connections, its schema, and what may not be opened."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import URL, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from farshot.errors import StoreError
from farshot.store.disk_space import DiskSpace
from farshot.store.hosts import adopt, check_host, this_host, user_of
from farshot.store.migrate import SCHEMA_VERSION, check_version, schema_version, upgrade
from farshot.store.sqlite_file import check_length
from farshot.store.transactions import Transactions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Engine

    from farshot.store.hosts import Host


FILE_NAME = "farshot.sqlite3"

_BUSY_SECONDS = 60
_POOL: dict[str, Any] = {"pool_size": 8, "max_overflow": 24, "pool_use_lifo": True}
"""As many connections as a service has threads that use one, so that none waits for another's."""
_PRAGMAS = ("journal_mode = TRUNCATE", "synchronous = FULL", "foreign_keys = ON", "cache_spill = 4096")
"""A transaction of up to 4,096 pages is written at its commit, and not before that as well, which costs a sync more."""
_READING = ("query_only = ON",)


def sqlite_url(folder: Path) -> URL:
    """Return the URL of the store in `folder`, which is made private to the user where it is missing."""
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
    _make_private(folder / FILE_NAME)
    return URL.create("sqlite", database=str(folder / FILE_NAME))


def _make_private(file: Path) -> None:
    """Have a new store readable by its user only, whatever folder it is in; failures show when it is opened."""
    with suppress(OSError):
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def open_engine(url: str | URL, *, host: Host | None = None, adopting: bool = False) -> Engine:
    """Return an engine on the database at `url` (`sqlite:///...` or `postgresql://...`), with the current schema.

    `host` is the machine that opens it, this one unless told; with `adopting` a store on a disk becomes its own.
    Raises `StoreVersionError` where a newer Farshot wrote it, `StoreCorruptError` where it is not a
    database, `StoreHostError` where another machine used it last, `StoreError` where it cannot be opened.
    """
    engine = _engine(url)
    try:
        if engine.dialect.name == "sqlite":
            _open_file(Transactions(engine), host or this_host(), adopting=adopting)
        else:
            _open_server(Transactions(engine))
    except StoreError:
        engine.dispose()
        raise
    return engine


def open_reader(url: str | URL) -> Engine:
    """Return an engine on the database at `url` as it is: nothing is looked at yet, and nothing can be written."""
    engine = _engine(url, _READING)
    return engine if engine.dialect.name == "sqlite" else engine.execution_options(postgresql_readonly=True)


def _engine(url: str | URL, pragmas: Sequence[str] = _PRAGMAS) -> Engine:
    try:
        parsed = make_url(url)
        if parsed.drivername == "sqlite":
            return _sqlite_engine(parsed, pragmas)
        if parsed.drivername in {"postgres", "postgresql"}:
            parsed = parsed.set(drivername="postgresql+psycopg")
        return _server_engine(parsed)
    except ArgumentError as error:
        message = "that is no address of a store: give sqlite:///FILE or postgresql://USER@HOST/DATABASE"
        raise StoreError(message) from error
    except ModuleNotFoundError as error:
        message = f"a store on a server needs the package {error.name}: pip install 'farshot[postgres]'"
        raise StoreError(message) from error


def _server_engine(url: URL) -> Engine:
    from farshot.store.postgres_connection import arguments, limit_patience  # its driver is an extra

    engine = create_engine(url, connect_args=arguments(url), pool_pre_ping=True, hide_parameters=True, **_POOL)
    limit_patience(engine)
    return engine


def _sqlite_engine(url: URL, pragmas: Sequence[str]) -> Engine:
    def prepare(connection: sqlite3.Connection, _record: Any) -> None:  # noqa: ANN401 -- SQLAlchemy's own record
        connection.isolation_level = None
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS}, hide_parameters=True, **_POOL)
    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _begin(connection: Connection) -> None:
    """Writers take their lock at once, so that no transaction fails half-way; readers share.

    It is said to the driver itself: a job of one circuit begins seven times.
    """
    statement = "BEGIN" if connection.get_execution_options().get("reading") else "BEGIN IMMEDIATE"
    driver = cast("sqlite3.Connection", connection.connection.driver_connection)
    try:
        driver.execute(statement)
    except sqlite3.Error as error:
        raise DBAPIError.instance(statement, None, error, sqlite3.Error, dialect=connection.dialect) from error


def _open_file(transactions: Transactions, host: Host, *, adopting: bool) -> None:
    """Look first and write only where something is to be changed, so that what is refused stays as it was."""
    with transactions.read() as connection:
        version, last = seen(connection)
    if not adopting:
        check_host(last, host, str(transactions.engine.url.database))
    if version != SCHEMA_VERSION:
        transactions.write(upgrade)
    if adopting or last is None:
        transactions.write(lambda connection: adopt(connection, host))
    elif last != host:
        with suppress(StoreError):  # a store that cannot be written can be read
            transactions.write(lambda connection: adopt(connection, host))
    DiskSpace(transactions.engine.url).keep()


def _open_server(transactions: Transactions) -> None:
    with transactions.read() as connection:
        version, _ = seen(connection)
    if version != SCHEMA_VERSION:
        transactions.write(upgrade)


def seen(connection: Connection) -> tuple[str | None, Host | None]:
    """Return the schema of a store and the machine that used it last, None where there is none.

    Raises what `open_engine` does of a database that is no store for this Farshot.
    """
    url, is_file = connection.engine.url, connection.dialect.name == "sqlite"
    if is_file:
        check_length(connection, Path(str(url.database)))
    version = schema_version(connection)
    check_version(version, str(url.database) if is_file else url.render_as_string())
    return version, user_of(connection) if is_file and version else None
