"""A submission becomes a job, once for each owner and key; an upload becomes one when it is whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from farshot.contract import JobStatus
from farshot.errors import KeyConflictError
from farshot.store import statements as sql
from farshot.store.checksums import checksum
from farshot.store.errors import UNUSABLE
from farshot.store.rows import to_record
from farshot.store.usage import JOB_BYTES, SHARD_BYTES, AddedUsage, check_held, hold, length_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from farshot.accounts import Quota
    from farshot.model import JobRecord
    from farshot.submission import Batch, ShardCut, Submission


_AT_ONCE = 2**22
"""Bytes of circuits that are encoded before they are written."""
_encode = msgspec.msgpack.Encoder().encode


class Payload(NamedTuple):
    """The circuits of a shard to be: of slot `slot` in part `part` of a job, guessed to take `cost` seconds."""

    part: int
    slot: int
    cost: float
    labels: Sequence[str]
    sources: Sequence[bytes]


def earlier(connection: Connection, owner: str, key: str, digest: bytes) -> JobRecord | None:
    """Return the job that this owner and key made before; raises `KeyConflictError` where it has another body."""
    row = connection.execute(sql.FIND_KEY, {"of_owner": owner, "of_key": key}).one_or_none()
    if row is None:
        return None
    if row.digest != digest:
        message = f"the key {key!r} was used for another batch (job {row.id}): choose another key"
        raise KeyConflictError(message)
    return to_record(row)


def put(connection: Connection, submission: Submission, at: float, quota: Quota) -> tuple[str, bool]:
    """Return the id of the job of this owner and key, and whether it is new. Raises as `earlier`, and `QuotaError`."""
    batch = submission.batch
    found = earlier(connection, submission.owner, batch.key, batch.stamp)
    return (found.id, False) if found else (_add(connection, submission, at, quota), True)


def put_apart(connection: Connection, submission: Submission, at: float, quota: Quota) -> tuple[str, bool] | Exception:
    """Do as `put`; where that is refused, undo it in this transaction and return the error."""
    apart = connection.begin_nested()
    try:
        done = put(connection, submission, at, quota)
    except UNUSABLE:
        raise
    except Exception as error:  # noqa: BLE001 -- whatever it is, whoever submits gets it, and the others go on
        apart.rollback()
        return error
    apart.commit()
    return done


def _add(connection: Connection, submission: Submission, at: float, quota: Quota) -> str:
    """Write the job with all its shards and return its id; raises `QuotaError`, and `quota` is what everybody has."""
    batch = submission.batch
    spec = _encode(msgspec.structs.replace(batch.spec, template=None))
    template = None if batch.spec.template is None else _encode(batch.spec.template)
    base = len(spec) + len(template or b"") + row_size(submission.owner, batch.key, batch.tag)
    job_id = submission.job_id
    add_job(
        connection,
        job_id,
        owner=submission.owner,
        key=batch.key,
        digest=batch.stamp,
        tag=batch.tag,
        target=batch.spec.target,
        priority=submission.priority,
        spec=spec,
        bytes=base,
        circuits=len(batch.labels),
        shots=batch.spec.total_shots,
        timeout=batch.spec.timeout,
        created_at=at,
    )
    add_part(connection, job_id, 0, digest=batch.stamp, circuits=len(batch.labels), template=template)
    chosen = [(0, slot, cut) for slot, cut in enumerate(submission.shards)]
    size = add_payloads(connection, job_id, (_payload(batch, *each) for each in chosen))
    grow_job(connection, job_id, size)
    add_shards(connection, job_id, submission.owner, submission.priority, chosen)
    held = hold(connection, submission.owner, base + size, quota)
    added = AddedUsage(circuits=len(batch.labels), shots=batch.spec.total_shots, size=base + size)
    check_held(connection, submission.owner, held, at, added)
    return job_id


def row_size(owner: str, key: str, tag: str | None) -> int:
    """Return what the row of a job takes with its texts, which are written twice: what is kept to find it has them."""
    return JOB_BYTES + 2 * length_of(owner, key, tag)


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
    """Write that a part of a job has arrived; `marks` are eight bytes for each of its labels."""
    columns = {"digest": digest, "circuits": circuits, "marks": marks, "options": options, "template": template}
    sum_of_it = checksum(template or b"", job_id, number)
    connection.execute(sql.ADD_PART, {"job_id": job_id, "number": number, "checksum": sum_of_it, **columns})


def add_payloads(connection: Connection, job_id: str, payloads: Iterable[Payload]) -> int:
    """Write the circuits of shards to be, some megabytes at a time; return how many bytes they are.

    One by one, thousands of shards would keep other writers waiting for seconds.
    """
    total, size = 0, 0
    rows: list[dict[str, Any]] = []
    for payload in payloads:
        if size > _AT_ONCE:
            connection.execute(sql.ADD_PAYLOAD, rows)
            total, size, rows = total + size, 0, []
        rows.append(_row(job_id, payload))
        size += len(rows[-1]["labels"]) + len(rows[-1]["sources"]) + SHARD_BYTES
    connection.execute(sql.ADD_PAYLOAD, rows)
    return total + size


def _payload(batch: Batch, part: int, slot: int, cut: ShardCut) -> Payload:
    span = slice(cut.start, cut.end)
    return Payload(part, slot, cut.cost, batch.labels[span], batch.encoded(span))


def _row(job_id: str, payload: Payload) -> dict[str, Any]:
    part, slot, cost, labels, sources = payload
    data = {"labels": _encode(labels), "sources": _encode(sources)}
    sums = {f"{name}_checksum": checksum(found, job_id, part, slot, len(labels)) for name, found in data.items()}
    return {"job_id": job_id, "part": part, "slot": slot, "size": len(labels), "cost": cost, **data, **sums}


def grow_job(connection: Connection, job_id: str, size: int) -> None:
    """Count the bytes that a job has got."""
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
