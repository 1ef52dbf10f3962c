"""Fair shares: whose turn it is, by start-time fair queueing (Goyal, Vin and Cheng, SIGCOMM 1996).

Every owner has a turn, in seconds. The owner with the earliest one is served, which moves its turn on by what the
shard is guessed to take; what the shard takes in truth is charged as it becomes known: more at once, less when it ends.
Nobody begins earlier than the latest turn that was served: whoever comes with little is served among those who wait
with much, ten owners have a tenth each, and who was idle, waited for its own limit or has one long shard running has
saved nothing. Within an owner the shards of higher priority come first, then the oldest; so a submission moves nothing.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, case, func, or_, select, text

from farshot.states import ShardStatus
from farshot.store.schema import changes, shards, shards_open, turns, users

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection

    from farshot.store.clock import Moment
    from farshot.store.rows import AnyRow


MAX_ADVANCE = 10.0
"""Seconds that a shard is charged when it is claimed, however long it is guessed: the rest, as it runs."""

is_claimable = or_(
    shards.c.status == ShardStatus.QUEUED,
    shards.c.lease_boot != bindparam("boot"),
    shards.c.lease_until < bindparam("now"),
)
_first = select(func.min(shards.c.owner).label("owner")).where(shards_open).cte("owners", recursive=True)
_next = select(func.min(shards.c.owner)).where(shards_open, shards.c.owner > _first.c.owner).scalar_subquery()
_owners = _first.union_all(select(_next).where(_first.c.owner.is_not(None)))
_LIST_WAITING = (
    select(
        _owners.c.owner,
        func.coalesce(turns.c.turn, 0.0).label("turn"),
        select(changes.c.served).scalar_subquery().label("served"),
        users.c.running_shards.label("most"),
        select(shards.c.seq)
        .where(shards_open, shards.c.owner == _owners.c.owner, is_claimable)
        .order_by(shards.c.rank, shards.c.seq)
        .limit(1)
        .scalar_subquery()
        .label("first"),
    )
    .join_from(_owners, turns, turns.c.owner == _owners.c.owner, isouter=True)
    .join(users, users.c.name == _owners.c.owner, isouter=True)
    .where(_owners.c.owner.is_not(None))
)
LIST_QUEUED = (
    select(
        shards.c.owner,
        shards.c.rank,
        shards.c.job_id,
        func.min(shards.c.seq).label("first"),
        func.sum(shards.c.cost).label("cost"),
        func.sum(case((shards.c.cost < MAX_ADVANCE, shards.c.cost), else_=MAX_ADVANCE)).label("advance"),
    )
    .where(shards_open, shards.c.status == ShardStatus.QUEUED)
    .group_by(shards.c.owner, shards.c.rank, shards.c.job_id)
)
_LIST_TURNS = select(turns.c.owner, turns.c.turn).where(turns.c.owner.in_(bindparam("of_owners", expanding=True)))
_SERVED = "(SELECT served FROM changes)"
_CHARGE = text(
    "INSERT INTO turns (owner, turn) VALUES (:owner, :fresh) ON CONFLICT (owner) DO UPDATE SET turn = :claimed + "
    f"CASE WHEN turns.turn + :change < {_SERVED} THEN {_SERVED} ELSE turns.turn + :change END"
)


@dataclass(slots=True)
class Charges:
    """What one transaction does to the turns of owners: `changes` of what was charged before, and what is `claimed`.

    `floor` is the latest turn that was served before it, `served` with it, where it serves.
    """

    floor: float = 0.0
    served: float = 0.0
    changes: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    claimed: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    def serve(self, turn: Waiting, cost: float) -> None:
        """Charge an owner whose turn it is for a shard that is guessed to take `cost` seconds."""
        self.served = max(self.served, turn.turn)
        self.claimed[turn.owner] += advance(cost)


@dataclass(frozen=True, slots=True, order=True)
class Waiting:
    """An owner with shards that may be claimed, the first of them of number `seq`: the lowest is served next.

    `most` is how many shards it may run at a time, where the store says so of its user.
    """

    turn: float
    seq: int
    owner: str
    most: int | None = field(default=None, compare=False)


def waiting(connection: Connection, now: Moment, charges: Charges) -> list[Waiting]:
    """Return who waits, as of `charges`, which learn what was served. The cost is that of the owners, not of shards."""
    found = [
        row for row in connection.execute(_LIST_WAITING, {"now": now.now, "boot": now.boot}) if row.first is not None
    ]
    if found:
        charges.floor = charges.served = found[0].served
    return [_waiting(row, charges) for row in found]


def _waiting(row: AnyRow, charges: Charges) -> Waiting:
    return Waiting(max(row.turn + charges.changes.get(row.owner, 0.0), row.served), row.first, row.owner, row.most)


def turns_of(connection: Connection, owners: Collection[str]) -> dict[str, float]:
    """Return the turns of `owners`, whether anything of theirs waits or not."""
    found = {row.owner: row.turn for row in connection.execute(_LIST_TURNS, {"of_owners": list(owners)})}
    return {owner: found.get(owner, 0.0) for owner in owners}


def advance(cost: float) -> float:
    """Return what is charged at once for a shard that is guessed to take `cost` seconds."""
    return min(cost, MAX_ADVANCE)


def charge(connection: Connection, charges: Charges) -> None:
    """Move the turns: after the locks of jobs and shards, in one order, so that no two transactions wait for each
    other. What is given back never puts an owner before what was served.
    """
    changed = {owner for owner, seconds in charges.changes.items() if seconds}
    owners = sorted(changed | charges.claimed.keys())
    if owners:
        connection.execute(_CHARGE, [_move(owner, charges) for owner in owners])


def _move(owner: str, charges: Charges) -> dict[str, object]:
    claimed = charges.claimed.get(owner, 0.0)
    change = charges.changes.get(owner, 0.0)
    return {"owner": owner, "fresh": charges.floor + claimed, "change": change, "claimed": claimed}
