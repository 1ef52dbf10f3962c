"""The exceptions for a job that has not ended, or has not ended COMPLETED."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from farshot.errors import ExecutionCancelledError, JobNotCompletedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from farshot.errors import CircuitError
    from farshot.model import JobRecord


MAX_FAULTS = 100
_MAX_LISTED = 5
_MAX_LINE = 200
_ADVICE = "get_job_results(handle, partial=True) or job.partial() gives what there is, and every fault"


def not_completed(record: JobRecord, faults: Mapping[str, CircuitError]) -> JobNotCompletedError:
    """Return the exception for a job that is not COMPLETED; `faults` are the first of its circuits, by label."""
    lines = [f"  {label!r:.80}: {_shorten(str(error))}" for label, error in islice(faults.items(), _MAX_LISTED)]
    more = record.failed - len(lines)
    if lines and more > 0:
        lines.append(f"  and {more:,} more")
    return JobNotCompletedError("\n".join([_first_line(record), *lines]), faults)


def _first_line(record: JobRecord) -> str:
    if not record.status.is_terminal:
        return f"job {record.id} is {record.status}: poll it until it is COMPLETED, or ask with partial=True"
    if record.fault:
        return f"job {record.id} is {record.status}: {record.fault.message}; {_ADVICE}"
    failed = f" ({record.failed:,} of {record.circuits:,} circuits failed)" if record.failed else ""
    return f"job {record.id} is {record.status}{failed}: {_ADVICE}"


def _shorten(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MAX_LINE else line[: _MAX_LINE - 1] + "…"


def interrupted_wait(job_id: str, record: JobRecord | None) -> ExecutionCancelledError:
    """Return the exception for a wait that Ctrl-C ended; `record` is None if the service did not confirm it."""
    if record is None:
        message = f"interrupted: the service was asked to cancel job {job_id}, and has not answered yet"
    else:
        kept = f"{record.done:,} of {record.circuits:,} circuits were recorded: ask with partial=True for them"
        message = f"interrupted: job {job_id} is {record.status}; {kept}"
    return ExecutionCancelledError(message, job_id=job_id)
