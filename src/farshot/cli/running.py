"""`run`, `submit`, `work`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from farshot.backends.polling import first_interrupt
from farshot.cli.data import job_facts, write_json
from farshot.cli.failures import DONE, FAILED, INTERRUPTED
from farshot.cli.inputs import circuits
from farshot.cli.lookup import short
from farshot.cli.notes import note
from farshot.cli.opening import open_backend, open_queue
from farshot.cli.progress import circuit_bar
from farshot.cli.reports import Form, job_line, report, status_of
from farshot.cli.texts import count_of
from farshot.contract import ExecutionResult
from farshot.errors import ExecutionCancelledError, ExecutorError

if TYPE_CHECKING:
    from pathlib import Path
    from threading import Event

    from farshot.backends.local import LocalBackend
    from farshot.cli.options import BatchOptions, TimeLimits
    from farshot.model import JobRecord

__all__ = ["run", "submit", "work"]

MOST_ROWS = 40
_MOST_JOBS = 1000


def run(options: BatchOptions, form: Form, data_dir: Path | None, workers: int | None, limits: TimeLimits) -> int:
    """Submit, wait and show; Ctrl-C cancels the job."""
    batch = circuits(options.files, examples=options.examples)
    with open_backend(data_dir, workers, limits) as backend:
        with first_interrupt() as interrupted:
            job_id = _submit(backend, options, batch, interrupted)
            if job_id is None:
                return INTERRUPTED
            record = _wait(backend, job_id, interrupted, title=f"job {short(job_id)}", quiet=form is not Form.TABLE)
        if record is None:
            return _stop(backend, job_id)
        return report(backend, record, form, limit=MOST_ROWS)


def _submit(backend: LocalBackend, options: BatchOptions, batch: dict[str, str], interrupted: Event) -> str | None:
    """Return the id of the new job, or None where Ctrl-C came first."""
    try:
        return backend.submit_circuits(batch, cancellation_event=interrupted, **options.keywords()).job_id
    except ExecutionCancelledError:
        interrupted.clear()
        note("interrupted; nothing was submitted")
        return None


def _wait(
    backend: LocalBackend, job_id: str, interrupted: Event, *, title: str, quiet: bool = False
) -> JobRecord | None:
    """Return the job once it has ended, or None at Ctrl-C, which leaves it as it is."""
    try:
        with circuit_bar(title, backend.record(job_id).circuits, quiet=quiet) as move:
            backend.poll_job_status(
                ExecutionResult(job_id=job_id),
                loop_until_complete=True,
                verbose=False,
                progress_callback=lambda _attempt, _status: move(backend.record(job_id).done),
                cancellation_event=interrupted,
            )
    except ExecutionCancelledError:
        interrupted.clear()
        return None
    except ExecutorError:
        note(f"job {short(job_id)} stays queued: `farshot work` runs it once workers start")
        raise
    return backend.record(job_id)


def _stop(backend: LocalBackend, job_id: str) -> int:
    backend.cancel_job(ExecutionResult(job_id=job_id))
    record = backend.record(job_id)
    kept = f"{record.done:,} of {count_of(record.circuits, 'circuit')} had been recorded"
    note(f"interrupted; job {short(job_id)} is {record.status.value}, {kept}: farshot results {short(job_id)}")
    return INTERRUPTED


def submit(options: BatchOptions, data_dir: Path | None, limits: TimeLimits, *, as_json: bool) -> int:
    """Store the job for `work` and print its id."""
    batch = circuits(options.files, examples=options.examples)
    with open_queue(data_dir, limits) as backend, first_interrupt() as interrupted:
        job_id = _submit(backend, options, batch, interrupted)
        if job_id is None:
            return INTERRUPTED
        if as_json:
            write_json(job_facts(backend.record(job_id)))
        else:
            typer.echo(job_id)
            note(f"queued {count_of(len(batch), 'circuit')}; `farshot work` runs what is queued")
    return DONE


def work(data_dir: Path | None, workers: int | None, limits: TimeLimits) -> int:
    """Run what is open in the store until nothing is; Ctrl-C leaves the rest queued."""
    failed = ended = 0
    with open_backend(data_dir, workers, limits) as backend, first_interrupt() as interrupted:
        while open_jobs := _open_jobs(backend):
            record = _wait(backend, open_jobs[0], interrupted, title=_title(open_jobs))
            if record is None:
                note(f"interrupted; {count_of(len(open_jobs), 'job')} left: `farshot work` goes on")
                return INTERRUPTED
            typer.echo(job_line(record))
            ended, failed = ended + 1, failed + (status_of(record) != DONE)
    if not ended:
        typer.echo("nothing is queued")
    return FAILED if failed else DONE


def _title(open_jobs: list[str]) -> str:
    more = len(open_jobs) - 1
    return f"job {short(open_jobs[0])}" + (f" (+{more:,} more)" if more else "")


def _open_jobs(backend: LocalBackend) -> list[str]:
    """Return the ids of what is queued or runs, in the order in which work is taken."""
    pending = [job.id for job in backend.jobs(status="PENDING", limit=_MOST_JOBS)]
    running = [job.id for job in backend.jobs(status="RUNNING", limit=_MOST_JOBS)]
    return [*reversed(running), *(job_id for job_id in reversed(pending) if job_id not in running)]
