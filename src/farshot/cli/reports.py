"""Reports on a job: its results in one of three forms, and one line about it."""

from __future__ import annotations

from contextlib import nullcontext
from enum import Enum
from typing import TYPE_CHECKING, Any

from farshot.backends.entries import json_entry
from farshot.cli.cell_texts import count_of, seconds_text, short_id
from farshot.cli.data_output import json_options, write_csv, write_json
from farshot.cli.error_output import DONE, FAILED, InputError
from farshot.contract import ExecutionResult, JobStatus

if TYPE_CHECKING:
    from farshot.backends.base import Backend
    from farshot.model import Forecast, JobRecord


class Form(Enum):
    """The form in which results are printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def form_of(*, as_json: bool, as_csv: bool) -> Form:
    """Return the form that the flags ask for; raises `InputError` for both."""
    if as_json and as_csv:
        message = "--json and --csv exclude each other"
        raise InputError(message)
    if as_json:
        return Form.JSON
    return Form.CSV if as_csv else Form.TABLE


def report(backend: Backend, record: JobRecord, form: Form, *, limit: int | None = None, paged: bool = False) -> int:
    """Print the recorded results of a job and return its exit status; with `paged` a pager shows a long table."""
    entries = backend.get_job_results(ExecutionResult(job_id=record.id), partial=True).results or []
    if form is Form.JSON:
        write_json(
            {
                "job_id": record.id,
                "status": record.status.value,
                "options": None if record.uploading else json_options(backend.options(record.id)),
                "results": list(map(json_entry, entries)),
            }
        )
    elif form is Form.CSV:
        write_csv(entries)
    else:
        _show_table(entries, record, limit=limit, paged=paged)
    return status_of(record)


def _show_table(entries: list[dict[str, Any]], record: JobRecord, *, limit: int | None, paged: bool) -> None:
    from farshot.cli.result_tables import pager, show_results, stdout

    console = stdout()
    with pager(console, len(entries)) if paged else nullcontext():
        show_results(console, entries, job=short_id(record.id), limit=limit)
        console.print(f"\n{job_line(record)}" if entries else job_line(record))


def status_of(record: JobRecord) -> int:
    """Return the exit status of a job: 1 if it or one of its circuits has failed, or it was cancelled."""
    is_bad = record.failed or record.status in {JobStatus.FAILED, JobStatus.CANCELLED}
    return FAILED if is_bad else DONE


def job_line(record: JobRecord) -> str:
    """Return one line on the status of a job."""
    done = "" if record.done == record.circuits else f"{record.done:,} of "
    parts = [f"job {short_id(record.id)} {record.status.value}: {done}{count_of(record.circuits, 'circuit')}"]
    if record.failed:
        parts.append(f"{record.failed:,} failed")
    if record.fault:
        parts.append(record.fault.message)
    took = took_text(record)
    return ", ".join([*parts, took] if took else parts)


def forecast_text(forecast: Forecast) -> str:
    """Return the simulator, the method and the time of a circuit.

    >>> from farshot.model import Forecast
    >>> forecast_text(Forecast("prism", "statevector", 660.0)), forecast_text(Forecast("aer"))
    ('prism statevector, about 11m 0s a circuit', 'aer')
    """
    names = " ".join(name for name in (forecast.simulator, forecast.method) if name)
    return names if forecast.seconds is None else f"{names}, about {seconds_text(forecast.seconds)} a circuit"


def took_text(record: JobRecord) -> str:
    """Return the duration of a job that has ended; an empty text if a clock was set back meanwhile."""
    seconds = (record.finished_at - record.created_at).total_seconds() if record.finished_at else -1.0
    return seconds_text(seconds) if seconds >= 0 else ""
