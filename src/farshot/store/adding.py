"""A submission becomes a job, once for each owner and key."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import msgspec

from farshot.contract import JobStatus
from farshot.errors import KeyConflictError
from farshot.store import statements as sql
from farshot.store.rows import read_job, to_record

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from farshot.model import Batch, JobRecord, Submission

__all__ = ["add", "earlier"]

_encode = msgspec.msgpack.Encoder().encode


def earlier(connection: Connection, submission: Submission) -> JobRecord | None:
    """Return the job that this owner and key made before; raises `KeyConflictError` where it has another body."""
    batch = submission.batch
    row = connection.execute(sql.FIND_KEY, {"of_owner": submission.owner, "of_key": batch.key}).one_or_none()
    if row is None:
        return None
    if row.digest != batch.digest:
        message = f"the key {batch.key!r} was used for another batch (job {row.id}): choose another key"
        raise KeyConflictError(message)
    return to_record(row)


def add(connection: Connection, submission: Submission, at: float) -> JobRecord:
    """Write the job with all its shards."""
    batch = submission.batch
    job_id = uuid.uuid4().hex
    connection.execute(
        sql.ADD_JOB,
        {
            "id": job_id,
            "owner": submission.owner,
            "key": batch.key,
            "digest": batch.digest,
            "tag": batch.tag,
            "status": JobStatus.PENDING,
            "target": batch.spec.target,
            "spec": _encode(batch.spec),
            "circuits": len(batch.labels),
            "created_at": at,
            "timeout": batch.spec.timeout,
        },
    )
    for number, (first, end) in enumerate(submission.bounds):
        _add_shard(connection, batch, job_id, number, slice(first, end))
    return read_job(connection, job_id)


def _add_shard(connection: Connection, batch: Batch, job_id: str, number: int, span: slice) -> None:
    sources = [source.encode("utf-8", "surrogatepass") for source in batch.sources[span]]
    connection.execute(
        sql.ADD_SHARD,
        {"job_id": job_id, "number": number, "first": span.start, "size": len(sources), "status": "QUEUED"},
    )
    connection.execute(
        sql.ADD_PAYLOAD,
        {"job_id": job_id, "shard": number, "labels": _encode(batch.labels[span]), "sources": _encode(sources)},
    )
