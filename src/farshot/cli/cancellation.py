"""`cancel`: one job, several, or all that are open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from farshot.cli.backends import find_job, open_jobs
from farshot.cli.cell_texts import count_of, short_id
from farshot.cli.data_output import write_json
from farshot.cli.error_output import DONE, InputError
from farshot.cli.messages import is_confirmed
from farshot.contract import ExecutionResult, JobStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farshot.backends.base import Backend
    from farshot.cli.options import Location
    from farshot.model import JobRecord


_MAX_JOBS = 1000
"""The number of jobs of one status that a backend lists in one call."""


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
        whose = f" of {owners} users" if owners > 1 else ""
        if not is_confirmed(f"cancel {count_of(len(found), 'open job')}{whose}", agreed=agreed):
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
