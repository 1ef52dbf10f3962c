"""Watching jobs until they end: what a backend offers, and how the embedded one does it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from farshot.errors import ExecutionCancelledError, PollingTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from threading import Event

    from farshot.model import JobRecord
    from farshot.protocols import JobStore


_GRACE = 0.06
"""Seconds that an answer on its way has after the event is set: a terminal status that is seen beats the event."""


class Watch(Protocol):
    """Some jobs, watched."""

    def look(self, job_id: str) -> JobRecord:
        """Return the job as it is, or what was last heard of it; raises `UnknownJobError`."""
        ...

    def ended(self) -> list[str]:
        """Return the jobs that were found to have ended since the last call."""
        ...

    def pause(self, seconds: float) -> bool:
        """Wait so long at most, less where something changed; say whether something may have."""
        ...


class Patience:
    """How long a caller waits: until its event is set, or until `deadline`, a moment of `time.monotonic()`."""

    def __init__(self, event: Event | None, deadline: float) -> None:
        """Begin to wait."""
        self._event = event
        self._deadline = deadline
        self._set_at: float | None = None

    def check(self) -> None:
        """Raise `ExecutionCancelledError` or `PollingTimeoutError` where the caller waits no more."""
        now = time.monotonic()
        if self._event and self._event.is_set():
            self._set_at = self._set_at or now
            if now - self._set_at >= _GRACE:
                message = "the wait was cancelled; the job goes on"
                raise ExecutionCancelledError(message)
        if now >= self._deadline:
            message = "the time to wait is over; the job goes on"
            raise PollingTimeoutError(message)


class LocalWatch:
    """Watches jobs of a store of this machine: each is looked at once, from then on only what changed."""

    def __init__(
        self,
        store: JobStore,
        job_ids: Collection[str],
        look: Callable[[str], JobRecord],
        pause: Callable[[float], bool],
    ) -> None:
        """Use `look` to read a job and `pause` to wait for changes."""
        self.look = look
        self.pause = pause
        self._store = store
        self._left = set(job_ids)
        self._seen: int | None = None

    def ended(self) -> list[str]:
        """Return the jobs that were found to have ended since the last call."""
        if self._seen is None:
            self._seen = self._store.changes()
            records = [self.look(job_id) for job_id in self._left]
        else:
            records = self._store.events(None, self._seen)
            self._seen = records[-1].changed if records else self._seen
        found = [record.id for record in records if record.id in self._left and record.status.is_terminal]
        self._left.difference_update(found)
        return found
