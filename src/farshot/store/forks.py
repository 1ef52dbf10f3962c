"""A process that is forked while one of its threads is in SQLite leaves the child a library that waits for ever.

SQLite keeps the locks of a file in the process's own memory, beside those of the kernel, and guards it with mutexes. A
child inherits that memory as it was: a lock that "another connection of this process" holds and nobody will release
(every transaction then ends with "database is locked"), or a mutex that is held by a thread which is not there. So a
fork waits until no transaction runs, and none begins meanwhile. What the child inherits of connections is kept as it
is, never closed: closing would speak to the parent's server, or roll back what it writes.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING
from weakref import WeakSet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine


_LONGEST = 90.0
"""Seconds that a fork waits: longer than a transaction waits for another process."""


class _Gate:
    """Counts who is inside; who forks closes it and waits until it is empty. Within itself a thread enters freely."""

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._own = threading.local()
        self._inside = 0
        self._is_closed = False

    def enter(self) -> None:
        depth = getattr(self._own, "depth", 0)
        with self._changed:
            while self._is_closed and not depth:
                self._changed.wait()
            self._inside += 1
        self._own.depth = depth + 1

    def leave(self) -> None:
        self._own.depth -= 1
        with self._changed:
            self._inside -= 1
            if self._is_closed:
                self._changed.notify_all()

    def close(self) -> None:
        depth = getattr(self._own, "depth", 0)
        self._changed.acquire()
        self._is_closed = True
        self._changed.wait_for(lambda: self._inside <= depth, _LONGEST)

    def open(self) -> None:
        self._is_closed = False
        self._changed.notify_all()
        self._changed.release()


_gate = _Gate()
_engines: WeakSet[Engine] = WeakSet()
_inherited: list[object] = []


@contextmanager
def within() -> Iterator[None]:
    """Keep forks of this process waiting."""
    gate = _gate
    gate.enter()
    try:
        yield
    finally:
        gate.leave()


def keep_apart(engine: Engine) -> None:
    """Have no process that is forked from this one touch the connections of `engine`."""
    _engines.add(engine)


def _before() -> None:
    _gate.close()


def _in_parent() -> None:
    _gate.open()


def _in_child() -> None:
    global _gate  # noqa: PLW0603 -- the threads that it counts are not there
    _gate = _Gate()
    _inherited.extend((engine, engine.pool) for engine in _engines)
    _engines.clear()


os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
