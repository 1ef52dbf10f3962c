"""From what the store knows to what the API says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from farshot.backends.estimates import NO_OUTLOOK, outlook_of
from farshot.backends.job_inputs import job_options
from farshot.wire import (
    FaultDocument,
    ForecastDocument,
    JobDocument,
    OptionsDocument,
    PartDocument,
    QuotaDocument,
    Remaining,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farshot.accounts import Quota
    from farshot.backends.estimates import Outlook
    from farshot.model import JobProgress, JobRecord, Usage
    from farshot.protocols import JobStore
    from farshot.submission import PartReceipt


_SHORT = 16 * 2**10
"""Characters of observables, and ranges, that a document of a job may show beside the rest."""


def job_document(
    record: JobRecord,
    *,
    jobs_ahead: int | None = None,
    parts: Sequence[PartReceipt] | None = None,
    circuits_cancelled: int | None = None,
    effort: JobProgress | None = None,
) -> JobDocument:
    """Return where a job stands; what remains is estimated from its `effort`."""
    outlook = outlook_of(record, effort, datetime.now(UTC)) if effort else NO_OUTLOOK
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
        remaining=_remaining(outlook),
        running=[ForecastDocument(*msgspec.structs.astuple(each)) for each in outlook.running] if effort else None,
        parts=None if parts is None else [PartDocument(part.number, part.circuits) for part in parts],
        circuits_cancelled=circuits_cancelled,
    )


def options_document(jobs: JobStore, record: JobRecord) -> OptionsDocument:
    """Return the options of a job that was accepted."""
    options = job_options(jobs.spec(record.id), record)
    return OptionsDocument(**{**options, "seed": str(options["seed"])})


def shortened(document: OptionsDocument) -> OptionsDocument:
    """Return options without what is long."""
    ranges = (document.circuit_ham_map or ()), (document.shot_groups or ())
    if len(document.ham_ops or "") + sum(map(len, ranges)) <= _SHORT:
        return document
    return msgspec.structs.replace(document, ham_ops=None, circuit_ham_map=None, shot_groups=None, complete=False)


def _remaining(outlook: Outlook) -> Remaining | None:
    if outlook.seconds is None or outlook.low is None or outlook.high is None:
        return None
    return Remaining(outlook.seconds, outlook.low, outlook.high)


def quota_document(amounts: Quota | Usage) -> QuotaDocument:
    """Return amounts as the API says them."""
    return QuotaDocument(
        queued_circuits=amounts.queued_circuits,
        running_shards=amounts.running_shards,
        shots_per_day=amounts.shots_per_day,
        stored_bytes=amounts.stored_bytes,
    )
