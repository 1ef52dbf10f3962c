"""The store of jobs, shards and results: one SQL implementation for SQLite and PostgreSQL."""

from farshot.store.clock import BootClock
from farshot.store.engine import FILE_NAME, open_engine, sqlite_url
from farshot.store.hosts import Host, this_host
from farshot.store.inspection import Inspection, inspect_store, store_exists
from farshot.store.migrate import SCHEMA_VERSION
from farshot.store.sql_store import SqlStore

__all__ = [
    "FILE_NAME",
    "SCHEMA_VERSION",
    "BootClock",
    "Host",
    "Inspection",
    "SqlStore",
    "inspect_store",
    "open_engine",
    "sqlite_url",
    "store_exists",
    "this_host",
]
