"""The version of a database's schema, and bringing it up to date."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from farshot.errors import StoreError, StoreVersionError

if TYPE_CHECKING:
    from sqlalchemy import Connection


SCHEMA_VERSION = "0003"

_MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK_SCHEMA = text("SELECT pg_advisory_xact_lock(hashtext('farshot schema'))")


def schema_version(connection: Connection) -> str | None:
    """Return the version of the schema; None if there is none yet.

    Raises `StoreError` if there are other tables: the database is another program's.
    """
    tables = inspect(connection).get_table_names()
    if not tables:
        return None
    if "alembic_version" not in tables or "jobs" not in tables:
        message = f"{connection.engine.url.database} is the database of another program; give a store one of its own"
        raise StoreError(message)
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def check_version(version: str | None, place: str) -> None:
    """Raise `StoreVersionError` if a newer Farshot made the schema of the store at `place`."""
    if version is not None and version > SCHEMA_VERSION:
        message = (
            f"the store {place} has schema {version}, this Farshot knows {SCHEMA_VERSION}; it was left as it is: "
            "upgrade Farshot, or choose another store with data_dir="
        )
        raise StoreVersionError(message)


def upgrade(connection: Connection) -> None:
    """Bring the schema up to date, in the transaction of `connection`; a second process waits and finds it done."""
    from alembic import command
    from alembic.config import Config

    if connection.dialect.name == "postgresql":
        connection.execute(_LOCK_SCHEMA)
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
