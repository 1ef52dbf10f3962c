"""From what the store knows to what the API says."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from farshot.contract import JobStatus
from farshot.wire import FaultDocument, JobDocument, PartDocument, QuotaDocument, Remaining

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farshot.accounts import Quota
    from farshot.model import JobRecord, Usage
    from farshot.submission import PartReceipt

__all__ = ["job_document", "quota_document", "remaining"]

_NINE_OF_TEN = 1.645


def job_document(
    record: JobRecord,
    *,
    jobs_ahead: int | None = None,
    parts: Sequence[PartReceipt] | None = None,
    circuits_cancelled: int | None = None,
    now: datetime | None = None,
) -> JobDocument:
    """Return where a job stands; the estimate of what remains is made for the moment `now`."""
    return JobDocument(
        job_id=record.id,
        status=record.status,
        uploading=record.uploading,
        owner=record.owner,
        tag=record.tag,
        target=record.target,
        priority=record.priority,
        circuits=record.circuits,
        done=record.done,
        failed=record.failed,
        cancel_requested=record.cancel_requested,
        run_time=record.run_time,
        created_at=record.created_at,
        started_at=record.started_at,
        finished_at=record.finished_at,
        error=FaultDocument(record.fault.code.value, record.fault.message) if record.fault else None,
        cursor=str(record.changed),
        jobs_ahead=jobs_ahead,
        remaining=remaining(record, now) if now else None,
        parts=None if parts is None else [PartDocument(part.number, part.circuits) for part in parts],
        circuits_cancelled=circuits_cancelled,
    )


def remaining(record: JobRecord, now: datetime) -> Remaining | None:
    """Estimate what a running job still takes, from the circuits it has done since it started.

    The rate is taken for constant; its relative error for that of a count of the circuits done.

    """
    if record.status is not JobStatus.RUNNING or record.started_at is None or not record.done:
        return None
    elapsed = max(0.0, (now.astimezone(UTC) - record.started_at).total_seconds())
    seconds = elapsed * (record.circuits - record.done) / record.done
    spread = min(0.9, _NINE_OF_TEN / math.sqrt(record.done))
    return Remaining(seconds, seconds * (1 - spread), seconds / (1 - spread))


def quota_document(amounts: Quota | Usage) -> QuotaDocument:
    """Return amounts as the API says them."""
    return QuotaDocument(
        queued_circuits=amounts.queued_circuits,
        running_shards=amounts.running_shards,
        shots_per_day=amounts.shots_per_day,
        stored_bytes=amounts.stored_bytes,
    )
