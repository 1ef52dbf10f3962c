"""The service's documents of a job, converted to the client's own types, and its paths."""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from farshot.backends.estimates import Outlook
from farshot.errors import FaultCode, UnknownJobError
from farshot.model import Fault, Forecast, JobRecord
from farshot.protocols import StoredCircuits
from farshot.templates.template import check_parameters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farshot.wire import CircuitsDocument, FaultDocument, JobDocument, OptionsDocument


def record_of(document: JobDocument) -> JobRecord:
    """Return the record of a job; its `seq` is 0, because the document has none."""
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
        fault=_fault_in(document.error),
    )


def outlook_in(document: JobDocument) -> Outlook:
    """Return how long a job still takes, how it is run, and how many jobs come before it."""
    left = document.remaining
    running = tuple(Forecast(each.simulator, each.method, each.seconds) for each in document.running or ())
    if left is None:
        return Outlook(jobs_ahead=document.jobs_ahead, running=running)
    return Outlook(left.seconds, document.jobs_ahead, left.low, left.high, running)


def options_in(document: OptionsDocument) -> dict[str, Any]:
    """Return the options of a job as `submit_circuits` takes them."""
    members = msgspec.structs.asdict(document) | {"seed": int(document.seed), "complete": None}
    return {name: value for name, value in members.items() if value is not None}


def circuits_in(document: CircuitsDocument) -> StoredCircuits:
    """Return a page of circuits in the form of a store."""
    if document.template is None:
        texts = document.circuits or {}
        return StoredCircuits(document.first, tuple(texts), tuple(map(str.encode, texts.values())), None)
    rows = document.rows or {}
    template = check_parameters(document.template.source, document.template.parameters)
    return StoredCircuits(document.first, tuple(rows), tuple(map(_pack, rows.values())), template)


def _pack(row: Sequence[float | None]) -> bytes:
    return struct.pack(f"<{len(row)}d", *(math.nan if number is None else number for number in row))


def _fault_in(error: FaultDocument | None) -> Fault | None:
    if error is None:
        return None
    known = error.code in FaultCode.__members__.values()
    return Fault(FaultCode(error.code) if known else FaultCode.INTERNAL, error.message)


def job_path(job_id: str, *segments: str) -> str:
    """Return the path of a job; raises `UnknownJobError` for a text that cannot be an id.

    >>> job_path("a/b", "cancel")
    '/v1/jobs/a%2Fb/cancel'
    """
    if not job_id.strip("."):
        message = f"no job {job_id!r} in this service"
        raise UnknownJobError(message)
    return "/".join(["/v1/jobs", quote(job_id, safe="", errors="replace"), *segments])
