"""Following a job to its end with a bar; what `run`, `work` and `watch` have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farshot.cli.progress import circuit_bar
from farshot.contract import ExecutionResult
from farshot.errors import ExecutionCancelledError

if TYPE_CHECKING:
    from threading import Event

    from farshot.cli.opening import Queue
    from farshot.model import JobRecord

__all__ = ["follow"]


def follow(backend: Queue, job_id: str, interrupted: Event, *, title: str, quiet: bool = False) -> JobRecord | None:
    """Return the job once it has ended, or None at Ctrl-C, which leaves it as it is."""
    try:
        with circuit_bar(title, backend.record(job_id).circuits, quiet=quiet) as bar:
            backend.poll_job_status(
                ExecutionResult(job_id=job_id),
                loop_until_complete=True,
                verbose=False,
                progress_callback=bar and (lambda _attempt, _status: bar(backend.record(job_id).done)),
                cancellation_event=interrupted,
            )
    except ExecutionCancelledError:
        interrupted.clear()
        return None
    return backend.record(job_id)
