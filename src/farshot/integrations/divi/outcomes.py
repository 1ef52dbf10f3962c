"""How the jobs of one submission have ended, in Divi's words: its statuses, its exceptions, its final response."""

from __future__ import annotations

import json
import logging
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

import divi.backends as theirs
from divi.exceptions import ExecutionCancelledError as TheirCancelledError

from farshot.contract import JobStatus
from farshot.errors import ExecutionCancelledError, FaultCode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from farshot.model import JobRecord


_log = logging.getLogger("farshot")
_RAISES = hasattr(theirs, "QoroJobError")
"""Whether a program expects an exception for a job that did not complete; before 0.15 it looks at the status."""


class JobOutcome(dict[str, Any]):
    """The final response, and its body: programs of 0.12 take the run time, in seconds, from a mapping."""

    status_code = 200

    @property
    def headers(self) -> Mapping[str, str]:
        """The response headers."""
        return {"content-type": "application/json"}

    @property
    def text(self) -> str:
        """The body as JSON."""
        return json.dumps(self)

    def json(self) -> dict[str, Any]:
        """Return the body."""
        return dict(self)

    def raise_for_status(self) -> None:
        """Raise nothing: the response says how a job has ended."""

    @classmethod
    def of(cls, job_id: str, records: Sequence[JobRecord]) -> JobOutcome:
        """Return the response for jobs that have ended."""
        status = overall([record.status for record in records])
        return cls(job_id=job_id, status=status.value, run_time=sum(record.run_time for record in records))


def overall(statuses: Sequence[JobStatus]) -> JobStatus:
    """Return the status of a submission whose jobs have these.

    >>> overall([JobStatus.COMPLETED, JobStatus.PENDING]), overall([JobStatus.RUNNING, JobStatus.FAILED])
    (<JobStatus.RUNNING: 'RUNNING'>, <JobStatus.FAILED: 'FAILED'>)
    """
    for bad in (JobStatus.FAILED, JobStatus.CANCELLED):
        if bad in statuses:
            return bad
    return statuses[0] if len(set(statuses)) == 1 else JobStatus.RUNNING


@contextmanager
def in_their_words() -> Iterator[None]:
    """Raise Divi's exception where Farshot says that a call was cancelled."""
    try:
        yield
    except ExecutionCancelledError as error:
        raise TheirCancelledError(str(error)) from error


def most_retries(job_id: str, retries: int) -> Exception:
    """Return Divi's exception for a wait that took too many looks."""
    found: Exception = import_module(theirs.QoroService.__module__).MaxRetriesReachedError(job_id, retries)
    return found


def raise_their(job_id: str, records: Sequence[JobRecord], reason: str, *, cancelled: bool) -> None:
    """Raise what a program expects for a job that did not complete; only log `reason` where it looks at the status.

    `cancelled`: the caller's event is set, which beats any end but a good one.
    """
    status = overall([record.status for record in records])
    if not _RAISES:
        _log.warning("job %s is %s\n%s", job_id, status, reason)
        return
    if cancelled:
        message = f"the wait for job {job_id} was cancelled; the job is {status}"
        raise TheirCancelledError(message)
    error = _error(status, records)(job_id)
    error.add_note(reason)
    raise error


def _error(status: JobStatus, records: Sequence[JobRecord]) -> type[Exception]:
    found: type[Exception] = theirs.JobFailedError
    if status is JobStatus.CANCELLED:
        found = theirs.JobCancelledError
    elif any(record.fault and record.fault.code is FaultCode.TIMEOUT for record in records):
        found = theirs.JobTimedOutError
    return found
