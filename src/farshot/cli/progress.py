"""Progress of a job: a bar on stderr that counts circuits, and the wait for the end of a job."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from farshot.contract import ExecutionResult
from farshot.errors import ExecutionCancelledError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from threading import Event

    from farshot.backends.base import Backend
    from farshot.model import JobRecord


_MIN_WIDTH = 20
_ECHO_WIDTH = 3
"""Cells left free for the ^C that a terminal echoes behind the bar: a wrapped line could not be wiped away."""


class SendProgress:
    """Takes how many circuits were sent to a service, and moves a bar while there is one."""

    def __init__(self) -> None:
        self.move: Callable[[int], None] | None = None

    def __call__(self, sent: int, _total: int) -> None:
        """Move the bar to `sent` circuits."""
        if self.move:
            self.move(sent)


@contextmanager
def circuit_bar(title: str, total: int, *, quiet: bool = False) -> Iterator[Callable[[int], None] | None]:
    """Yield a function that moves the bar to a number of circuits; None if `quiet` or without a terminal."""
    from rich.console import Console

    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.progress import TimeRemainingColumn as Remaining

    console.width = max(_MIN_WIDTH, console.width - _ECHO_WIDTH)
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TextColumn("circuits"),
        TimeElapsedColumn(),
        TextColumn("left", style="dim"),
        Remaining(compact=True),
        console=console,
        transient=True,
        expand=True,
    ) as progress:
        task = progress.add_task(title, total=total)
        yield lambda done: progress.update(task, completed=done)


def follow(backend: Backend, job_id: str, interrupted: Event, *, quiet: bool = False) -> JobRecord | None:
    """Return the job once it has ended, drawing a bar meanwhile; None at Ctrl-C, which leaves the job as it is."""
    handle = ExecutionResult(job_id=job_id)
    try:
        backend.poll_job_status(handle, loop_until_complete=True, verbose=not quiet, cancellation_event=interrupted)
    except ExecutionCancelledError:
        interrupted.clear()
        return None
    return backend.record(job_id)
