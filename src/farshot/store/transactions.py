"""`Transactions`: the two ways to a connection, one that writes and one that reads."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager, nullcontext
from typing import TYPE_CHECKING, TypeVar, cast

from sqlalchemy.exc import DBAPIError

from farshot.store.errors import UNUSABLE, lost_a_race, store_error
from farshot.store.forks import keep_apart, within

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection, Engine


_Answer = TypeVar("_Answer")
_TRIES = 8


class Transactions:
    """Runs work on `engine`. What the database refuses becomes a `StoreError`, and nothing of it happened."""

    def __init__(self, engine: Engine) -> None:
        """Use `engine`."""
        self.engine = engine
        self._guard = within if engine.dialect.name == "sqlite" else nullcontext
        keep_apart(engine)

    def write(self, work: Callable[[Connection], _Answer]) -> _Answer:
        """Do `work` in one transaction. It is done again where the transaction lost against another one."""
        for left in reversed(range(_TRIES)):
            try:
                with self._guard(), self.engine.begin() as connection:
                    return work(connection)
            except UNUSABLE as error:
                if not (left and lost_a_race(error)):
                    raise store_error(self.engine.url, error) from error
        raise AssertionError  # the last try returns or raises

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection that takes no lock against other readers."""
        try:
            with self._guard(), self.engine.connect().execution_options(reading=True) as connection:
                yield connection
        except UNUSABLE as error:
            raise store_error(self.engine.url, error) from error

    @contextmanager
    def unmanaged(self) -> Iterator[sqlite3.Connection]:
        """Give the driver's own connection to a file, with no transaction begun."""
        with self._guard(), closing(self.engine.raw_connection()) as connection:
            driver = cast("sqlite3.Connection", connection.driver_connection)
            try:
                yield driver
            except sqlite3.Error as error:
                raise store_error(self.engine.url, DBAPIError(None, None, error)) from error

    def close(self) -> None:
        """Close every connection."""
        with self._guard():
            self.engine.dispose()
