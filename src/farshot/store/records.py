"""Outcomes are written under the lease of their attempt, or not at all."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import bindparam, update

from farshot.contract import JobStatus
from farshot.errors import FaultCode
from farshot.model import Fault
from farshot.protocols import Recorded
from farshot.states import JobEvent, ShardStatus, final_status, job_after, jobs_before
from farshot.store import statements as sql
from farshot.store.checksums import checksum
from farshot.store.fair_queue import Charges, charge
from farshot.store.rows import fence
from farshot.store.schema import jobs, shards
from farshot.store.usage import RESULT_BYTES, fits, why_not

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from farshot.accounts import Quota
    from farshot.model import Lease, ResultSlice
    from farshot.store.rows import AnyRow


_encode = msgspec.msgpack.Encoder().encode
_ENDED = frozenset({final_status(0), final_status(1)})
_EXCEED = (
    update(jobs)
    .where(jobs.c.id == bindparam("of_job"), jobs.c.status.in_(sorted(jobs_before(JobEvent.EXCEED))))
    .values(
        status=job_after(JobStatus.RUNNING, JobEvent.EXCEED), fault=bindparam("of_fault"), finished_at=bindparam("at")
    )
)
_RETREAT = (
    update(shards)
    .where(shards.c.job_id == bindparam("of_job"), shards.c.number == bindparam("of_shard"))
    .values(
        status=ShardStatus.CANCELLED,
        done=shards.c.done - bindparam("count"),
        holder=None,
        lease_until=None,
        lease_boot=None,
    )
)


@dataclass(frozen=True, slots=True)
class _Exceeded:
    """A job that ends with a fault: these parts of it are more than its owner may store."""

    job_id: str
    fault: Fault
    parts: list[ResultSlice] = field(default_factory=list)


def record_parts(
    connection: Connection, parts: Sequence[ResultSlice], at: float, charges: Charges, quota: Quota
) -> list[Recorded]:
    """Write each part whose lease holds, and the end of the jobs that they complete; owners are charged for them.

    A job whose results would be more than its owner may store ends with that fault instead.
    """
    owners = [_advance(connection, part, charges) for part in parts]
    held = [(owner, part) for owner, part in zip(owners, parts, strict=True) if owner is not None]
    exceeded = _add_results(connection, held, quota)
    refused = {id(part) for each in exceeded for part in each.parts}
    ended = _advance_jobs(connection, [part for _, part in held if id(part) not in refused], at)
    for each in exceeded:
        _end_exceeded(connection, each, at)
    ended.update(each.job_id for each in exceeded)
    return [
        Recorded(part, owner is not None and id(part) not in refused, part.lease.job_id in ended)
        for owner, part in zip(owners, parts, strict=True)
    ]


def _advance(connection: Connection, part: ResultSlice, charges: Charges) -> str | None:
    """Move a shard on where the lease holds, and return whose it is; None where it does not."""
    values = fence(part.lease) | {"from_position": part.first, "count": part.size, "seconds": part.seconds}
    advanced = connection.execute(sql.ADVANCE_SHARD[part.last], values).one_or_none()
    if advanced is None:
        return None
    before = max(0.0, advanced.charged + part.seconds)
    more = part.seconds - before
    charges.changes[advanced.owner] += more if part.last else max(0.0, more)
    return str(advanced.owner)


def _add_results(connection: Connection, held: Sequence[tuple[str, ResultSlice]], quota: Quota) -> list[_Exceeded]:
    """Write the results, owner by owner; return the jobs whose results are too large for theirs."""
    exceeded: list[_Exceeded] = []
    for owner in sorted({owner for owner, _ in held}):
        parts = [part for each, part in held if each == owner]
        if fits(connection, owner, sum(map(_size, parts)), quota):
            _add_all(connection, parts)
        else:
            exceeded += _add_what_fits(connection, owner, parts, quota)
    return exceeded


def _add_what_fits(connection: Connection, owner: str, parts: Sequence[ResultSlice], quota: Quota) -> list[_Exceeded]:
    exceeded: dict[str, _Exceeded] = {}
    for part in parts:
        job_id = part.lease.job_id
        if job_id not in exceeded and fits(connection, owner, _size(part), quota):
            _add_all(connection, [part])
            continue
        if job_id not in exceeded:
            why = f"{why_not(connection, owner, _size(part), quota)}; then submit anew what is missing"
            exceeded[job_id] = _Exceeded(job_id, Fault(FaultCode.ADMISSION, why))
        exceeded[job_id].parts.append(part)
    return list(exceeded.values())


def _end_exceeded(connection: Connection, exceeded: _Exceeded, at: float) -> None:
    """End a job with its fault, and undo that its shards were moved on by what is not written."""
    connection.execute(_EXCEED, {"of_job": exceeded.job_id, "of_fault": _encode(exceeded.fault), "at": at})
    for part in exceeded.parts:
        connection.execute(_RETREAT, {"of_job": exceeded.job_id, "of_shard": part.lease.shard, "count": part.size})
    connection.execute(sql.CANCEL_SHARDS, {"of_job": exceeded.job_id})


def _add_all(connection: Connection, parts: Sequence[ResultSlice]) -> None:
    written = [_written(part) for part in parts if part.size]
    if written:
        connection.execute(sql.ADD_RESULTS, written)


def _size(part: ResultSlice) -> int:
    return len(part.results) + RESULT_BYTES if part.size else 0


def prolong(connection: Connection, lease: Lease, changed: dict[str, object], seconds: float, charges: Charges) -> bool:
    """Let a lease last on with what is `changed`, and charge its owner for the `seconds` spent so far; say whether it
    still held.
    """
    held = connection.execute(sql.RENEW_SHARD, fence(lease) | changed).one_or_none()
    if held is None:
        return False
    charged = max(0.0, held.charged)
    if seconds > charged:
        charges.changes[held.owner] += seconds - charged
        connection.execute(sql.CHARGE_SHARD, fence(lease) | {"seconds": seconds})
    return True


def release(connection: Connection, lease: Lease, blame: Mapping[str, object], seconds: float) -> bool:
    """Give a shard back on which so many seconds were spent; say whether the lease still held."""
    return _freed(connection, connection.execute(sql.RELEASE_SHARD, {**fence(lease), **blame}).one_or_none(), seconds)


def give_back(connection: Connection, lease: Lease, seconds: float) -> bool:
    """Give a shard back as if this attempt had not been, but for its seconds; say whether the lease still held."""
    released = connection.execute(sql.GIVE_BACK_SHARD, fence(lease)).one_or_none()
    if released is not None:
        connection.execute(sql.UNCOUNT_ATTEMPT, fence(lease))
    return _freed(connection, released, seconds)


def _freed(connection: Connection, released: AnyRow | None, seconds: float) -> bool:
    """Charge the owner of a shard that was given back; say whether it was."""
    if released is None:
        return False
    charges = Charges()
    charges.changes[released.owner] += seconds - max(0.0, released.charged)
    charge(connection, charges)
    return True


def _written(part: ResultSlice) -> dict[str, object]:
    job_id, shard, attempt = part.lease.job_id, part.lease.shard, part.lease.attempt
    return {
        "job_id": job_id,
        "first": part.first,
        "shard": shard,
        "attempt": attempt,
        "size": part.size,
        "results": part.results,
        "checksum": checksum(part.results, job_id, part.first, part.size, shard, attempt),
    }


def _advance_jobs(connection: Connection, parts: Sequence[ResultSlice], at: float) -> set[str]:
    """Count what was written for its jobs; return those that are ended by it."""
    of_jobs: defaultdict[str, list[ResultSlice]] = defaultdict(list)
    for part in parts:
        of_jobs[part.lease.job_id].append(part)
    return {job_id for job_id in sorted(of_jobs) if _advance_job(connection, job_id, of_jobs[job_id], at)}


def _advance_job(connection: Connection, job_id: str, parts: Sequence[ResultSlice], at: float) -> bool:
    counted = {
        "of_job": job_id,
        "count": sum(part.size for part in parts),
        "faults": sum(part.failed for part in parts),
        "seconds": sum(part.seconds for part in parts),
        "size": sum(map(_size, parts)),
        "at": at,
    }
    return connection.execute(sql.ADVANCE_JOB, counted).scalar() in _ENDED
