"""What the service says of a job, as the rest of the client knows jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from farshot.errors import FaultCode, UnknownJobError
from farshot.model import Fault, JobRecord

if TYPE_CHECKING:
    from farshot.wire import FaultDocument, JobDocument

__all__ = ["job_path", "record_of"]


def record_of(document: JobDocument) -> JobRecord:
    """Return the record of a job; its `seq` is not told and 0."""
    return JobRecord(
        seq=0,
        id=document.job_id,
        owner=document.owner,
        tag=document.tag,
        status=document.status,
        cancel_requested=document.cancel_requested,
        target=document.target,
        uploading=document.uploading,
        priority=document.priority,
        changed=int(document.cursor) if document.cursor.isdigit() else 0,
        circuits=document.circuits,
        done=document.done,
        failed=document.failed,
        run_time=document.run_time,
        created_at=document.created_at,
        started_at=document.started_at,
        finished_at=document.finished_at,
        fault=_fault(document.error),
    )


def _fault(error: FaultDocument | None) -> Fault | None:
    if error is None:
        return None
    known = error.code in FaultCode.__members__.values()
    return Fault(FaultCode(error.code) if known else FaultCode.INTERNAL, error.message)


def job_path(job_id: str, *more: str) -> str:
    """Return the path of a job; raises `UnknownJobError` for what cannot be an id.

    >>> job_path("a/b", "cancel")
    '/v1/jobs/a%2Fb/cancel'
    """
    if not job_id.strip("."):
        message = f"no job {job_id!r} in this service"
        raise UnknownJobError(message)
    return "/".join(["/v1/jobs", quote(job_id, safe="", errors="replace"), *more])
