"""Opening a store's database: its connections, its schema, and what may not be opened."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event, inspect, text
from sqlalchemy.exc import DatabaseError, OperationalError

from farshot.errors import StoreCorruptError, StoreError, StoreVersionError

if TYPE_CHECKING:
    import sqlite3

    from sqlalchemy import Connection, Engine

__all__ = ["SCHEMA_VERSION", "open_engine", "sqlite_url"]

SCHEMA_VERSION = "0001"
FILE_NAME = "farshot.sqlite3"

_MIGRATIONS = Path(__file__).parent / "migrations"
_BUSY_SECONDS = 60
_PRAGMAS = ("journal_mode = TRUNCATE", "synchronous = FULL", "foreign_keys = ON")


def sqlite_url(folder: Path) -> str:
    """Return the URL of the store in `folder`, which is made private to the user where it is missing."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        message = f"the data folder {folder} cannot be made ({error.strerror}); choose another with data_dir="
        raise StoreError(message) from error
    return f"sqlite:///{folder / FILE_NAME}"


def open_engine(url: str) -> Engine:
    """Return an engine on the database at `url`, with the current schema.

    Raises `StoreVersionError` where a newer Farshot wrote it, `StoreCorruptError` where it is not a
    database, `StoreError` where it cannot be opened.
    """
    engine = _sqlite_engine(url) if url.startswith("sqlite:") else create_engine(url)
    try:
        _migrate(engine)
    except OperationalError as error:
        engine.dispose()
        message = f"the store {engine.url.database} cannot be opened: {error.orig}"
        raise StoreError(message) from error
    except DatabaseError as error:
        engine.dispose()
        message = f"the store {engine.url.database} is damaged ({error.orig}); it was left as it is"
        raise StoreCorruptError(message) from error
    except StoreError:
        engine.dispose()
        raise
    return engine


def _sqlite_engine(url: str) -> Engine:
    engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS})
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: sqlite3.Connection, _record: Any) -> None:  # noqa: ANN401 -- SQLAlchemy's own record
    connection.isolation_level = None
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    """Writers take their lock at once, so that no transaction fails half-way; readers share."""
    reading = connection.get_execution_options().get("reading")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _migrate(engine: Engine) -> None:
    with engine.connect().execution_options(reading=True) as connection:
        version = _version(connection)
    if version == SCHEMA_VERSION:
        return
    if version is not None and version > SCHEMA_VERSION:
        message = (
            f"the store {engine.url.database} has schema {version}, this Farshot knows {SCHEMA_VERSION}: "
            "upgrade Farshot, or choose another folder with data_dir="
        )
        raise StoreVersionError(message)
    with engine.begin() as connection:
        _upgrade(connection)


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
