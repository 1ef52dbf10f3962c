"""Recording outcomes under the lease of their attempt, and ending jobs early as FAILED with their recorded results."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from farshot.errors import FaultCode
from farshot.model import Fault
from farshot.protocols import Recorded
from farshot.states import final_status
from farshot.store import statements as sql
from farshot.store.encoding import checksum, encode
from farshot.store.fair_queue import Charges, apply_charges
from farshot.store.rows import fence
from farshot.store.usage import RESULT_BYTES, add_if_allowed, explain_refusal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection, Update

    from farshot.accounts import Quota
    from farshot.model import Lease, ResultSlice
    from farshot.store.clock import Moment
    from farshot.store.rows import AnyRow


_FINAL = frozenset({final_status(0), final_status(1)})


@dataclass(frozen=True, slots=True)
class _Excess:
    """A job that ends with a fault, and the parts of it that are more than its owner may store."""

    job_id: str
    fault: Fault
    parts: list[ResultSlice] = field(default_factory=list)


def record_parts(
    connection: Connection, parts: Sequence[ResultSlice], at: float, charges: Charges, quota: Quota
) -> list[Recorded]:
    """Write each part whose lease holds, and the end of the jobs that they complete; charge their owners.

    A job whose results would be more than its owner may store ends with that fault instead.
    """
    owners = [_advance_shard(connection, part, charges) for part in parts]
    held = [(owner, part) for owner, part in zip(owners, parts, strict=True) if owner is not None]
    excesses = _add_results(connection, held, quota)
    refused = {id(part) for each in excesses for part in each.parts}
    ended = _advance_jobs(connection, [part for _, part in held if id(part) not in refused], at)
    for each in excesses:
        _end_with_excess(connection, each, at)
    ended.update(each.job_id for each in excesses)
    return [
        Recorded(part, owner is not None and id(part) not in refused, part.lease.job_id in ended)
        for owner, part in zip(owners, parts, strict=True)
    ]


def _advance_shard(connection: Connection, part: ResultSlice, charges: Charges) -> str | None:
    """Move a shard on if the lease holds, and return its owner; None if it does not."""
    values = fence(part.lease) | {"from_position": part.first, "count": part.size, "seconds": part.seconds}
    statement = sql.FINISH_SHARD if part.last else sql.ADVANCE_SHARD
    advanced = connection.execute(statement, values).one_or_none()
    if advanced is None:
        return None
    before = max(0.0, advanced.charged + part.seconds)
    more = part.seconds - before
    charges.changes[advanced.owner] += more if part.last else max(0.0, more)
    return str(advanced.owner)


def _add_results(connection: Connection, held: Sequence[tuple[str, ResultSlice]], quota: Quota) -> list[_Excess]:
    """Write the results, owner by owner; return the jobs whose results their owner may not store."""
    excesses: list[_Excess] = []
    for owner in sorted({owner for owner, _ in held}):
        parts = [part for each, part in held if each == owner]
        if add_if_allowed(connection, owner, sum(map(_count_bytes, parts)), quota):
            _write(connection, parts)
        else:
            excesses += _add_allowed(connection, owner, parts, quota)
    return excesses


def _add_allowed(connection: Connection, owner: str, parts: Sequence[ResultSlice], quota: Quota) -> list[_Excess]:
    """Write the results one by one as long as their owner may store them; return the jobs of the others."""
    excesses: dict[str, _Excess] = {}
    for part in parts:
        job_id, size = part.lease.job_id, _count_bytes(part)
        if job_id not in excesses and add_if_allowed(connection, owner, size, quota):
            _write(connection, [part])
            continue
        if job_id not in excesses:
            reason = f"{explain_refusal(connection, owner, size, quota)}; then submit anew what is missing"
            excesses[job_id] = _Excess(job_id, Fault(FaultCode.ADMISSION, reason))
        excesses[job_id].parts.append(part)
    return list(excesses.values())


def _end_with_excess(connection: Connection, excess: _Excess, at: float) -> None:
    """End a job with its fault, and move its shards back by the parts that are not written."""
    of_job = {"of_job": excess.job_id}
    connection.execute(sql.EXCEED_JOB, of_job | {"of_fault": encode(excess.fault), "at": at})
    for part in excess.parts:
        connection.execute(sql.RETREAT_SHARD, of_job | {"of_shard": part.lease.shard, "count": part.size})
    connection.execute(sql.CANCEL_SHARDS, of_job)


def _write(connection: Connection, parts: Sequence[ResultSlice]) -> None:
    rows = [_to_row(part) for part in parts if part.size]
    if rows:
        connection.execute(sql.ADD_RESULTS, rows)


def _to_row(part: ResultSlice) -> dict[str, object]:
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


def _count_bytes(part: ResultSlice) -> int:
    return len(part.results) + RESULT_BYTES if part.size else 0


def prolong_lease(
    connection: Connection, lease: Lease, changes: dict[str, object], seconds: float, charges: Charges
) -> bool:
    """Prolong a lease with the `changes` of its row, and charge its owner for the `seconds` spent so far; return
    whether it still held.
    """
    held = connection.execute(sql.RENEW_SHARD, fence(lease) | changes).one_or_none()
    if held is None:
        return False
    charged = max(0.0, held.charged)
    if seconds > charged:
        charges.changes[held.owner] += seconds - charged
        connection.execute(sql.CHARGE_SHARD, fence(lease) | {"seconds": seconds})
    return True


def release_shard(connection: Connection, lease: Lease, blame: Mapping[str, object], seconds: float) -> bool:
    """Give a shard back after `seconds`; return whether the lease still held."""
    released = connection.execute(sql.RELEASE_SHARD, {**fence(lease), **blame}).one_or_none()
    return _charge_released(connection, released, seconds)


def give_shard_back(connection: Connection, lease: Lease, seconds: float) -> bool:
    """Give a shard back after `seconds` without counting the attempt; return whether the lease still held."""
    released = connection.execute(sql.GIVE_BACK_SHARD, fence(lease)).one_or_none()
    if released is not None:
        connection.execute(sql.UNCOUNT_ATTEMPT, fence(lease))
    return _charge_released(connection, released, seconds)


def _charge_released(connection: Connection, released: AnyRow | None, seconds: float) -> bool:
    """Charge the owner of the shard `released`; return whether there is one."""
    if released is None:
        return False
    charges = Charges()
    charges.changes[released.owner] += seconds - max(0.0, released.charged)
    apply_charges(connection, charges)
    return True


def _advance_jobs(connection: Connection, parts: Sequence[ResultSlice], at: float) -> set[str]:
    """Count the written parts for their jobs; return the jobs that end with them."""
    parts_of: defaultdict[str, list[ResultSlice]] = defaultdict(list)
    for part in parts:
        parts_of[part.lease.job_id].append(part)
    return {job_id for job_id in sorted(parts_of) if _advance_job(connection, job_id, parts_of[job_id], at)}


def _advance_job(connection: Connection, job_id: str, parts: Sequence[ResultSlice], at: float) -> bool:
    values = {
        "of_job": job_id,
        "count": sum(part.size for part in parts),
        "faults": sum(part.failed for part in parts),
        "seconds": sum(part.seconds for part in parts),
        "size": sum(map(_count_bytes, parts)),
        "at": at,
    }
    return connection.execute(sql.ADVANCE_JOB, values).scalar() in _FINAL


def find_overdue(connection: Connection, now: Moment) -> dict[str, float]:
    """Return the running jobs that are out of time, each with its timeout in seconds."""
    found = connection.execute(sql.FIND_EXPIRED_JOBS, {"now": now.now, "boot": now.boot})
    return {row.id: row.timeout for row in found}


def end_open(connection: Connection, job_id: str, fault: Fault, now: Moment) -> bool:
    """End an open job and its leases for the reason `fault`; return whether it was open."""
    return _end(connection, sql.SET_JOB_ASIDE, job_id, fault, {"at": now.wall})


def end_overdue(connection: Connection, job_id: str, timeout: float, now: Moment) -> bool:
    """End one overdue job and its leases; return whether it was still running."""
    fault = Fault(FaultCode.TIMEOUT, f"the job took longer than its limit of {timeout:g} s: allow it more, or split it")
    return _end(connection, sql.EXPIRE_JOB, job_id, fault, {"now": now.now, "boot": now.boot, "at": now.wall})


def _end(connection: Connection, statement: Update, job_id: str, fault: Fault, times: dict[str, object]) -> bool:
    ended = connection.execute(statement, {"of_job": job_id, "of_fault": encode(fault), **times})
    if ended.rowcount:
        connection.execute(sql.CANCEL_SHARDS, {"of_job": job_id})
    return bool(ended.rowcount)


def end_damaged(connection: Connection, job_id: str, now: Moment) -> None:
    """End a running job and its leases: its circuits are not what was submitted."""
    fault = Fault(FaultCode.INTERNAL, "what is stored of the job is damaged: restore a back-up, or submit it again")
    connection.execute(sql.FAIL_JOB, {"of_job": job_id, "of_fault": encode(fault), "at": now.wall})
    connection.execute(sql.CANCEL_SHARDS, {"of_job": job_id})
