"""`jobs`, `status`, `watch`, `results`, `cancel`: the commands about jobs."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import typer
from rich.table import Table
from rich.text import Text

from farshot.accounts import Role
from farshot.backends.estimates import NO_OUTLOOK
from farshot.backends.http.records import outlook_in, record_of
from farshot.backends.wait import first_interrupt
from farshot.cli.backends import find_job, open_jobs, open_runner, service_of
from farshot.cli.cell_texts import ago, count_of, middle_cut, printable, seconds_text, short_id
from farshot.cli.data_output import job_facts, json_options, outlook_facts, worker_facts, write_json
from farshot.cli.error_output import DONE, INTERRUPTED, InputError
from farshot.cli.messages import is_confirmed, note
from farshot.cli.options import TimeLimits
from farshot.cli.progress import SendProgress, follow
from farshot.cli.reports import Form, forecast_text, job_line, report, status_of, took_text
from farshot.cli.result_tables import show_failed, stdout
from farshot.contract import ExecutionResult, JobStatus
from farshot.errors import JobNotCompletedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farshot.backends.base import Backend
    from farshot.backends.estimates import Outlook
    from farshot.cli.options import Location
    from farshot.model import JobRecord


_MIN_WIDTH_FOR_TARGET = 72
_WIDTH_BEFORE_TAG, _MIN_TAG_WIDTH = 66, 8
_MAX_OWNER_WIDTH = 16
_MAX_REASONS = 10
_MAX_JOBS = 1000
"""The number of jobs of one status that a backend lists in one call."""
_MAX_CIRCUITS = 100_000
"""The largest job, in circuits, that is read through for the reasons of its failures."""
_STYLES = {
    JobStatus.PENDING: "yellow",
    JobStatus.RUNNING: "cyan",
    JobStatus.COMPLETED: "green",
    JobStatus.FAILED: "red",
    JobStatus.CANCELLED: "magenta",
}


def jobs(where: Location, chosen: JobStatus | None, tag: str | None, limit: int, *, as_json: bool) -> int:
    """List the newest jobs first."""
    with open_jobs(where) as backend:
        records = backend.records(chosen, tag, limit)
        is_attended = backend.is_attended()
    if as_json:
        write_json([job_facts(record) | worker_facts(record, is_attended=is_attended) for record in records])
    elif records:
        console = stdout()
        console.print(_jobs_table(records, console.width, with_owner=_sees_others(where)))
        _note_waiting(records, is_attended=is_attended)
    else:
        typer.echo("no jobs")
    return DONE


def _sees_others(where: Location) -> bool:
    """Return whether the user sees the jobs of others too."""
    service = service_of(where)
    if service is None:
        return False
    from farshot.cli.service_queries import who_am_i

    return who_am_i(service).role == Role.ADMIN


def _note_waiting(records: Sequence[JobRecord], *, is_attended: bool) -> None:
    waiting = 0 if is_attended else sum(not record.status.is_terminal for record in records)
    if waiting:
        note(f"{count_of(waiting, 'job')} {'waits' if waiting == 1 else 'wait'} for a worker: run `farshot work`")


def _jobs_table(records: Sequence[JobRecord], width: int, *, with_owner: bool) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("job", no_wrap=True, style="bold cyan")
    table.add_column("status", no_wrap=True)
    table.add_column("circuits", no_wrap=True, justify="right")
    table.add_column("failed", no_wrap=True, justify="right")
    table.add_column("made", no_wrap=True)
    if width >= _MIN_WIDTH_FOR_TARGET:
        table.add_column("target", no_wrap=True, style="dim")
    if with_owner:
        table.add_column("owner", no_wrap=True)
    if any(record.tag for record in records):
        table.add_column("tag", overflow="ellipsis", no_wrap=True)
    room = max(_MIN_TAG_WIDTH, width - _WIDTH_BEFORE_TAG)
    for record in records:
        cells = _job_cells(record, room)
        table.add_row(*(cells[str(column.header)] for column in table.columns))
    return table


def _job_cells(record: JobRecord, room: int) -> dict[str, Text]:
    is_done = record.done == record.circuits
    return {
        "job": Text(short_id(record.id)),
        "status": _status_text(record),
        "circuits": Text(f"{record.circuits:,}" if is_done else f"{record.done:,}/{record.circuits:,}"),
        "failed": Text(f"{record.failed:,}" if record.failed else "", style="red"),
        "made": Text(ago(record.created_at)),
        "owner": Text(middle_cut(printable(record.owner), _MAX_OWNER_WIDTH)),
        "target": Text(middle_cut(printable(record.target), room)),
        "tag": Text(middle_cut(printable(record.tag or ""), room)),
    }


def _status_text(record: JobRecord) -> Text:
    return Text(record.status.value, style=_STYLES[record.status])


def status(where: Location, given: str, *, as_json: bool) -> int:
    """Show the status of one job, the jobs before it, its forecast and the time left."""
    service = service_of(where)
    with open_jobs(where) as backend:
        job_id = find_job(backend, given)
        document = None
        if service:
            from farshot.cli.service_queries import document_of

            document = document_of(service, job_id)
        record = record_of(document) if document else backend.record(job_id)
        options = {} if record.uploading or not as_json else {"options": json_options(backend.options(job_id))}
        is_attended = backend.is_attended()
        outlook = NO_OUTLOOK
        if is_attended:
            outlook = outlook_in(document) if document else backend.outlook(job_id)
        failed = _failed_entries(backend, record)
    if as_json:
        facts = job_facts(record) | worker_facts(record, is_attended=is_attended)
        write_json(facts | outlook_facts(outlook) | options)
    else:
        console = stdout()
        console.print(_status_table(record, outlook, is_attended=is_attended))
        if failed:
            console.print()
            show_failed(console, failed, job=short_id(record.id), limit=_MAX_REASONS)
    return DONE


def _failed_entries(backend: Backend, record: JobRecord) -> list[dict[str, Any]]:
    """Return the entries of failed circuits; none if the job is too large to be read for them."""
    if not record.failed or record.circuits > _MAX_CIRCUITS:
        return []
    entries = backend.get_job_results(ExecutionResult(job_id=record.id), partial=True).results or []
    return [entry for entry in entries if "error" in entry]


def _status_table(record: JobRecord, outlook: Outlook, *, is_attended: bool) -> Table:
    cells: dict[str, Text | str] = {
        "job": record.id,
        "owner": Text(printable(record.owner)),
        "status": _status_text(record),
        "waits": "" if is_attended or record.status.is_terminal else _waiting_text(record),
        "circuits": f"{record.done:,} of {record.circuits:,} done, {record.failed:,} failed",
        "uploading": "not complete yet" if record.uploading else "",
        **_outlook_cells(record, outlook),
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
    for name, cell in cells.items():
        if cell:
            table.add_row(name, cell)
    return table


def _waiting_text(record: JobRecord) -> str:
    if record.status is JobStatus.RUNNING:
        return "for a worker: the program that ran it has ended; `farshot work` goes on with it"
    return "for a worker: run `farshot work`"


def _outlook_cells(record: JobRecord, outlook: Outlook) -> dict[str, Text | str]:
    span = f" ({seconds_text(outlook.low)} to {seconds_text(outlook.high)})" if outlook.low and outlook.high else ""
    return {
        "ahead": "" if outlook.jobs_ahead is None else count_of(outlook.jobs_ahead, "job"),
        "runs": "; ".join(map(forecast_text, outlook.running)),
        "so far": _elapsed_text(record),
        "left": "" if outlook.seconds is None else f"about {seconds_text(outlook.seconds)}{span}",
    }


def _elapsed_text(record: JobRecord) -> str:
    if record.status is not JobStatus.RUNNING or record.started_at is None:
        return ""
    return seconds_text(max(0.0, (datetime.now(UTC) - record.started_at).total_seconds()))


def watch(where: Location, given: str) -> int:
    """Follow one job until it has ended; in the store of this machine, work on it. Ctrl-C ends the watching only."""
    with open_runner(where, None, TimeLimits(), SendProgress()) as backend, first_interrupt() as interrupted:
        record = backend.record(find_job(backend, given))
        if not record.status.is_terminal:
            if not sys.stderr.isatty():  # no bar is drawn then
                note(job_line(record))
            ended = follow(backend, record.id, interrupted)
            if ended is None:
                advice = "; `farshot work` goes on with it" if service_of(where) is None else ""
                note(f"no longer watched; {job_line(backend.record(record.id))}{advice}")
                return INTERRUPTED
            record = ended
    typer.echo(job_line(record))
    return status_of(record)


def results(where: Location, given: str, form: Form, *, limit: int | None, partial: bool) -> int:
    """Print the results of a job that has ended, or with `partial` of an open one. A long table is shown by a pager."""
    with open_jobs(where) as backend:
        record = backend.record(find_job(backend, given))
        if not (partial or record.status.is_terminal):
            message = f"{job_line(record)}; --partial shows what there is, `farshot watch {short_id(record.id)}` waits"
            raise JobNotCompletedError(message)
        return report(backend, record, form, limit=limit, paged=True)


def cancel(where: Location, given: Sequence[str], tag: str | None, *, every: bool, agreed: bool, as_json: bool) -> int:
    """Cancel the jobs `given` by id, or the open ones of a tag, or every open one; those that have ended stay."""
    if bool(given) + (tag is not None) + every != 1:
        message = "say which jobs: by their ids, by --tag, or --all that are open"
        raise InputError(message)
    with open_jobs(where) as backend:
        chosen = [find_job(backend, ident) for ident in given] or _open_jobs(backend, tag, agreed=agreed or not every)
        cancelled = [_cancel(backend, job_id) for job_id in dict.fromkeys(chosen)]
    answers = [answer for answer, _ in cancelled]
    if as_json:
        write_json(answers[0] if len(given) == 1 else answers)
    for answer, record in () if as_json else cancelled:
        typer.echo(_outcome_line(record, answer.get("circuits_cancelled")))
    if not (cancelled or as_json):
        typer.echo("nothing is cancelled")
    return DONE


def _open_jobs(backend: Backend, tag: str | None, *, agreed: bool) -> list[str]:
    """Return the ids of the open jobs; none if the user does not agree."""
    statuses = (JobStatus.RUNNING, JobStatus.PENDING)
    found = {record.id: record for status in statuses for record in backend.records(status, tag, _MAX_JOBS)}
    if found:
        owners = len({record.owner for record in found.values()})
        owners_text = f" of {owners} users" if owners > 1 else ""
        if not is_confirmed(f"cancel {count_of(len(found), 'open job')}{owners_text}", agreed=agreed):
            return []
    return list(found)


def _cancel(backend: Backend, job_id: str) -> tuple[dict[str, Any], JobRecord]:
    answer = backend.cancel_job(ExecutionResult(job_id=job_id)).json()
    return answer, backend.record(job_id)


def _outcome_line(record: JobRecord, stopped: int | None) -> str:
    if stopped:
        total = count_of(record.circuits, "circuit")
        return f"job {short_id(record.id)} is CANCELLED: {stopped:,} of {total} stopped, the rest kept"
    return f"job {short_id(record.id)} is {record.status.value} already: nothing to cancel"
