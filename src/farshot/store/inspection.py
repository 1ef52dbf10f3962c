"""`inspect_store`: a look at a store that changes nothing of it, neither schema nor machine nor a byte of its disk."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import text

from farshot.store.engine import open_reader, seen
from farshot.store.hosts import check_host, this_host
from farshot.store.integrity import faults_of
from farshot.store.migrate import SCHEMA_VERSION
from farshot.store.sql import SqlStore
from farshot.store.transactions import Transactions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import URL, Connection


_SERVER_STATE = text(
    "SELECT current_user AS account, pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean "
    "AS is_frozen, coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS may_make"
)
_MAY_CHANGE = text("SELECT has_table_privilege('jobs', 'INSERT') AND has_table_privilege('jobs', 'UPDATE')")


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a look at a store found.

    `version` is that of its schema, None where there is no store yet; `faults` is what is wrong with what is stored,
    and `obstacle` why nothing can be stored in it.
    """

    version: str | None
    faults: tuple[str, ...]
    obstacle: str | None

    @property
    def is_older(self) -> bool:
        """Whether opening the store brings its schema up to date."""
        return self.version is not None and self.version != SCHEMA_VERSION


def inspect_store(url: str | URL) -> Inspection:
    """Look at the whole store at `url`, which stays as it is; of an older one only what its database can tell.

    Raises what `open_engine` does of a store that cannot be opened. A write that a process left half done when it died
    is undone first, as by whatever reads the file.
    """
    with _opened(url) as transactions:
        if transactions is None:
            return Inspection(None, (), None)
        with transactions.read() as connection:
            version, last = seen(connection)
            check_host(last, this_host(), str(connection.engine.url.database))
            obstacle = _obstacle(connection, version)
            faults = faults_of(connection) if version != SCHEMA_VERSION else []
        if version == SCHEMA_VERSION:
            faults = SqlStore(transactions.engine).faults()
    return Inspection(version, tuple(faults), obstacle)


def is_there(url: str | URL) -> bool:
    """Whether there is a store at `url`: one that this Farshot knows, or an older one."""
    with _opened(url) as transactions:
        if transactions is None:
            return False
        with transactions.read() as connection:
            return seen(connection)[0] is not None


@contextmanager
def _opened(url: str | URL) -> Iterator[Transactions | None]:
    """Yield a way to read a database; None where its file is not there, which would be made by a look."""
    engine = open_reader(url)
    try:
        is_file = engine.dialect.name == "sqlite"
        yield None if is_file and not Path(str(engine.url.database)).exists() else Transactions(engine)
    finally:
        engine.dispose()


def _obstacle(connection: Connection, version: str | None) -> str | None:
    """Return why nothing can be written; None where it can, or where that shows only when it is tried."""
    if connection.dialect.name == "sqlite":
        file = Path(str(connection.engine.url.database))
        return None if os.access(file, os.W_OK) else f"{file} may not be written by this account"
    state = connection.execute(_SERVER_STATE).one()
    if state.is_frozen:
        return "the server takes no writes: it is a standby, or default_transaction_read_only is on"
    if version != SCHEMA_VERSION and not state.may_make:
        return f"the account {state.account} may not make tables in it"
    if version is not None and not connection.execute(_MAY_CHANGE).scalar_one():
        return f"the account {state.account} may not change its tables"
    return None
