"""Where jobs, shards and results live: one SQL implementation for SQLite and PostgreSQL."""

from farshot.store.clock import BootClock
from farshot.store.engine import FILE_NAME, open_engine, sqlite_url
from farshot.store.hosts import Host, this_host
from farshot.store.inspection import Inspection, inspect_store, is_there
from farshot.store.migrate import SCHEMA_VERSION
from farshot.store.sql import SqlStore

__all__ = [
    "FILE_NAME",
    "SCHEMA_VERSION",
    "BootClock",
    "Host",
    "Inspection",
    "SqlStore",
    "inspect_store",
    "is_there",
    "open_engine",
    "sqlite_url",
    "this_host",
]
