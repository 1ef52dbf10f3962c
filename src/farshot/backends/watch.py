"""Watching jobs until they end: the interface of a watch, and the limit of a wait."""

from __future__ import annotations

import math
import time
from numbers import Real
from typing import TYPE_CHECKING, Protocol

from farshot.errors import ExecutionCancelledError, OptionError, PollingTimeoutError

if TYPE_CHECKING:
    from threading import Event

    from farshot.model import JobRecord


CHECK_SECONDS = 0.02
"""Time between two checks of a caller's event."""
_GRACE_SECONDS = 0.06
"""Time that an answer on its way has after the event is set: a terminal status that is read beats the event."""


class Watch(Protocol):
    """Some jobs that are watched."""

    def read(self, job_id: str) -> JobRecord:
        """Return the job as it is, or as it was last reported; raises `UnknownJobError`."""
        ...

    def ended(self) -> list[str]:
        """Return the jobs that were found to have ended since the last call."""
        ...

    def pause(self, seconds: float) -> bool:
        """Wait for `seconds` at most, less if something changed; return whether something may have."""
        ...


class WaitLimit:
    """How long a caller waits: until its event is set, or until `deadline`, a moment of `time.monotonic()`."""

    def __init__(self, event: Event | None, deadline: float) -> None:
        self._event = event
        self._deadline = deadline
        self._set_at: float | None = None

    def check(self) -> None:
        """Raise `ExecutionCancelledError` or `PollingTimeoutError` if the caller waits no more."""
        now = time.monotonic()
        if self._event and self._event.is_set():
            self._set_at = self._set_at or now
            if now - self._set_at >= _GRACE_SECONDS:
                message = "the wait was cancelled; the job goes on"
                raise ExecutionCancelledError(message)
        if now >= self._deadline:
            message = "the time to wait is over; the job goes on"
            raise PollingTimeoutError(message)

    def pause(self, watch: Watch) -> bool:
        """Wait a moment for a change of the watched jobs; return whether there may be one. Raises as `check`."""
        self.check()
        return watch.pause(CHECK_SECONDS)


def deadline_after(timeout: object) -> float:
    """Return the moment of `time.monotonic()` in `timeout` seconds, infinity for None; raises `OptionError`."""
    if timeout is None:
        return math.inf
    if isinstance(timeout, bool) or not isinstance(timeout, Real) or math.isnan(timeout):
        message = f"timeout must be a number of seconds, or None to wait for ever, not {timeout!r:.40}"
        raise OptionError(message)
    return time.monotonic() + float(timeout)
