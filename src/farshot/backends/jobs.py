"""`Job`: one job of a backend."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

from farshot.backends.background import start
from farshot.contract import ExecutionResult

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from farshot.backends.base import Backend
    from farshot.backends.estimates import Outlook
    from farshot.backends.job_inputs import JobCircuits
    from farshot.backends.results import JobResult
    from farshot.contract import JobStatus, Response
    from farshot.model import JobRecord


class Job:
    """A job of a backend by its id. Nothing is cached: every property reads the store.

    A pickled job holds its id and the place of its store or service, without a token. Unpickled jobs of one place share
    one backend in a process.
    """

    def __init__(self, backend: Backend, job_id: str) -> None:
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
        """The id, under the name that it has in a handle."""
        return self.id

    @property
    def handle(self) -> ExecutionResult:
        """The handle that `submit_circuits` returned."""
        return ExecutionResult(job_id=self.id)

    @property
    def record(self) -> JobRecord:
        """The record of the job in the store."""
        return self.backend.record(self.id)

    @property
    def status(self) -> JobStatus:
        """The status of the job."""
        return self.record.status

    @property
    def options(self) -> dict[str, Any]:
        """The options of the job, its own seed included, as keywords of `submit_circuits`."""
        return self.backend.options(self.id)

    @property
    def outlook(self) -> Outlook:
        """The estimate of how long it still takes, how its circuits are run, and how many jobs come before it."""
        return self.backend.outlook(self.id)

    def circuits(self) -> JobCircuits:
        """Return the circuits by label.

        `backend.run(job.circuits(), **job.options)` gives the same counts.
        """
        return self.backend.circuits(self.id)

    def wait(self, timeout: float | None = None, *, cancellation_event: threading.Event | None = None) -> JobStatus:
        """Block until the job has ended; raises `PollingTimeoutError` after `timeout` seconds, and
        `ExecutionCancelledError` once the event is set. The job goes on then.

        In the main thread the first Ctrl-C cancels the job and raises `ExecutionCancelledError`.
        """
        return self.backend.wait(self.id, timeout=timeout, cancellation_event=cancellation_event)

    def result(self, timeout: float | None = None, *, partial: bool = False) -> JobResult:
        """Block until the job has ended, as `wait`, and return its outcomes.

        Raises `JobNotCompletedError`, which has the faults, if it did not end COMPLETED; with `partial` it returns the
        outcomes that there are instead.
        """
        return self.backend.result(self.id, timeout=timeout, partial=partial)

    def partial(self) -> JobResult:
        """Return the outcomes so far at once, those of circuits that failed too."""
        return self.backend.partial(self.id)

    def stream(self, *, cancellation_event: threading.Event | None = None) -> Iterator[dict[str, Any]]:
        """Yield an entry for every circuit as soon as it has an outcome, in order of time, until the job has ended.

        A circuit that failed has an `error` in place of its `results`.
        """
        return self.backend.stream(self.id, cancellation_event=cancellation_event)

    def cancel(self) -> Response:
        """Cancel the job, as `cancel_job` of the backend."""
        return self.backend.cancel_job(self.handle)

    def delete(self) -> None:
        """Delete the job with its circuits and results and stop its running circuits."""
        self.backend.delete(self.id)

    def __await__(self) -> Generator[Any, None, JobResult]:
        """Wait in another thread, then return the outcomes, those of circuits that failed too."""
        return self._finish().__await__()

    async def _finish(self) -> JobResult:
        stop = threading.Event()

        def finish() -> JobResult:
            self.wait(cancellation_event=stop)
            return self.partial()

        try:
            return await asyncio.wrap_future(start(finish, name="farshot-await"))
        finally:
            stop.set()


def _reopen(open_backend: Callable[[], Backend], job_id: str) -> Job:
    return Job(open_backend(), job_id)
