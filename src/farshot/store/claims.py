"""Claiming: open shards are leased in the order of their owners' turns, within each owner's limit."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from heapq import heapify, heappop, heapreplace
from itertools import count
from typing import TYPE_CHECKING, Any

from farshot.model import Lease
from farshot.store import statements as sql
from farshot.store.circuits import read_shard
from farshot.store.errors import naming_job
from farshot.store.fair_queue import Charges, WaitingOwner, advance_of, read_turns, read_waiting
from farshot.store.records import end_damaged
from farshot.store.rows import fence
from farshot.store.schema import shards
from farshot.store.transactions import mark_changed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from sqlalchemy import Connection, Select

    from farshot.model import Shard
    from farshot.store.clock import Moment
    from farshot.store.rows import AnyRow


@dataclass(frozen=True, slots=True)
class Claim:
    """A request of `holder` for up to `limit` open shards, leased for `lease_seconds`."""

    holder: str
    limit: int
    lease_seconds: float
    running_limit: int | None = None
    """Shards that an owner may run at a time unless its user has a limit of its own; None: any number."""
    excluded: frozenset[str] = frozenset()
    """Owners whose shards are not leased."""


@dataclass(slots=True)
class _RunningLimits:
    """The number of shards that each owner may run at a time, and runs."""

    default: int | None
    limits: dict[str, int]
    excluded: frozenset[str] = frozenset()
    running: Counter[str] = field(default_factory=Counter)

    @property
    def is_limited(self) -> bool:
        """Return whether any owner has a limit."""
        return self.default is not None or bool(self.limits)

    def admit(self, owner: str) -> bool:
        """Count one more shard of `owner` if it may run one more; return whether it may."""
        limit = 0 if owner in self.excluded else self.limits.get(owner, self.default)
        if limit is not None and self.running[owner] >= limit:
            return False
        self.running[owner] += 1
        return True


def find_ready_owners(connection: Connection, claim: Claim, now: Moment) -> list[WaitingOwner]:
    """Return the owners that wait and may run one more shard."""
    queue = read_waiting(connection, now, Charges())
    limits = _read_limits(connection, claim, queue, now)
    return [each for each in queue if limits.admit(each.owner)]


def find_outranked(connection: Connection, owners: Collection[str], claim: Claim, now: Moment) -> set[str]:
    """Return those of `owners` behind another one that waits and may run one more shard."""
    ready = find_ready_owners(connection, claim, now)
    turns = read_turns(connection, owners)
    return {owner for owner in owners if any(each.owner != owner and each.turn < turns[owner] for each in ready)}


def find_jobs_to_lock(connection: Connection, claim: Claim, ending: Sequence[str], now: Moment) -> set[str]:
    """Return the jobs of the shards that may be claimed once a shard of each of the jobs `ending` has ended.

    If there are running limits, only one transaction claims at a time.
    """
    if claim.limit <= 0:
        return set()
    if claim.running_limit is not None or connection.execute(sql.HAS_LIMITS).scalar_one():
        connection.execute(sql.LOCK_LIMITS)
    charges = Charges()
    queue = read_waiting(connection, now, charges)
    limits = _read_limits(connection, claim, queue, now)
    if limits.is_limited:
        owners = {row.id: row.owner for row in connection.execute(sql.LIST_OWNERS, {"of_jobs": ending})}
        limits.running.subtract(owners[job_id] for job_id in ending if job_id in owners)  # others were deleted
    limit = claim.limit + len(ending)
    read_open = partial(_read_open, connection, sql.FIND_OPEN_SHARDS, now, limit + 1)
    return {row.job_id for row in _choose(read_open, queue, limits, limit, charges)}


def claim_shards(
    connection: Connection, claim: Claim, locked: Iterable[str] | None, now: Moment, charges: Charges
) -> list[Shard]:
    """Lease open shards and add them to `charges`; if `locked` is given, only shards of those jobs."""
    if claim.limit <= 0:
        return []
    statement = sql.LOCK_OPEN_SHARDS
    if locked is not None:
        statement = statement.where(shards.c.job_id.in_(locked))
    queue = read_waiting(connection, now, charges)
    limits = _read_limits(connection, claim, queue, now)
    read_open = partial(_read_open, connection, statement, now, claim.limit + 1)
    chosen = list(_choose(read_open, queue, limits, claim.limit, charges))
    with naming_job(row.job_id for row in chosen):
        return _lease_shards(connection, chosen, claim, now) if chosen else []


def _read_open(
    connection: Connection, statement: Select[*tuple[Any, ...]], now: Moment, page: int, owner: str
) -> Iterator[AnyRow]:
    """Yield the shards of `owner` that may be claimed, in order, read `page` at a time."""
    for offset in count(0, page):
        values = {"of_owner": owner, "now": now.now, "boot": now.boot, "limit": page, "offset": offset}
        found = connection.execute(statement, values).all()
        yield from found
        if len(found) < page:
            return


def _choose(
    read_open: Callable[[str], Iterator[AnyRow]],
    queue: list[WaitingOwner],
    limits: _RunningLimits,
    limit: int,
    charges: Charges,
) -> Iterator[AnyRow]:
    """Yield up to `limit` shards of the owners in `queue` in the order of their turns, and charge for them."""
    shards_of = {each.owner: read_open(each.owner) for each in queue}
    ahead: dict[str, AnyRow | None] = {}
    heapify(queue)
    while queue and limit:
        first = queue[0]
        owner = first.owner
        row = ahead.get(owner) or next(shards_of[owner], None)
        if row is None or not limits.admit(owner):
            heappop(queue)
            continue
        charges.serve(first, row.cost)
        yield row
        limit -= 1
        following = ahead[owner] = next(shards_of[owner], None)
        if following is None:
            heappop(queue)
        else:
            heapreplace(queue, WaitingOwner(first.turn + advance_of(row.cost), following.seq, owner))


def _read_limits(connection: Connection, claim: Claim, queue: Sequence[WaitingOwner], now: Moment) -> _RunningLimits:
    """Return the limits and numbers of the owners in `queue`; a lapsed lease does not count, so it can be claimed."""
    own_limits = {each.owner: each.running_limit for each in queue if each.running_limit is not None}
    limits = _RunningLimits(claim.running_limit, own_limits, claim.excluded)
    if limits.is_limited:
        found = connection.execute(sql.LIST_RUNNING, {"now": now.now, "boot": now.boot})
        limits.running.update({row.owner: row.running for row in found})
    return limits


def _lease_shards(connection: Connection, rows: list[AnyRow], claim: Claim, now: Moment) -> list[Shard]:
    """Lease the shards `rows` and return them; a job of which something is damaged ends at once."""
    leases = [Lease(row.job_id, row.number, row.attempt + 1, claim.holder) for row in rows]
    fences = [fence(lease) for lease in leases]
    start = {"now": now.now, "boot": now.boot, "at": now.wall}
    until = {"until": now.now + claim.lease_seconds, "boot": now.boot}
    connection.execute(sql.START_JOB, [start | {"of_job": job_id} for job_id in sorted({row.job_id for row in rows})])
    advances = [until | {"advance": advance_of(row.cost)} for row in rows]
    connection.execute(sql.LEASE_SHARD, [one | each for one, each in zip(fences, advances, strict=True)])
    connection.execute(sql.ADD_ATTEMPT, [one | {"at": now.wall} for one in fences])
    found = [read_shard(connection, lease, row) for lease, row in zip(leases, rows, strict=True)]
    ended = {lease.job_id for lease, shard in zip(leases, found, strict=True) if shard is None}
    for job_id in sorted(ended):
        end_damaged(connection, job_id, now)
        mark_changed(connection, [job_id])
    return [shard for shard in found if shard is not None and shard.lease.job_id not in ended]
