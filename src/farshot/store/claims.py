"""Open shards are leased in the order of their owners' turns, to no owner more than it may have at a time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from heapq import heapify, heappop, heapreplace
from itertools import count
from typing import TYPE_CHECKING, Any

from farshot.model import Lease
from farshot.store import statements as sql
from farshot.store.change_numbers import mark
from farshot.store.circuits import read_shard
from farshot.store.errors import blaming
from farshot.store.expiry import end_damaged
from farshot.store.fair_queue import Charges, Waiting, advance, turns_of, waiting
from farshot.store.rows import fence
from farshot.store.schema import shards

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from sqlalchemy import Connection, Select

    from farshot.model import Shard
    from farshot.store.clock import Moment
    from farshot.store.rows import AnyRow


@dataclass(frozen=True, slots=True)
class Claim:
    """`holder` asks for up to `limit` shards for `lease_seconds`, none of the owners `excluded`; an owner runs at most
    `running_limit` at a time, unless the store says otherwise of that owner. None: as many as there are.
    """

    holder: str
    limit: int
    lease_seconds: float
    running_limit: int | None = None
    excluded: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Rooms:
    """How many shards each owner may run at a time, and runs."""

    otherwise: int | None
    limits: dict[str, int]
    excluded: frozenset[str] = frozenset()
    running: Counter[str] = field(default_factory=Counter)

    @property
    def is_limited(self) -> bool:
        """Whether anybody's number is limited."""
        return self.otherwise is not None or bool(self.limits)

    def take(self, owner: str) -> bool:
        """Count one more shard of `owner`, if it may run one more."""
        limit = 0 if owner in self.excluded else self.limits.get(owner, self.otherwise)
        if limit is not None and self.running[owner] >= limit:
            return False
        self.running[owner] += 1
        return True


@dataclass(frozen=True, slots=True)
class _Search:
    """Reads the shards of an owner in order with `find`, about `page` at a time."""

    connection: Connection
    find: Select[*tuple[Any, ...]]
    now: Moment
    page: int

    def of(self, owner: str) -> Iterator[AnyRow]:
        """Yield the shards of `owner` that may be claimed."""
        for behind in count(0, self.page):
            where = {"of_owner": owner, "now": self.now.now, "boot": self.now.boot}
            found = self.connection.execute(self.find, where | {"most": self.page, "behind": behind}).all()
            yield from found
            if len(found) < self.page:
                return


def has_open(connection: Connection, wanted: Claim, now: Moment) -> bool:
    """Whether a claim would find anything."""
    queue = waiting(connection, now, Charges())
    rooms = _rooms(connection, wanted, queue, now)
    return any(rooms.take(found.owner) for found in queue)


def outranked(connection: Connection, owners: Collection[str], wanted: Claim, now: Moment) -> set[str]:
    """Return those of `owners` behind another who waits and may run one more shard."""
    queue = waiting(connection, now, Charges())
    rooms = _rooms(connection, wanted, queue, now)
    ready = [found for found in queue if rooms.take(found.owner)]
    turns = turns_of(connection, owners)
    return {owner for owner in owners if any(each.owner != owner and each.turn < turns[owner] for each in ready)}


def jobs_to_lock(connection: Connection, wanted: Claim, ending: Sequence[str], now: Moment) -> set[str]:
    """Return the jobs of the shards that may be claimed once a shard of each of the jobs `ending` has ended.

    Where numbers are limited, one claims at a time.
    """
    if wanted.limit <= 0:
        return set()
    if wanted.running_limit is not None or connection.execute(sql.HAS_LIMITS).scalar_one():
        connection.execute(sql.LOCK_LIMITS)
    charges = Charges()
    queue = waiting(connection, now, charges)
    rooms = _rooms(connection, wanted, queue, now)
    if rooms.is_limited:
        rooms.running.subtract(_owners(connection, ending))
    most = wanted.limit + len(ending)
    search = _Search(connection, sql.FIND_OPEN_SHARDS, now, most + 1)
    return {row.job_id for row in _in_turn(search, queue, rooms, most, charges)}


def _owners(connection: Connection, job_ids: Sequence[str]) -> list[str]:
    """Return the owners of jobs; of those that were deleted, none."""
    owners = {row.id: row.owner for row in connection.execute(sql.LIST_OWNERS, {"of_jobs": job_ids})}
    return [owners[job_id] for job_id in job_ids if job_id in owners]


def claim(
    connection: Connection, wanted: Claim, locked: Iterable[str] | None, now: Moment, charges: Charges
) -> list[Shard]:
    """Lease what is open; of the jobs that are `locked` only, where those are given. It is added to `charges`."""
    if wanted.limit <= 0:
        return []
    find = sql.LOCK_OPEN_SHARDS
    if locked is not None:
        find = find.where(shards.c.job_id.in_(locked))
    search = _Search(connection, find, now, wanted.limit + 1)
    queue = waiting(connection, now, charges)
    rooms = _rooms(connection, wanted, queue, now)
    chosen = list(_in_turn(search, queue, rooms, wanted.limit, charges))
    with blaming(row.job_id for row in chosen):
        return _lease_all(connection, chosen, wanted, now)


def _in_turn(search: _Search, queue: list[Waiting], rooms: _Rooms, most: int, charges: Charges) -> Iterator[AnyRow]:
    """Yield up to `most` shards of the owners in `queue` in the order in which they are to be served, and charge."""
    shards_of = {each.owner: search.of(each.owner) for each in queue}
    ahead: dict[str, AnyRow | None] = {}
    heapify(queue)
    while queue and most:
        first = queue[0]
        owner = first.owner
        row = ahead.get(owner) or next(shards_of[owner], None)
        if row is None or not rooms.take(owner):
            heappop(queue)
            continue
        charges.serve(first, row.cost)
        yield row
        most -= 1
        following = ahead[owner] = next(shards_of[owner], None)
        if following is None:
            heappop(queue)
        else:
            heapreplace(queue, Waiting(first.turn + advance(row.cost), following.seq, owner))


def _rooms(connection: Connection, wanted: Claim, queue: Sequence[Waiting], now: Moment) -> _Rooms:
    """Return what each owner in `queue` may run and runs.

    A lapsed lease counts for nothing, so that it can be taken over.
    """
    limits = {each.owner: each.most for each in queue if each.most is not None}
    rooms = _Rooms(wanted.running_limit, limits, wanted.excluded)
    if rooms.is_limited:
        found = connection.execute(sql.LIST_RUNNING, {"now": now.now, "boot": now.boot})
        rooms.running.update({row.owner: row.running for row in found})
    return rooms


def _lease_all(connection: Connection, rows: list[AnyRow], wanted: Claim, now: Moment) -> list[Shard]:
    if not rows:
        return []
    leases = [Lease(row.job_id, row.number, row.attempt + 1, wanted.holder) for row in rows]
    start = {"now": now.now, "boot": now.boot, "at": now.wall}
    until = {"until": now.now + wanted.lease_seconds, "boot": now.boot}
    connection.execute(sql.START_JOB, [start | {"of_job": job_id} for job_id in sorted({row.job_id for row in rows})])
    advances = [until | {"advance": advance(row.cost)} for row in rows]
    connection.execute(sql.LEASE_SHARD, [fence(lease) | each for lease, each in zip(leases, advances, strict=True)])
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
