"""`jobs`, `status`, `watch`, `results`, `cancel`: what looks at jobs. None of them starts a worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer
from rich.table import Table
from rich.text import Text

from farshot.backends.http.records import record_of
from farshot.backends.polling import first_interrupt
from farshot.cli.data import job_facts, json_options, waiting_facts, write_json
from farshot.cli.failures import DONE, INTERRUPTED
from farshot.cli.following import follow
from farshot.cli.lookup import find_job, short
from farshot.cli.notes import note
from farshot.cli.opening import LONG_PATIENCE, open_jobs, service_of
from farshot.cli.reports import Form, job_line, report, status_of, took_text
from farshot.cli.tables import stdout
from farshot.cli.texts import ago, count_of, middle_cut, printable, seconds_text
from farshot.contract import ExecutionResult, JobStatus
from farshot.errors import JobNotCompletedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farshot.cli.options import Where
    from farshot.config.login import Service
    from farshot.model import JobRecord
    from farshot.wire import JobDocument

__all__ = ["cancel", "jobs", "results", "status", "watch"]

_TARGET_FROM = 72
_BEFORE_TAG, _LEAST_TAG = 66, 8
_MOST_OWNER = 16
_STYLES = {
    JobStatus.PENDING: "yellow",
    JobStatus.RUNNING: "cyan",
    JobStatus.COMPLETED: "green",
    JobStatus.FAILED: "red",
    JobStatus.CANCELLED: "magenta",
}


def jobs(where: Where, chosen: JobStatus | None, tag: str | None, limit: int, *, as_json: bool) -> int:
    """List the newest jobs first."""
    with open_jobs(where) as backend:
        records = backend.records(chosen, tag, limit)
    if as_json:
        write_json([job_facts(record) for record in records])
    elif records:
        console = stdout()
        console.print(_jobs_table(records, console.width))
    else:
        typer.echo("no jobs")
    return DONE


def _jobs_table(records: Sequence[JobRecord], width: int) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("job", no_wrap=True, style="bold cyan")
    table.add_column("status", no_wrap=True)
    table.add_column("circuits", no_wrap=True, justify="right")
    table.add_column("failed", no_wrap=True, justify="right")
    table.add_column("made", no_wrap=True)
    if width >= _TARGET_FROM:
        table.add_column("target", no_wrap=True, style="dim")
    if len({record.owner for record in records}) > 1:
        table.add_column("owner", no_wrap=True)
    if any(record.tag for record in records):
        table.add_column("tag", overflow="ellipsis", no_wrap=True)
    room = max(_LEAST_TAG, width - _BEFORE_TAG)
    for record in records:
        cells = _job_cells(record, room)
        table.add_row(*(cells[str(column.header)] for column in table.columns))
    return table


def _job_cells(record: JobRecord, room: int) -> dict[str, Text]:
    return {
        "job": Text(short(record.id)),
        "status": _status_text(record),
        "circuits": Text(_done_text(record)),
        "failed": Text(f"{record.failed:,}" if record.failed else "", style="red"),
        "made": Text(ago(record.created_at)),
        "owner": Text(middle_cut(printable(record.owner), _MOST_OWNER)),
        "target": Text(middle_cut(printable(record.target), room)),
        "tag": Text(middle_cut(printable(record.tag or ""), room)),
    }


def _status_text(record: JobRecord) -> Text:
    return Text(record.status.value, style=_STYLES[record.status])


def _done_text(record: JobRecord) -> str:
    return f"{record.circuits:,}" if record.done == record.circuits else f"{record.done:,}/{record.circuits:,}"


def status(where: Where, given: str, *, as_json: bool) -> int:
    """Show where one job stands; a service also says what is before it and how long it will take."""
    service = service_of(where)
    with open_jobs(where) as backend:
        job_id = find_job(backend, given)
        document = _document(service, job_id) if service else None
        record = record_of(document) if document else backend.record(job_id)
        options = {} if record.uploading or not as_json else {"options": json_options(backend.options(job_id))}
    if as_json:
        write_json(job_facts(record) | (waiting_facts(document) if document else {}) | options)
    else:
        stdout().print(_status_table(record, document))
    return DONE


def _status_table(record: JobRecord, document: JobDocument | None) -> Table:
    facts: dict[str, Text | str] = {
        "job": record.id,
        "owner": Text(printable(record.owner)),
        "status": _status_text(record),
        "circuits": f"{record.done:,} of {record.circuits:,} done, {record.failed:,} failed",
        **(_waiting(document) if document else {}),
        "tag": Text(printable(record.tag or "")),
        "target": Text(printable(record.target)),
        "made": f"{record.created_at.astimezone():%Y-%m-%d %H:%M:%S} ({ago(record.created_at)})",
        "error": Text(printable(record.fault.message) if record.fault else "", style="red"),
        "took": took_text(record),
        "simulation": seconds_text(record.run_time) if record.done else "",
    }
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, fact in facts.items():
        if fact:
            table.add_row(name, fact)
    return table


def _document(service: Service, job_id: str) -> JobDocument:
    from farshot.cli.asking import document_of

    return document_of(service, job_id)


def _waiting(document: JobDocument) -> dict[str, Text | str]:
    left, ahead = document.remaining, document.jobs_ahead
    span = f" ({seconds_text(left.low)} to {seconds_text(left.high)})" if left else ""
    return {
        "uploading": "not complete yet" if document.uploading else "",
        "ahead": count_of(ahead, "job") if ahead is not None else "",
        "left": f"about {seconds_text(left.seconds)}{span}" if left else "",
    }


def watch(where: Where, given: str) -> int:
    """Follow one job until it has ended. Ctrl-C ends the watching only."""
    with open_jobs(where, patience=LONG_PATIENCE) as backend, first_interrupt() as interrupted:
        record = backend.record(find_job(backend, given))
        if not record.status.is_terminal:
            _say_who_works(where)
            ended = follow(backend, record.id, interrupted, title=f"job {short(record.id)}")
            if ended is None:
                note(f"no longer watched; {job_line(backend.record(record.id))}")
                return INTERRUPTED
            record = ended
    typer.echo(job_line(record))
    return status_of(record)


def _say_who_works(where: Where) -> None:
    if service_of(where) is None:
        note("watching starts no worker; where none is at it, `farshot work` runs what is queued")


def results(where: Where, given: str, form: Form, *, partial: bool) -> int:
    """Print the results of a job that has ended; with `partial`, what there is."""
    with open_jobs(where) as backend:
        record = backend.record(find_job(backend, given))
        if not (partial or record.status.is_terminal):
            message = f"{job_line(record)}; --partial shows what there is, `farshot watch {short(record.id)}` waits"
            raise JobNotCompletedError(message)
        return report(backend, record, form)


def cancel(where: Where, given: str, *, as_json: bool) -> int:
    """Cancel a job; one that has ended stays as it is."""
    with open_jobs(where) as backend:
        job_id = find_job(backend, given)
        answer = backend.cancel_job(ExecutionResult(job_id=job_id)).json()
        record = backend.record(job_id)
    if as_json:
        write_json(answer)
    elif stopped := answer.get("circuits_cancelled"):
        typer.echo(
            f"job {short(job_id)} is CANCELLED: {stopped:,} of {record.circuits:,} circuits stopped, the rest kept"
        )
    else:
        typer.echo(f"job {short(job_id)} is {record.status.value} already: nothing to cancel")
    return DONE
