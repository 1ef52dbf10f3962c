"""`run`, `submit`, `work`: the commands that take circuits or run them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from farshot.backends.wait import first_interrupt
from farshot.cli.backends import open_here, open_jobs, open_runner, service_of
from farshot.cli.batch_folder import chosen_options, is_batch, read_batch
from farshot.cli.cell_texts import count_of, short_id
from farshot.cli.data_output import job_facts, write_json
from farshot.cli.error_output import DONE, FAILED, INTERRUPTED
from farshot.cli.inputs import circuits
from farshot.cli.messages import note
from farshot.cli.progress import SendProgress, circuit_bar, follow
from farshot.cli.reports import Form, job_line, report, status_of
from farshot.contract import ExecutionResult
from farshot.errors import ExecutionCancelledError, ExecutorError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from threading import Event

    from farshot.backends.base import Backend
    from farshot.cli.options import BatchOptions, Location, TimeLimits
    from farshot.model import JobRecord


_MAX_ROWS = 40
_MAX_JOBS = 1000


def run(options: BatchOptions, form: Form, where: Location, workers: int | None, limits: TimeLimits) -> int:
    """Submit a batch, wait for its results and print them; Ctrl-C cancels the job."""
    batch, keywords = _read_options(options)
    sent, quiet = SendProgress(), form is not Form.TABLE
    with open_runner(where, workers, limits, sent) as backend:
        with first_interrupt() as interrupted:
            with _send_bar(where, sent, len(batch), quiet=quiet):
                job_id = _submit(backend, keywords, batch, interrupted)
            if job_id is None:
                return INTERRUPTED
            record = _wait(backend, job_id, interrupted, quiet=quiet)
        if record is None:
            return _cancel(backend, job_id)
        return report(backend, record, form, limit=_MAX_ROWS)


@contextmanager
def _send_bar(where: Location, sent: SendProgress, circuits: int, *, quiet: bool) -> Iterator[None]:
    """Draw a bar of the circuits that were sent, if the batch goes to a service."""
    with circuit_bar("sending", circuits, quiet=quiet or service_of(where) is None) as sent.move:
        yield
    sent.move = None


def _read_options(options: BatchOptions) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the named circuits by label, and the keywords of `submit_circuits`."""
    if not is_batch(options.files) or options.examples:
        return circuits(options.files, examples=options.examples), options.keywords()
    batch, exported = read_batch(options.files[0])
    return batch, chosen_options(exported, options.keywords())


def _submit(backend: Backend, keywords: dict[str, Any], batch: dict[str, str], interrupted: Event) -> str | None:
    """Return the id of the new job; None if Ctrl-C came first."""
    try:
        return backend.submit_circuits(batch, cancellation_event=interrupted, **keywords).job_id
    except ExecutionCancelledError:
        interrupted.clear()
        note("interrupted; nothing was submitted")
        return None


def _wait(backend: Backend, job_id: str, interrupted: Event, *, quiet: bool = False) -> JobRecord | None:
    """Follow a job on the workers of this machine, or of a service."""
    try:
        return follow(backend, job_id, interrupted, quiet=quiet)
    except ExecutorError:
        note(f"job {short_id(job_id)} stays queued: `farshot work` runs it once workers start")
        raise


def _cancel(backend: Backend, job_id: str) -> int:
    backend.cancel_job(ExecutionResult(job_id=job_id))
    record = backend.record(job_id)
    kept = f"{record.done:,} of {count_of(record.circuits, 'circuit')} had been recorded"
    note(f"interrupted; job {short_id(job_id)} is {record.status.value}, {kept}: farshot results {short_id(job_id)}")
    return INTERRUPTED


def submit(options: BatchOptions, where: Location, limits: TimeLimits, *, as_json: bool) -> int:
    """Queue a batch as a job for a service or for `work`, and print its id."""
    batch, keywords = _read_options(options)
    sent = SendProgress()
    with open_jobs(where, limits, sent) as backend, first_interrupt() as interrupted:
        with _send_bar(where, sent, len(batch), quiet=as_json):
            job_id = _submit(backend, keywords, batch, interrupted)
        if job_id is None:
            return INTERRUPTED
        if as_json:
            write_json(job_facts(backend.record(job_id)))
        else:
            typer.echo(job_id)
            service = service_of(where)
            at_service = f" at {service.url}; `farshot watch {short_id(job_id)}` follows" if service else ""
            note(f"queued {count_of(len(batch), 'circuit')}{at_service or '; `farshot work` runs what is queued'}")
    return DONE


def work(data_dir: Path | None, workers: int | None, limits: TimeLimits) -> int:
    """Run the open jobs of the store until there is none; Ctrl-C leaves the rest queued."""
    failed = ended = 0
    with open_here(data_dir, workers, limits) as backend, first_interrupt() as interrupted:
        left = _open_jobs(backend)
        while left:
            if _wait(backend, left[0], interrupted) is None:
                note(f"interrupted; {count_of(len(left), 'job')} left: `farshot work` goes on")
                return INTERRUPTED
            before, left = left, _open_jobs(backend)
            for record in _ended(backend, before, left):
                typer.echo(job_line(record))
                ended, failed = ended + 1, failed + (status_of(record) != DONE)
    if not ended:
        typer.echo("nothing is queued")
    return FAILED if failed else DONE


def _ended(backend: Backend, before: list[str], left: list[str]) -> list[JobRecord]:
    """Return the jobs of `before` that have ended."""
    still_open = set(left)
    records = [backend.record(job_id) for job_id in before if job_id not in still_open]
    return [record for record in records if record.status.is_terminal]


def _open_jobs(backend: Backend) -> list[str]:
    """Return the ids of queued and running jobs, in the order in which work is taken."""
    pending = [record.id for record in backend.records("PENDING", limit=_MAX_JOBS)]
    running = [record.id for record in backend.records("RUNNING", limit=_MAX_JOBS)]
    return list(dict.fromkeys([*reversed(running), *reversed(pending)]))
