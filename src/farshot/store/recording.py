"""Outcomes are written under the lease of their attempt, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farshot.protocols import Recorded
from farshot.store import statements as sql
from farshot.store.checksums import checksum
from farshot.store.rows import fence
from farshot.store.turns import Charges, charge

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from farshot.model import Lease, Part
    from farshot.store.rows import AnyRow

__all__ = ["prolong", "record_parts", "release"]


def record_parts(connection: Connection, parts: Sequence[Part], at: float, charges: Charges) -> list[Recorded]:
    """Write each part whose lease holds, and the end of the jobs that they complete; owners are charged for them."""
    accepted = [_record_part(connection, part, charges) for part in parts]
    touched = {part.lease.job_id for part in parts if part.last}
    ended = {job for job in touched if connection.execute(sql.END_JOB, {"of_job": job, "at": at}).rowcount}
    return [Recorded(part, taken, part.lease.job_id in ended) for part, taken in zip(parts, accepted, strict=True)]


def _record_part(connection: Connection, part: Part, charges: Charges) -> bool:
    values = fence(part.lease) | {"from_position": part.first, "count": part.size}
    advanced = connection.execute(sql.ADVANCE_SHARD[part.last], values).one_or_none()
    if advanced is None:
        return False
    _charge(connection, part, advanced, charges)
    if part.size:
        _add_results(connection, part)
    return True


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
            "size": len(part.results),
        },
    )
