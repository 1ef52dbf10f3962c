"""`Transactions` on a database, and their first and last steps: locking jobs, and numbering their changes."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager, nullcontext
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar, cast

from sqlalchemy.exc import DBAPIError

from farshot.store import statements as sql
from farshot.store.errors import DATABASE_ERRORS, is_retryable, store_error
from farshot.store.forks import delaying_forks, protect_from_forks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sqlalchemy import Connection, Engine


_Result = TypeVar("_Result")
_Arguments = ParamSpec("_Arguments")
_MAX_TRIES = 8


class Transactions:
    """Runs work on `engine`. Errors of the database become a `StoreError`, and the transaction is undone."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._guard = delaying_forks if engine.dialect.name == "sqlite" else nullcontext
        protect_from_forks(engine)

    def write(self, work: Callable[[Connection], _Result]) -> _Result:
        """Do `work` in one transaction and return its result; it is repeated if the database prefers another one."""
        for left in reversed(range(_MAX_TRIES)):
            try:
                with self._guard(), self.engine.begin() as connection:
                    return work(connection)
            except DATABASE_ERRORS as error:
                if not (left and is_retryable(error)):
                    raise store_error(self.engine.url, error) from error
        raise AssertionError  # the last try returns or raises

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Yield a connection that takes no lock against other readers."""
        try:
            with self._guard(), self.engine.connect().execution_options(reading=True) as connection:
                yield connection
        except DATABASE_ERRORS as error:
            raise store_error(self.engine.url, error) from error

    def query(
        self,
        work: Callable[Concatenate[Connection, _Arguments], _Result],
        *arguments: _Arguments.args,
        **options: _Arguments.kwargs,
    ) -> _Result:
        """Return the result of `work`, which only reads, with `arguments` and `options`."""
        with self.read() as connection:
            return work(connection, *arguments, **options)

    @contextmanager
    def unmanaged(self) -> Iterator[sqlite3.Connection]:
        """Yield the driver's own connection to a file, with no transaction begun."""
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


def lock_jobs(connection: Connection, job_ids: Iterable[str]) -> None:
    """Lock jobs, before anything else and in one order, so that no two transactions wait for each other.

    A file has one writer at a time anyway.
    """
    if connection.dialect.name != "sqlite":
        connection.execute(sql.LOCK_JOBS, {"of_jobs": sorted(set(job_ids))})


def mark_changed(connection: Connection, job_ids: Iterable[str], virtual_time: float = 0.0) -> None:
    """Give the jobs the next change numbers and move the virtual time on; the last step of a transaction.

    Every change of a job has a number of its own, so that a reader of the changes misses none. The one row that counts
    is locked until the commit, so a lower number is never seen after a higher one.
    """
    changed = sorted(set(job_ids))
    if changed:
        last = connection.execute(sql.COUNT_CHANGES, {"more": len(changed), "served": virtual_time}).scalar_one()
        numbers = range(last - len(changed) + 1, last + 1)
        marks = [{"of_job": job_id, "number": number} for job_id, number in zip(changed, numbers, strict=True)]
        connection.execute(sql.MARK_JOB, marks)
