"""Adding jobs: a submission becomes a job once for each owner and key, and an upload when it is complete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from farshot.contract import JobStatus
from farshot.errors import KeyConflictError
from farshot.store import statements as sql
from farshot.store.encoding import checksum, encode
from farshot.store.errors import DATABASE_ERRORS
from farshot.store.rows import to_record
from farshot.store.usage import JOB_BYTES, SHARD_BYTES, AddedUsage, add_stored, check_usage, count_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from farshot.accounts import Quota
    from farshot.model import JobRecord
    from farshot.store.rows import AnyRow
    from farshot.submission import ShardCut, Submission


_MAX_ENCODED_BYTES = 2**22
"""Bytes of circuits that are encoded before they are written."""


class Payload(NamedTuple):
    """The circuits of one shard, before it is added: slot `slot` in part `part` of a job."""

    part: int
    slot: int
    cost: float
    """The guessed cost in seconds."""
    labels: Sequence[str]
    sources: Sequence[bytes]


def find_keyed(connection: Connection, owner: str, key: str) -> AnyRow | None:
    """Return the row of the job that `owner` made with `key`; None if there is none."""
    return connection.execute(sql.FIND_KEY, {"of_owner": owner, "of_key": key}).one_or_none()


def find_earlier(connection: Connection, owner: str, key: str, digest: bytes) -> JobRecord | None:
    """Return the job that `owner` made with `key`, if any; raises `KeyConflictError` if it has another body."""
    row = find_keyed(connection, owner, key)
    if row is None:
        return None
    if row.digest != digest:
        message = f"the key {key!r} was used for another batch (job {row.id}): choose another key"
        raise KeyConflictError(message)
    return to_record(row)


def put(connection: Connection, submission: Submission, at: float, quota: Quota) -> tuple[str, bool]:
    """Return the id of the submission's job, and whether it is new. Raises as `find_earlier`, and `QuotaError`."""
    batch = submission.batch
    found = find_earlier(connection, submission.owner, batch.key, batch.stamp)
    return (found.id, False) if found else (_add(connection, submission, at, quota), True)


def try_to_put(connection: Connection, submission: Submission, at: float, quota: Quota) -> tuple[str, bool] | Exception:
    """Do as `put`; if it is refused, undo it within this transaction and return the error."""
    savepoint = connection.begin_nested()
    try:
        done = put(connection, submission, at, quota)
    except DATABASE_ERRORS:
        raise
    except Exception as error:  # noqa: BLE001 -- whatever it is, its submitter gets it, and the others go on
        savepoint.rollback()
        return error
    savepoint.commit()
    return done


def _add(connection: Connection, submission: Submission, at: float, quota: Quota) -> str:
    """Write the job with all its shards and return its id; raises `QuotaError`. `quota` is every owner's default."""
    batch = submission.batch
    owner, circuits, shots = submission.owner, len(batch.labels), batch.spec.total_shots
    spec = encode(msgspec.structs.replace(batch.spec, template=None))
    template = None if batch.spec.template is None else encode(batch.spec.template)
    base = len(spec) + len(template or b"") + count_row_bytes(owner, batch.key, batch.tag)
    job_id = submission.job_id
    add_job(
        connection,
        job_id,
        owner=owner,
        key=batch.key,
        digest=batch.stamp,
        tag=batch.tag,
        target=batch.spec.target,
        priority=submission.priority,
        spec=spec,
        bytes=base,
        circuits=circuits,
        shots=shots,
        timeout=batch.spec.timeout,
        created_at=at,
    )
    add_part(connection, job_id, 0, digest=batch.stamp, circuits=circuits, template=template)
    payloads = (
        Payload(0, slot, cut.cost, batch.labels[cut.start : cut.end], batch.encoded(slice(cut.start, cut.end)))
        for slot, cut in enumerate(submission.shards)
    )
    size = add_payloads(connection, job_id, payloads)
    grow_job(connection, job_id, size)
    chosen = [(0, slot, cut) for slot, cut in enumerate(submission.shards)]
    add_shards(connection, job_id, owner, submission.priority, chosen)
    stored = add_stored(connection, owner, base + size, quota)
    check_usage(connection, owner, stored, at, AddedUsage(circuits=circuits, shots=shots, size=base + size))
    return job_id


def count_row_bytes(owner: str, key: str, tag: str | None) -> int:
    """Return the bytes of a job's row with its texts, which are written twice, since the indexes have them as well."""
    return JOB_BYTES + 2 * count_bytes(owner, key, tag)


def add_job(connection: Connection, job_id: str, *, spec: bytes, **columns: Any) -> None:  # noqa: ANN401 -- the columns of one row
    """Write the row of a new job."""
    own = {"id": job_id, "status": JobStatus.PENDING, "spec": spec, "checksum": checksum(spec, job_id)}
    connection.execute(sql.ADD_JOB, own | columns)


def add_part(  # noqa: PLR0913 -- the columns of one row
    connection: Connection,
    job_id: str,
    number: int,
    *,
    digest: bytes,
    circuits: int,
    marks: bytes = b"",
    options: bytes | None = None,
    template: bytes | None = None,
) -> None:
    """Write the row of a part of a job; `marks` are eight bytes for each of its labels."""
    columns = {"digest": digest, "circuits": circuits, "marks": marks, "options": options, "template": template}
    own = {"job_id": job_id, "number": number, "checksum": checksum(template or b"", job_id, number)}
    connection.execute(sql.ADD_PART, own | columns)


def add_payloads(connection: Connection, job_id: str, payloads: Iterable[Payload]) -> int:
    """Write the circuits of shards, some megabytes at a time; return how many bytes they are.

    One by one, thousands of shards would keep other writers waiting for seconds.
    """
    total, size = 0, 0
    rows: list[dict[str, Any]] = []
    for payload in payloads:
        if size > _MAX_ENCODED_BYTES:
            connection.execute(sql.ADD_PAYLOAD, rows)
            total, size, rows = total + size, 0, []
        rows.append(_to_row(job_id, payload))
        size += len(rows[-1]["labels"]) + len(rows[-1]["sources"]) + SHARD_BYTES
    connection.execute(sql.ADD_PAYLOAD, rows)
    return total + size


def _to_row(job_id: str, payload: Payload) -> dict[str, Any]:
    part, slot, cost, labels, sources = payload
    data = {"labels": encode(labels), "sources": encode(sources)}
    sums = {f"{name}_checksum": checksum(found, job_id, part, slot, len(labels)) for name, found in data.items()}
    return {"job_id": job_id, "part": part, "slot": slot, "size": len(labels), "cost": cost, **data, **sums}


def grow_job(connection: Connection, job_id: str, size: int) -> None:
    """Add `size` bytes to those of a job."""
    connection.execute(sql.GROW_JOB, {"of_job": job_id, "size": size})


def add_shards(
    connection: Connection, job_id: str, owner: str, priority: int, chosen: Sequence[tuple[int, int, ShardCut]]
) -> None:
    """Write the shards of a job for its payloads, given as (part, slot, cut) in order of position."""
    connection.execute(
        sql.ADD_SHARD,
        [
            {
                "job_id": job_id,
                "owner": owner,
                "rank": -priority,
                "cost": cut.cost,
                "number": number,
                "part": part,
                "slot": slot,
                "first": cut.start,
                "size": cut.end - cut.start,
                "status": "QUEUED",
                "checksum": checksum(b"", job_id, number, part, slot, cut.start, cut.end - cut.start),
            }
            for number, (part, slot, cut) in enumerate(chosen)
        ],
    )
