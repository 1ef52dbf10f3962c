"""Following a job to its end with a bar; what `run`, `work` and `watch` have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farshot.contract import ExecutionResult
from farshot.errors import ExecutionCancelledError

if TYPE_CHECKING:
    from threading import Event

    from farshot.backends.base import Backend
    from farshot.model import JobRecord


def follow(backend: Backend, job_id: str, interrupted: Event, *, quiet: bool = False) -> JobRecord | None:
    """Return the job once it has ended, or None at Ctrl-C, which leaves it as it is."""
    handle = ExecutionResult(job_id=job_id)
    try:
        backend.poll_job_status(handle, loop_until_complete=True, verbose=not quiet, cancellation_event=interrupted)
    except ExecutionCancelledError:
        interrupted.clear()
        return None
    return backend.record(job_id)
