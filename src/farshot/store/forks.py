"""Forks of the process wait until no thread is in SQLite, which would leave the child a library that waits for ever.

SQLite keeps the locks of a file in the process's own memory, beside those of the kernel, and guards it with mutexes. A
child inherits that memory as it was: a lock that "another connection of this process" holds and nobody will release
(every transaction then ends with "database is locked"), or a mutex of a thread that does not exist in the child. So a
fork waits until no transaction runs, and none begins meanwhile. The connections that the child inherits are kept as
they are, never closed: closing would speak to the parent's server, or roll back what it writes.
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


_MAX_WAIT_SECONDS = 90.0
"""Seconds that a fork waits: longer than a transaction waits for another process."""


class _Gate:
    """Counts transactions; a fork closes it and waits until there are none. A thread's nested ones always enter."""

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._local = threading.local()
        self._inside = 0
        self._is_closed = False

    def enter(self) -> None:
        depth = getattr(self._local, "depth", 0)
        with self._changed:
            while self._is_closed and not depth:
                self._changed.wait()
            self._inside += 1
        self._local.depth = depth + 1

    def leave(self) -> None:
        self._local.depth -= 1
        with self._changed:
            self._inside -= 1
            if self._is_closed:
                self._changed.notify_all()

    def close(self) -> None:
        depth = getattr(self._local, "depth", 0)
        self._changed.acquire()
        self._is_closed = True
        self._changed.wait_for(lambda: self._inside <= depth, _MAX_WAIT_SECONDS)

    def open(self) -> None:
        self._is_closed = False
        self._changed.notify_all()
        self._changed.release()


_gate = _Gate()
_engines: WeakSet[Engine] = WeakSet()
_inherited: list[object] = []


@contextmanager
def delaying_forks() -> Iterator[None]:
    """Have forks of this process wait until this ends."""
    gate = _gate
    gate.enter()
    try:
        yield
    finally:
        gate.leave()


def protect_from_forks(engine: Engine) -> None:
    """Have no process that is forked from this one touch the connections of `engine`."""
    _engines.add(engine)


def _reset_in_child() -> None:
    global _gate  # noqa: PLW0603 -- the threads that it counts do not exist here
    _gate = _Gate()
    _inherited.extend((engine, engine.pool) for engine in _engines)
    _engines.clear()


def _close() -> None:
    _gate.close()


def _open() -> None:
    _gate.open()


os.register_at_fork(before=_close, after_in_parent=_open, after_in_child=_reset_in_child)
