"""The end of a submission's jobs in Divi's terms: its statuses, its exceptions, its final response."""

from __future__ import annotations

import json
import logging
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

import divi.backends as divi_backends
from divi.exceptions import ExecutionCancelledError as DiviCancelledError

from farshot.contract import JobStatus
from farshot.errors import ExecutionCancelledError, FaultCode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from farshot.model import JobRecord


_log = logging.getLogger("farshot")
_HAS_JOB_ERRORS = hasattr(divi_backends, "QoroJobError")
"""True if a program expects an exception for a job that did not complete; before Divi 0.15 it reads the status."""


class JobOutcome(dict[str, Any]):
    """The final response and its body: programs of Divi 0.12 read the run time, in seconds, from a mapping."""

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
        """Raise nothing: the status of the job is in the body."""

    @classmethod
    def of(cls, job_id: str, records: Sequence[JobRecord]) -> JobOutcome:
        """Return the response for jobs that have ended."""
        status = overall_status([record.status for record in records])
        return cls(job_id=job_id, status=status.value, run_time=sum(record.run_time for record in records))


def overall_status(statuses: Sequence[JobStatus]) -> JobStatus:
    """Return the status of a submission from those of its jobs.

    >>> overall_status([JobStatus.COMPLETED, JobStatus.PENDING]), overall_status([JobStatus.RUNNING, JobStatus.FAILED])
    (<JobStatus.RUNNING: 'RUNNING'>, <JobStatus.FAILED: 'FAILED'>)
    """
    for bad in (JobStatus.FAILED, JobStatus.CANCELLED):
        if bad in statuses:
            return bad
    return statuses[0] if len(set(statuses)) == 1 else JobStatus.RUNNING


@contextmanager
def cancelled_as_in_divi() -> Iterator[None]:
    """Raise Divi's exception in place of Farshot's `ExecutionCancelledError`."""
    try:
        yield
    except ExecutionCancelledError as error:
        raise DiviCancelledError(str(error)) from error


def max_retries_error(job_id: str, retries: int) -> Exception:
    """Return Divi's exception for a wait that reached the most polls."""
    found: Exception = import_module(divi_backends.QoroService.__module__).MaxRetriesReachedError(job_id, retries)
    return found


def raise_divi_error(job_id: str, records: Sequence[JobRecord], reason: str, *, cancelled: bool) -> None:
    """Raise the exception that a program expects for a job that did not complete; before Divi 0.15, log `reason` only.

    `cancelled` is whether the caller's event is set: the wait is cancelled then, however the job ended.
    """
    status = overall_status([record.status for record in records])
    if not _HAS_JOB_ERRORS:
        _log.warning("job %s is %s\n%s", job_id, status, reason)
        return
    if cancelled:
        message = f"the wait for job {job_id} was cancelled; the job is {status}"
        raise DiviCancelledError(message)
    error = _error_type(status, records)(job_id)
    error.add_note(reason)
    raise error


def _error_type(status: JobStatus, records: Sequence[JobRecord]) -> type[Exception]:
    found: type[Exception] = divi_backends.JobFailedError
    if status is JobStatus.CANCELLED:
        found = divi_backends.JobCancelledError
    elif any(record.fault and record.fault.code is FaultCode.TIMEOUT for record in records):
        found = divi_backends.JobTimedOutError
    return found
