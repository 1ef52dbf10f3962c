"""A counter that threads can wait on: it goes up whenever this process may have ended a job.

It does not go up at every report: a waiting thread that reads while the dispatcher commits makes SQLite wait.
"""

from __future__ import annotations

import threading


class Changes:
    """A counter of changes to the store, on which threads of this process wait instead of polling."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._count = 0

    def publish(self) -> None:
        """Count a change and wake every thread that waits."""
        with self._condition:
            self._count += 1
            self._condition.notify_all()

    def count(self) -> int:
        """Return how many changes there were; `wait` takes this count, so that no change in between is missed."""
        with self._condition:
            return self._count

    def wait(self, count: int, timeout: float) -> bool:
        """Block until the count differs from `count`, for up to `timeout` seconds; return whether it does."""
        with self._condition:
            return self._condition.wait_for(lambda: self._count != count, timeout)
