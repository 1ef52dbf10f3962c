"""`Job`: one job of a backend, for those who would rather not carry handles."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, Protocol

from farshot.backends.calls import start
from farshot.contract import ExecutionResult

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterator

    from farshot.contract import JobStatus, Response
    from farshot.model import JobRecord

__all__ = ["Job", "JobBackend"]


class JobBackend(Protocol):
    """What a job asks its backend; `farshot.backends.client` says more of each."""

    def record(self, job_id: str) -> JobRecord:
        """Return what is known of a job."""
        ...

    def wait(
        self, job_id: str, *, timeout: float | None = None, cancellation_event: threading.Event | None = None
    ) -> JobStatus:
        """Block until a job has ended."""
        ...

    def get_job_results(self, execution_result: ExecutionResult, *, partial: bool = False) -> ExecutionResult:
        """Return a new object with the results."""
        ...

    def cancel_job(self, execution_result: ExecutionResult) -> Response:
        """Cancel a job."""
        ...

    def stream(self, job_id: str, *, cancellation_event: threading.Event | None = None) -> Iterator[dict[str, Any]]:
        """Yield entries as circuits end."""
        ...

    def ended(
        self,
        job_ids: Collection[str],
        *,
        timeout: float | None = None,
        cancellation_event: threading.Event | None = None,
    ) -> Iterator[str]:
        """Yield jobs as they end."""
        ...


class Job:
    """A job by its id. Nothing is cached: every property reads the store."""

    def __init__(self, backend: JobBackend, job_id: str) -> None:
        """Name a job of `backend`."""
        self.backend = backend
        self._handle = ExecutionResult(job_id=job_id)
        self.id = job_id

    def __repr__(self) -> str:
        """Show the id."""
        return f"Job({self.id!r})"

    @property
    def record(self) -> JobRecord:
        """What the store knows of it."""
        return self.backend.record(self.id)

    @property
    def status(self) -> JobStatus:
        """Where it stands."""
        return self.record.status

    def wait(self, timeout: float | None = None, *, cancellation_event: threading.Event | None = None) -> JobStatus:
        """Block until it has ended; raises `PollingTimeoutError` after `timeout` seconds, and
        `ExecutionCancelledError` once the event is set. The job goes on then.
        """
        return self.backend.wait(self.id, timeout=timeout, cancellation_event=cancellation_event)

    def result(self, *, partial: bool = False) -> list[dict[str, Any]]:
        """Return its entries; as `get_job_results`."""
        return self.backend.get_job_results(self._handle, partial=partial).results or []

    def stream(self, *, cancellation_event: threading.Event | None = None) -> Iterator[dict[str, Any]]:
        """Yield an entry for every circuit as soon as it has an outcome, in order of time, until the job has ended.

        A circuit that failed has an `error` in place of its `results`.
        """
        return self.backend.stream(self.id, cancellation_event=cancellation_event)

    def cancel(self) -> Response:
        """Cancel it; as `cancel_job`."""
        return self.backend.cancel_job(self._handle)

    def __await__(self) -> Generator[Any, None, list[dict[str, Any]]]:
        """Wait in another thread, then give its entries, those that failed too."""
        return self._finish().__await__()

    async def _finish(self) -> list[dict[str, Any]]:
        unwanted = threading.Event()
        finishing = start(lambda: self._wait_and_read(unwanted), name="farshot-await")
        try:
            return await asyncio.wrap_future(finishing)
        finally:
            unwanted.set()

    def _wait_and_read(self, unwanted: threading.Event) -> list[dict[str, Any]]:
        self.wait(cancellation_event=unwanted)
        return self.result(partial=True)
