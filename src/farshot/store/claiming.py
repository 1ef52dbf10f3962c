"""Open shards are leased in the order of their turns, to no owner more than it may have at a time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from farshot.model import Lease
from farshot.store import statements as sql
from farshot.store.changes import mark
from farshot.store.expiry import end_damaged
from farshot.store.rows import fence
from farshot.store.schema import shards
from farshot.store.work import read_shard

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from farshot.model import Shard
    from farshot.store.clock import Moment
    from farshot.store.rows import AnyRow

__all__ = ["Claim", "claim", "has_open", "jobs_to_lock"]


@dataclass(frozen=True, slots=True)
class Claim:
    """`holder` asks for up to `limit` shards for `lease_seconds`; an owner runs at most `running_limit` at a time,
    unless the store says otherwise of that owner. None: as many as there are.
    """

    holder: str
    limit: int
    lease_seconds: float
    running_limit: int | None = None


@dataclass(slots=True)
class _Rooms:
    """How many shards each owner may run at a time, and runs; who may run no more is `full`."""

    otherwise: int | None
    limits: dict[str, int]
    running: Counter[str] = field(default_factory=Counter)
    full: set[str] = field(default_factory=set)

    @property
    def is_limited(self) -> bool:
        """Whether anybody's number is limited."""
        return self.otherwise is not None or bool(self.limits)

    def take(self, owner: str) -> bool:
        """Count one more shard of `owner`, if it may run one more."""
        limit = self.limits.get(owner, self.otherwise)
        if limit is not None and self.running[owner] >= limit:
            self.full.add(owner)
            return False
        self.running[owner] += 1
        return True


def has_open(connection: Connection, wanted: Claim, now: Moment) -> bool:
    """Whether a claim would find anything."""
    return bool(_jobs_with_open(connection, _rooms(connection, wanted, now), now, most=1))


def jobs_to_lock(connection: Connection, wanted: Claim, ending: Sequence[str], now: Moment) -> set[str]:
    """Return the jobs of the shards that may be claimed once a shard of each of the jobs `ending` has ended.

    Where numbers are limited, one claims at a time.
    """
    if wanted.limit <= 0:
        return set()
    if _limits(connection, wanted).is_limited:
        connection.execute(sql.LOCK_LIMITS)
    rooms = _rooms(connection, wanted, now)
    if rooms.is_limited:
        rooms.running.subtract(_owners(connection, ending))
    return _jobs_with_open(connection, rooms, now, wanted.limit + len(ending))


def _owners(connection: Connection, job_ids: Sequence[str]) -> list[str]:
    """Return the owners of jobs; of those that were deleted, none."""
    owners = {row.id: row.owner for row in connection.execute(sql.LIST_OWNERS, {"of_jobs": job_ids})}
    return [owners[job_id] for job_id in job_ids if job_id in owners]


def claim(
    connection: Connection, wanted: Claim, locked: Iterable[str] | None, now: Moment
) -> tuple[list[Shard], float]:
    """Lease what is open; of the jobs that are `locked` only, where those are given. Return it and its highest turn."""
    statement = sql.FIND_OPEN_SHARDS if locked is None else sql.FIND_OPEN_SHARDS.where(shards.c.job_id.in_(locked))
    rooms = _rooms(connection, wanted, now) if wanted.limit > 0 else _Rooms(None, {})
    claimed: list[Shard] = []
    served = 0.0
    while left := max(0, wanted.limit - len(claimed)):
        found = connection.execute(statement, _search(rooms, now, left)).all()
        chosen = [row for row in found if rooms.take(row.owner)]
        claimed += _lease_all(connection, chosen, wanted, now)
        served = max([served, *(row.turn for row in chosen)])
        if len(chosen) == len(found):
            break
    return claimed, served


def _limits(connection: Connection, wanted: Claim) -> _Rooms:
    found = connection.execute(sql.LIST_LIMITS)
    return _Rooms(wanted.running_limit, {row.name: row.running_shards for row in found})


def _rooms(connection: Connection, wanted: Claim, now: Moment) -> _Rooms:
    """Return what each owner may run and runs; a lapsed lease counts for nothing, so that it can be taken over."""
    rooms = _limits(connection, wanted)
    if rooms.is_limited:
        found = connection.execute(sql.LIST_RUNNING, {"now": now.now, "boot": now.boot})
        rooms.running.update({row.owner: row.running for row in found})
    return rooms


def _jobs_with_open(connection: Connection, rooms: _Rooms, now: Moment, most: int) -> set[str]:
    """Return the jobs of the first `most` shards that may be claimed, or a few more."""
    jobs: set[str] = set()
    while True:
        found = connection.execute(sql.FIND_OPEN_JOBS, _search(rooms, now, most)).all()
        before = len(rooms.full)
        jobs |= {row.job_id for row in found if rooms.take(row.owner)}
        if len(rooms.full) == before:
            return jobs


def _search(rooms: _Rooms, now: Moment, most: int) -> dict[str, object]:
    return {"now": now.now, "boot": now.boot, "most": most, "but_owners": sorted(rooms.full)}


def _lease_all(connection: Connection, rows: list[AnyRow], wanted: Claim, now: Moment) -> list[Shard]:
    if not rows:
        return []
    leases = [Lease(row.job_id, row.number, row.attempt + 1, wanted.holder) for row in rows]
    start = {"now": now.now, "boot": now.boot, "at": now.wall}
    until = {"until": now.now + wanted.lease_seconds, "boot": now.boot}
    connection.execute(sql.START_JOB, [start | {"of_job": job_id} for job_id in sorted({row.job_id for row in rows})])
    connection.execute(sql.LEASE_SHARD, [fence(lease) | until for lease in leases])
    connection.execute(sql.ADD_ATTEMPT, [_attempt(lease, now.wall) for lease in leases])
    return _whole(connection, leases, rows, now)


def _whole(connection: Connection, leases: list[Lease], rows: list[AnyRow], now: Moment) -> list[Shard]:
    """Return what is to be done under `leases`; a job of which something is damaged ends at once."""
    found = [read_shard(connection, lease, row) for lease, row in zip(leases, rows, strict=True)]
    ended = {lease.job_id for lease, shard in zip(leases, found, strict=True) if shard is None}
    for job_id in sorted(ended):
        end_damaged(connection, job_id, now)
        mark(connection, [job_id])
    return [shard for shard in found if shard is not None and shard.lease.job_id not in ended]


def _attempt(lease: Lease, at: float) -> dict[str, object]:
    return {
        "job_id": lease.job_id,
        "shard": lease.shard,
        "attempt": lease.attempt,
        "holder": lease.holder,
        "started_at": at,
    }
