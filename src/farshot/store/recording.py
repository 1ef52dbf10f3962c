"""Outcomes are written under the lease of their attempt, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import bindparam, update

from farshot.contract import JobStatus
from farshot.errors import FaultCode
from farshot.model import Fault
from farshot.protocols import Recorded
from farshot.states import JobEvent, ShardStatus, job_after, jobs_before
from farshot.store import statements as sql
from farshot.store.amounts import RESULT_BYTES, fits, why_not
from farshot.store.checksums import checksum
from farshot.store.rows import fence
from farshot.store.schema import jobs, shards
from farshot.store.turns import Charges, charge

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from farshot.accounts import Quota
    from farshot.model import Lease, Part
    from farshot.store.rows import AnyRow

__all__ = ["prolong", "record_parts", "release"]

_encode = msgspec.msgpack.Encoder().encode
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


def record_parts(
    connection: Connection, parts: Sequence[Part], at: float, charges: Charges, quota: Quota
) -> list[Recorded]:
    """Write each part whose lease holds, and the end of the jobs that they complete; owners are charged for them.

    A job whose results would be more than its owner may store ends with that fault instead.
    """
    owners = [_advance(connection, part, charges) for part in parts]
    held = [(owner, part) for owner, part in zip(owners, parts, strict=True) if owner is not None]
    exceeded = _exceeding(connection, held, at, quota)
    touched = {part.lease.job_id for part in parts if part.last}
    ended = {job for job in touched if connection.execute(sql.END_JOB, {"of_job": job, "at": at}).rowcount}
    ended.update(part.lease.job_id for part in exceeded)
    refused = set(map(id, exceeded))
    return [
        Recorded(part, owner is not None and id(part) not in refused, part.lease.job_id in ended)
        for owner, part in zip(owners, parts, strict=True)
    ]


def _advance(connection: Connection, part: Part, charges: Charges) -> str | None:
    """Move a shard on where the lease holds, and return whose it is; None where it does not."""
    values = fence(part.lease) | {"from_position": part.first, "count": part.size}
    advanced = connection.execute(sql.ADVANCE_SHARD[part.last], values).one_or_none()
    if advanced is None:
        return None
    _charge(connection, part, advanced, charges)
    return str(advanced.owner)


def _exceeding(connection: Connection, held: Sequence[tuple[str, Part]], at: float, quota: Quota) -> list[Part]:
    """Write the results, owner by owner; return the parts that were too large for theirs, whose jobs have ended."""
    exceeded: list[Part] = []
    for owner in sorted({owner for owner, _ in held}):
        parts = [part for each, part in held if each == owner]
        if fits(connection, owner, sum(map(_size, parts)), quota):
            _add_all(connection, parts)
        else:
            exceeded += _add_what_fits(connection, owner, parts, at, quota)
    return exceeded


def _add_what_fits(connection: Connection, owner: str, parts: Sequence[Part], at: float, quota: Quota) -> list[Part]:
    exceeded: dict[str, list[Part]] = {}
    for part in parts:
        job_id = part.lease.job_id
        if job_id not in exceeded and fits(connection, owner, _size(part), quota):
            _add_all(connection, [part])
            continue
        if job_id not in exceeded:
            why = f"{why_not(connection, owner, _size(part), quota)}; then submit anew what is missing"
            fault = _encode(Fault(FaultCode.ADMISSION, why))
            connection.execute(_EXCEED, {"of_job": job_id, "of_fault": fault, "at": at})
        _retreat(connection, part)
        exceeded.setdefault(job_id, []).append(part)
    for job_id in exceeded:
        connection.execute(sql.CANCEL_SHARDS, {"of_job": job_id})
    return [part for found in exceeded.values() for part in found]


def _retreat(connection: Connection, part: Part) -> None:
    """Undo that a shard was moved on."""
    shard = {"of_job": part.lease.job_id, "of_shard": part.lease.shard, "count": part.size}
    connection.execute(_RETREAT, shard)


def _add_all(connection: Connection, parts: Sequence[Part]) -> None:
    for part in parts:
        if part.size:
            _add_results(connection, part)


def _size(part: Part) -> int:
    return len(part.results) + RESULT_BYTES if part.size else 0


def _charge(connection: Connection, part: Part, advanced: AnyRow, charges: Charges) -> None:
    """Charge the owner of a shard what a part took longer than was charged before; at its end also less."""
    more = part.seconds - advanced.charged
    if part.last:
        charges.changes[advanced.owner] += more
        return
    charges.changes[advanced.owner] += max(0.0, more)
    connection.execute(sql.CHARGE_SHARD, fence(part.lease) | {"seconds": max(0.0, -more)})


def prolong(connection: Connection, lease: Lease, until: dict[str, object], seconds: float, charges: Charges) -> bool:
    """Let a lease last on and charge its owner for the `seconds` spent so far; say whether it still held."""
    held = connection.execute(sql.RENEW_SHARD, fence(lease) | until).one_or_none()
    if held is None:
        return False
    if seconds > held.charged:
        charges.changes[held.owner] += seconds - held.charged
        connection.execute(sql.CHARGE_SHARD, fence(lease) | {"seconds": seconds})
    return True


def release(connection: Connection, lease: Lease, blame: Mapping[str, object], seconds: float) -> bool:
    """Give a shard back on which so many seconds were spent; say whether the lease still held."""
    released = connection.execute(sql.RELEASE_SHARD, {**fence(lease), **blame}).one_or_none()
    if released is None:
        return False
    charges = Charges()
    charges.changes[released.owner] += seconds - released.charged
    charge(connection, charges)
    return True


def _add_results(connection: Connection, part: Part) -> None:
    job_id, shard, attempt = part.lease.job_id, part.lease.shard, part.lease.attempt
    connection.execute(
        sql.ADD_RESULTS,
        {
            "job_id": job_id,
            "first": part.first,
            "shard": shard,
            "attempt": attempt,
            "size": part.size,
            "results": part.results,
            "checksum": checksum(part.results, job_id, part.first, part.size, shard, attempt),
        },
    )
    connection.execute(
        sql.ADVANCE_JOB,
        {
            "of_job": job_id,
            "count": part.size,
            "faults": part.failed,
            "seconds": part.seconds,
            "size": _size(part),
        },
    )
