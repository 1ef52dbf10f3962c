"""`Job`: one job of a backend, for those who would rather not carry handles."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, Protocol

from farshot.backends.background import start
from farshot.contract import ExecutionResult

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Iterator

    from farshot.backends.estimates import Outlook
    from farshot.backends.job_inputs import JobCircuits
    from farshot.backends.results import JobResult
    from farshot.contract import JobStatus, Response
    from farshot.model import JobRecord


class JobBackend(Protocol):
    """What a job asks its backend; `farshot.backends.base` says more of each."""

    def record(self, job: str) -> JobRecord:
        """Return what is known of a job."""
        ...

    def outlook(self, job: str) -> Outlook:
        """Return how long a job still takes, and how it is run."""
        ...

    def wait(
        self, job: str, *, timeout: float | None = None, cancellation_event: threading.Event | None = None
    ) -> JobStatus:
        """Block until a job has ended."""
        ...

    def result(self, job: str, *, timeout: float | None = None, partial: bool = False) -> JobResult:
        """Block until a job has ended, and return its outcomes."""
        ...

    def partial(self, job: str) -> JobResult:
        """Return what outcomes there are by now."""
        ...

    def cancel_job(self, execution_result: ExecutionResult) -> Response:
        """Cancel a job."""
        ...

    def options(self, job: str) -> dict[str, Any]:
        """Return what a job was submitted with."""
        ...

    def circuits(self, job: str) -> JobCircuits:
        """Return the circuits of a job."""
        ...

    def delete(self, job: str) -> None:
        """Delete a job."""
        ...

    def stream(self, job: str, *, cancellation_event: threading.Event | None = None) -> Iterator[dict[str, Any]]:
        """Yield entries as circuits end."""
        ...

    def ended(
        self,
        jobs: Collection[str],
        *,
        timeout: float | None = None,
        cancellation_event: threading.Event | None = None,
    ) -> Iterator[str]:
        """Yield jobs as they end."""
        ...

    def reopened(self) -> Callable[[], JobBackend]:
        """Return what opens this backend in another process; raises `TypeError` where nothing can."""
        ...


class Job:
    """A job by its id. Nothing is cached: every property reads the store.

    A pickled job is its id and where its backend keeps it; a token is not among that. It is unpickled onto a backend
    that all such jobs of the process share.
    """

    def __init__(self, backend: JobBackend, job_id: str) -> None:
        """Name a job of `backend`."""
        self.backend = backend
        self.id = job_id

    def __repr__(self) -> str:
        """Show the id."""
        return f"Job({self.id!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the id and the place of the store or the service."""
        return _reopen, (self.backend.reopened(), self.id)

    @property
    def job_id(self) -> str:
        """Its id, as a handle has it."""
        return self.id

    @property
    def handle(self) -> ExecutionResult:
        """The handle that submitting it returned."""
        return ExecutionResult(job_id=self.id)

    @property
    def record(self) -> JobRecord:
        """What the store knows of it."""
        return self.backend.record(self.id)

    @property
    def status(self) -> JobStatus:
        """Where it stands."""
        return self.record.status

    @property
    def options(self) -> dict[str, Any]:
        """What it was submitted with, its own seed among it, as keywords of `submit_circuits`."""
        return self.backend.options(self.id)

    @property
    def outlook(self) -> Outlook:
        """How long it still takes, by which simulators and methods its circuits are run now, what comes before it."""
        return self.backend.outlook(self.id)

    def circuits(self) -> JobCircuits:
        """Return its circuits by label.

        `backend.run(job.circuits(), **job.options)` gives the same counts.
        """
        return self.backend.circuits(self.id)

    def wait(self, timeout: float | None = None, *, cancellation_event: threading.Event | None = None) -> JobStatus:
        """Block until it has ended; raises `PollingTimeoutError` after `timeout` seconds, and
        `ExecutionCancelledError` once the event is set. The job goes on then.

        In the main thread the first Ctrl-C cancels the job and raises `ExecutionCancelledError`.
        """
        return self.backend.wait(self.id, timeout=timeout, cancellation_event=cancellation_event)

    def result(self, timeout: float | None = None, *, partial: bool = False) -> JobResult:
        """Block until it has ended, as `wait`, and return its outcomes.

        Raises `JobNotCompletedError`, which carries the faults, where it did not end COMPLETED; with `partial` what
        there is is returned.
        """
        return self.backend.result(self.id, timeout=timeout, partial=partial)

    def partial(self) -> JobResult:
        """Return at once what outcomes there are, those of circuits that failed too."""
        return self.backend.partial(self.id)

    def stream(self, *, cancellation_event: threading.Event | None = None) -> Iterator[dict[str, Any]]:
        """Yield an entry for every circuit as soon as it has an outcome, in order of time, until the job has ended.

        A circuit that failed has an `error` in place of its `results`.
        """
        return self.backend.stream(self.id, cancellation_event=cancellation_event)

    def cancel(self) -> Response:
        """Cancel it; as `cancel_job`."""
        return self.backend.cancel_job(self.handle)

    def delete(self) -> None:
        """Delete it with its circuits and results; what runs of it is stopped."""
        self.backend.delete(self.id)

    def __await__(self) -> Generator[Any, None, JobResult]:
        """Wait in another thread, then give its outcomes, those of circuits that failed too."""
        return self._finish().__await__()

    async def _finish(self) -> JobResult:
        unwanted = threading.Event()
        finishing = start(lambda: self._wait_and_read(unwanted), name="farshot-await")
        try:
            return await asyncio.wrap_future(finishing)
        finally:
            unwanted.set()

    def _wait_and_read(self, unwanted: threading.Event) -> JobResult:
        self.wait(cancellation_event=unwanted)
        return self.partial()


def _reopen(opens: Callable[[], JobBackend], job_id: str) -> Job:
    return Job(opens(), job_id)
