"""`Job`: one job of a backend, for those who would rather not carry handles."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, Protocol

from farshot.contract import ExecutionResult

if TYPE_CHECKING:
    from collections.abc import Generator

    from farshot.contract import JobStatus, Response
    from farshot.model import JobRecord

__all__ = ["Job"]


class _Backend(Protocol):
    def record(self, job_id: str) -> JobRecord: ...
    def wait(
        self, job_id: str, *, timeout: float | None = None, cancellation_event: threading.Event | None = None
    ) -> JobStatus: ...
    def get_job_results(self, execution_result: ExecutionResult, *, partial: bool = False) -> ExecutionResult: ...
    def cancel_job(self, execution_result: ExecutionResult) -> Response: ...


class Job:
    """A job by its id. Nothing is cached: every property reads the store."""

    def __init__(self, backend: _Backend, job_id: str) -> None:
        """Name a job of `backend`."""
        self._backend = backend
        self._handle = ExecutionResult(job_id=job_id)
        self.id = job_id

    def __repr__(self) -> str:
        """Show the id."""
        return f"Job({self.id!r})"

    @property
    def record(self) -> JobRecord:
        """What the store knows of it."""
        return self._backend.record(self.id)

    @property
    def status(self) -> JobStatus:
        """Where it stands."""
        return self.record.status

    def wait(self, timeout: float | None = None) -> JobStatus:
        """Block until it has ended; raises `PollingTimeoutError` after `timeout` seconds. The job goes on then."""
        return self._backend.wait(self.id, timeout=timeout)

    def result(self, *, partial: bool = False) -> list[dict[str, Any]]:
        """Return its entries; as `get_job_results`."""
        return self._backend.get_job_results(self._handle, partial=partial).results or []

    def cancel(self) -> Response:
        """Cancel it; as `cancel_job`."""
        return self._backend.cancel_job(self._handle)

    def __await__(self) -> Generator[Any, None, list[dict[str, Any]]]:
        """Wait in another thread, then give its entries, those that failed too."""
        return self._finish().__await__()

    async def _finish(self) -> list[dict[str, Any]]:
        unwanted = threading.Event()
        waiting = asyncio.to_thread(self._backend.wait, self.id, cancellation_event=unwanted)
        try:
            await waiting
        finally:
            unwanted.set()
        return self.result(partial=True)
