"""`inspect_store` checks a store and changes nothing of it, neither schema nor machine nor a byte of its disk."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import text

from farshot.store.engine import check_database, open_reader
from farshot.store.hosts import check_host, this_host
from farshot.store.integrity import find_faults, find_file_faults
from farshot.store.migrate import SCHEMA_VERSION
from farshot.store.transactions import Transactions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import URL, Connection


_SERVER_STATE = text(
    "SELECT current_user AS account, pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean "
    "AS is_frozen, coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS may_make"
)
_MAY_WRITE = text("SELECT has_table_privilege('jobs', 'INSERT') AND has_table_privilege('jobs', 'UPDATE')")


@dataclass(frozen=True, slots=True)
class Inspection:
    """The findings of `inspect_store`."""

    version: str | None
    """The version of its schema; None if there is no store yet."""
    faults: tuple[str, ...]
    """The faults of the stored data."""
    obstacle: str | None
    """The reason why nothing can be stored in it; None if something can, or if that shows only when it is tried."""

    @property
    def is_older(self) -> bool:
        """Return whether opening the store brings its schema up to date."""
        return self.version is not None and self.version != SCHEMA_VERSION


def inspect_store(url: str | URL) -> Inspection:
    """Check the whole store at `url`, which stays as it is; of an older one only its file.

    Raises as `open_engine` if the store cannot be opened. A write that a process left half done when it died is undone
    first, as by any program that reads the file.
    """
    with _open_unchanged(url) as transactions:
        if transactions is None:
            return Inspection(None, (), None)
        with transactions.read() as connection:
            version, last = check_database(connection)
            check_host(last, this_host(), str(connection.engine.url.database))
            obstacle = _find_obstacle(connection, version)
            faults = find_file_faults(connection) if version != SCHEMA_VERSION else []
        if version == SCHEMA_VERSION:
            faults = find_faults(transactions)
    return Inspection(version, tuple(faults), obstacle)


def store_exists(url: str | URL) -> bool:
    """Return whether there is a store at `url`: one of this version of Farshot, or an older one."""
    with _open_unchanged(url) as transactions:
        if transactions is None:
            return False
        with transactions.read() as connection:
            return check_database(connection)[0] is not None


@contextmanager
def _open_unchanged(url: str | URL) -> Iterator[Transactions | None]:
    """Yield read transactions on a database; None if its file is missing, which reading would create."""
    engine = open_reader(url)
    try:
        is_file = engine.dialect.name == "sqlite"
        yield None if is_file and not Path(str(engine.url.database)).exists() else Transactions(engine)
    finally:
        engine.dispose()


def _find_obstacle(connection: Connection, version: str | None) -> str | None:
    """Return why nothing can be written; None if it can, or if that shows only when it is tried."""
    if connection.dialect.name == "sqlite":
        file = Path(str(connection.engine.url.database))
        return None if os.access(file, os.W_OK) else f"{file} may not be written by this account"
    state = connection.execute(_SERVER_STATE).one()
    if state.is_frozen:
        return "the server takes no writes: it is a standby, or default_transaction_read_only is on"
    if version != SCHEMA_VERSION and not state.may_make:
        return f"the account {state.account} may not make tables in it"
    if version is not None and not connection.execute(_MAY_WRITE).scalar_one():
        return f"the account {state.account} may not change its tables"
    return None
