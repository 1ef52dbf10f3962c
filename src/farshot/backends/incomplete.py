"""What is said of a job that did not come to its end, or not to a good one."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from farshot.errors import ExecutionCancelledError, JobNotCompletedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from farshot.errors import CircuitError
    from farshot.model import JobRecord


MOST_FAULTS = 100
_MOST_LISTED = 5
_LONGEST = 200
_THE_REST = "get_job_results(handle, partial=True) or job.partial() gives what there is, and every fault"


def not_completed(record: JobRecord, faults: Mapping[str, CircuitError]) -> JobNotCompletedError:
    """Return what to raise of a job that is not COMPLETED, whose first faults are known."""
    return JobNotCompletedError("\n".join([_first_line(record), *_listed(record, faults)]), faults)


def _first_line(record: JobRecord) -> str:
    if not record.status.is_terminal:
        return f"job {record.id} is {record.status}: poll it until it is COMPLETED, or ask with partial=True"
    if record.fault:
        return f"job {record.id} is {record.status}: {record.fault.message}; {_THE_REST}"
    failed = f" ({record.failed:,} of {record.circuits:,} circuits failed)" if record.failed else ""
    return f"job {record.id} is {record.status}{failed}: {_THE_REST}"


def _listed(record: JobRecord, faults: Mapping[str, CircuitError]) -> list[str]:
    lines = [f"  {label!r:.80}: {_cut(str(error))}" for label, error in islice(faults.items(), _MOST_LISTED)]
    more = record.failed - len(lines)
    return [*lines, f"  and {more:,} more"] if lines and more > 0 else lines


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def interrupted_wait(job_id: str, record: JobRecord | None) -> ExecutionCancelledError:
    """Return what Ctrl-C raises, once the job was asked to stop."""
    if record is None:
        message = f"interrupted: the service was asked to cancel job {job_id}, and has not answered yet"
    else:
        kept = f"{record.done:,} of {record.circuits:,} circuits were recorded: ask with partial=True for them"
        message = f"interrupted: job {job_id} is {record.status}; {kept}"
    return ExecutionCancelledError(message, job_id=job_id)
