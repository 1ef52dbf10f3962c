"""Where jobs, shards and results live: one SQL implementation for SQLite and PostgreSQL."""

from farshot.store.clock import BootClock
from farshot.store.engine import open_engine, sqlite_url
from farshot.store.sql import SqlStore

__all__ = ["BootClock", "SqlStore", "open_engine", "sqlite_url"]
