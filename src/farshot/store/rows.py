"""Reading rows as values, and the values that fence a statement by a lease."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from farshot.contract import JobStatus
from farshot.errors import StoreCorruptError, UnknownJobError
from farshot.model import JobRecord, JobSpec
from farshot.store import statements as sql
from farshot.store.encoding import UNREADABLE, decode_fault, decode_spec, is_intact

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

    from farshot.model import Lease

    AnyRow: TypeAlias = Row[*tuple[Any, ...]]


def fence(lease: Lease) -> dict[str, object]:
    """Return the values that a statement matches to write under `lease`."""
    return {"of_job": lease.job_id, "of_shard": lease.shard, "of_attempt": lease.attempt, "of_holder": lease.holder}


def read_job(connection: Connection, job_id: str) -> JobRecord:
    """Return one job; raises `UnknownJobError`."""
    row = connection.execute(sql.READ_JOB, {"of_job": job_id}).one_or_none()
    if row is None:
        raise unknown_job_error(job_id)
    return to_record(row)


def read_spec(connection: Connection, job_id: str) -> JobSpec:
    """Return the specification of a job without its template; raises `UnknownJobError`, `StoreCorruptError`."""
    row = connection.execute(sql.READ_SPEC, {"of_job": job_id}).one_or_none()
    if row is None:
        raise unknown_job_error(job_id)
    with suppress(*UNREADABLE):
        if is_intact(row.checksum, row.spec, job_id):
            return decode_spec(row.spec)
    raise damaged_job_error(job_id)


def to_record(row: AnyRow) -> JobRecord:
    """Return `row` as a job."""
    return JobRecord(
        seq=row.seq,
        id=row.id,
        owner=row.owner,
        tag=row.tag,
        status=JobStatus(row.status),
        cancel_requested=bool(row.cancel_requested),
        target=row.target,
        uploading=bool(row.uploading),
        priority=row.priority,
        changed=row.changed,
        circuits=row.circuits,
        done=row.done,
        failed=row.failed,
        run_time=row.run_time,
        created_at=datetime.fromtimestamp(row.created_at, UTC),
        started_at=to_time(row.started_at),
        finished_at=to_time(row.finished_at),
        fault=row.fault and decode_fault(row.fault),
    )


def to_time(seconds: float | None) -> datetime | None:
    """Return `seconds` since 1970 as a time in UTC."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def unknown_job_error(job_id: str) -> UnknownJobError:
    """Return the error for an id that names no job."""
    return UnknownJobError(f"no job {job_id!r} in this store")


def damaged_job_error(job_id: str) -> StoreCorruptError:
    """Return the error for a job whose stored data is not as it was written."""
    return StoreCorruptError(f"what is stored of job {job_id} is damaged: restore a back-up, or submit it again")
