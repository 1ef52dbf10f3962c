"""The contract of a backend: submit a batch, get a handle, poll it, fetch its results, cancel it.

These names, parameters and defaults are a public interface that existing programs call; they do not
change. Only the standard library is imported here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from farshot.errors import ExecutionCancelledError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from threading import Event

__all__ = ["AsyncJobBackend", "ExecutionCancelledError", "ExecutionResult", "JobStatus", "Response"]


class JobStatus(StrEnum):
    """The status of a job. The last three are terminal and never change.

    >>> JobStatus("COMPLETED") is JobStatus.COMPLETED
    True
    >>> [status.name for status in JobStatus if status.is_terminal]
    ['COMPLETED', 'FAILED', 'CANCELLED']
    """

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def is_terminal(self) -> bool:
        """Return whether the job has ended."""
        return self in _TERMINAL


_TERMINAL = frozenset({JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED})


class Response(Protocol):
    """The answer of a backend: the part of an HTTP library's response object that callers use."""

    @property
    def status_code(self) -> int:
        """The HTTP status, also if no HTTP was involved."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The response headers."""

    @property
    def text(self) -> str:
        """The body as text."""

    def json(self) -> Any:  # noqa: ANN401 -- a JSON document has no narrower type
        """Return the body, decoded."""

    def raise_for_status(self) -> object:
        """Raise an error if `status_code` is 400 or more."""


@dataclass(frozen=True)
class ExecutionResult:
    """A handle of a job, or the results of a job.

    `results` is a list of entries `{"label": ..., "results": ..., "metadata": ...}` in submission order.
    Counts map a bitstring to an int: one character per declared classical bit, rightmost is bit 0 of
    the first register. `run_time` is in seconds.

    >>> handle = ExecutionResult(job_id="3f2a")
    >>> handle.is_async()
    True
    >>> done = handle.with_results([{"label": "bell", "results": {"00": 507, "11": 493}}])
    >>> done.job_id, done.is_async(), handle.results
    ('3f2a', False, None)
    """

    results: list[dict[str, Any]] | None = None
    job_id: str | None = None
    backend_jobs: int = 1
    run_time: float = 0.0

    @property
    def id(self) -> str | None:
        """The id of the job, under the name that a `Job` uses."""
        return self.job_id

    def is_async(self) -> bool:
        """Return whether this is a handle whose results have not been fetched."""
        return self.job_id is not None and self.results is None

    def with_results(self, results: list[dict[str, Any]], run_time: float | None = None) -> ExecutionResult:
        """Return a copy that carries `results`; this object stays as it is."""
        return replace(self, results=results, run_time=self.run_time if run_time is None else run_time)


@runtime_checkable
class AsyncJobBackend(Protocol):
    """A backend that runs circuits as an asynchronous job.

    `submit_circuits` returns a handle, `poll_job_status` the status of the job, `get_job_results` its results;
    `cancel_job` stops it. At run time `isinstance` checks only that the members exist:

    >>> isinstance(object(), AsyncJobBackend)
    False
    """

    @property
    def shots(self) -> int:
        """The number of measurement shots of each sampled circuit."""

    def submit_circuits(
        self,
        circuits: Mapping[str, str],
        *,
        cancellation_event: Event | None = None,
        **kwargs: Any,  # noqa: ANN401 -- the contract leaves the options to the backend
    ) -> ExecutionResult:
        """Submit a mapping of unique label to OpenQASM source; return a handle without results.

        Raises `ExecutionCancelledError` without submitting anything if `cancellation_event` is already set.
        """

    def poll_job_status(  # noqa: PLR0913 -- the contract fixes these parameters
        self,
        execution_result: ExecutionResult,
        loop_until_complete: bool = False,  # noqa: FBT001, FBT002 -- the contract fixes the position
        on_complete: Callable[[Response], None] | None = None,
        verbose: bool = True,  # noqa: FBT001, FBT002 -- the contract fixes the position
        progress_callback: Callable[[int, str], None] | None = None,
        cancellation_event: Event | None = None,
    ) -> JobStatus:
        """Return the most recent status; with `loop_until_complete`, wait for a terminal one.

        `progress_callback` is called with (attempt, status) for each status that is not terminal, `on_complete` with
        the final response. A `cancellation_event` that is set ends the wait with `ExecutionCancelledError`; it does
        not cancel the job.
        """

    def get_job_results(self, execution_result: ExecutionResult) -> ExecutionResult:
        """Return a new object with the results of a COMPLETED job."""

    def cancel_job(self, execution_result: ExecutionResult) -> Response:
        """Cancel the job. Idempotent; the answer for a job that has ended is 409, and nothing is raised."""
