"""A counter that threads can wait on: it moves whenever a job may have ended by what this process did.

Not at every report: a waiting thread that reads while the dispatcher commits makes SQLite wait.
"""

from __future__ import annotations

import threading


class Changes:
    """Tells waiting threads of this process that the store changed, so that none polls for it."""

    def __init__(self) -> None:
        """Start at zero."""
        self._condition = threading.Condition()
        self._count = 0

    def publish(self) -> None:
        """Wake everybody who waits."""
        with self._condition:
            self._count += 1
            self._condition.notify_all()

    def count(self) -> int:
        """Return how often something changed; hand it to `wait` to miss nothing in between."""
        with self._condition:
            return self._count

    def wait(self, seen: int, timeout: float) -> bool:
        """Block until the count differs from `seen`, for `timeout` seconds at most; say whether it does."""
        with self._condition:
            return self._condition.wait_for(lambda: self._count != seen, timeout)
