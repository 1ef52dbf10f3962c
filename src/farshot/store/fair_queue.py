"""Fair shares: the order in which owners are served, by start-time fair queueing (Goyal, Vin and Cheng, SIGCOMM 1996).

Every owner has a turn, in seconds: its start tag. The owner with the earliest one is served, which moves its turn on by
the guessed cost of the shard; the true cost is charged as it becomes known: more at once, less when the shard ends.
No owner begins before the virtual time, which is the latest turn that was served. So an owner that comes with little
work is served among those with much, ten owners have a tenth each, and an owner that was idle, stood at its own limit
or has one long shard running has saved nothing. Within an owner the shards of higher priority come first, then the
oldest; so a submission moves no turn.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, case, func, select, text

from farshot.states import ShardStatus
from farshot.store.schema import changes, is_claimable, shards, shards_open, turns, users

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection

    from farshot.store.clock import Moment


_MAX_ADVANCE_SECONDS = 10.0
"""Seconds that a shard is charged when it is claimed, however long it is guessed; the rest is charged as it runs."""

_first = select(func.min(shards.c.owner).label("owner")).where(shards_open).cte("owners", recursive=True)
_next = select(func.min(shards.c.owner)).where(shards_open, shards.c.owner > _first.c.owner).scalar_subquery()
_owners = _first.union_all(select(_next).where(_first.c.owner.is_not(None)))
_LIST_WAITING = (
    select(
        _owners.c.owner,
        func.coalesce(turns.c.turn, 0.0).label("turn"),
        select(changes.c.served).scalar_subquery().label("served"),
        users.c.running_shards.label("running_limit"),
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
        *shards.c["owner", "rank", "job_id"],
        func.min(shards.c.seq).label("first"),
        func.sum(case((shards.c.cost < _MAX_ADVANCE_SECONDS, shards.c.cost), else_=_MAX_ADVANCE_SECONDS)).label(
            "advance"
        ),
    )
    .where(shards_open, shards.c.status == ShardStatus.QUEUED)
    .group_by(*shards.c["owner", "rank", "job_id"])
)
_LIST_TURNS = select(turns.c.owner, turns.c.turn).where(turns.c.owner.in_(bindparam("of_owners", expanding=True)))
_SERVED = "(SELECT served FROM changes)"
_CHARGE = text(
    "INSERT INTO turns (owner, turn) VALUES (:owner, :fresh) ON CONFLICT (owner) DO UPDATE SET turn = :claimed + "
    f"CASE WHEN turns.turn + :change < {_SERVED} THEN {_SERVED} ELSE turns.turn + :change END"
)


@dataclass(slots=True)
class Charges:
    """The changes that one transaction makes to the turns of owners, in seconds."""

    floor: float = 0.0
    """The virtual time before the transaction."""
    virtual_time: float = 0.0
    """The virtual time after the transaction."""
    changes: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    """Corrections of earlier charges, by owner."""
    claimed: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    """Charges for claimed shards, by owner."""

    def serve(self, waiting: WaitingOwner, cost: float) -> None:
        """Charge an owner for a shard that is guessed to take `cost` seconds."""
        self.virtual_time = max(self.virtual_time, waiting.turn)
        self.claimed[waiting.owner] += advance_of(cost)


@dataclass(frozen=True, slots=True, order=True)
class WaitingOwner:
    """An owner with shards that may be claimed; the lowest is served next."""

    turn: float
    seq: int
    """The number of its first such shard."""
    owner: str
    running_limit: int | None = field(default=None, compare=False)
    """Shards that it may run at a time, if its user has a limit of its own."""


def read_waiting(connection: Connection, now: Moment, charges: Charges) -> list[WaitingOwner]:
    """Return the owners that wait, with their turns after `charges`, which take over the virtual time.

    The time this takes grows with the number of owners, not of shards.
    """
    rows = connection.execute(_LIST_WAITING, {"now": now.now, "boot": now.boot}).all()
    found = [row for row in rows if row.first is not None]
    if found:
        charges.floor = charges.virtual_time = found[0].served
    turns_now = (max(row.turn + charges.changes.get(row.owner, 0.0), row.served) for row in found)
    return [
        WaitingOwner(turn, row.first, row.owner, row.running_limit) for turn, row in zip(turns_now, found, strict=True)
    ]


def read_turns(connection: Connection, owners: Collection[str]) -> dict[str, float]:
    """Return the turn of each of `owners`, waiting or not."""
    found = {row.owner: row.turn for row in connection.execute(_LIST_TURNS, {"of_owners": list(owners)})}
    return {owner: found.get(owner, 0.0) for owner in owners}


def advance_of(cost: float) -> float:
    """Return the seconds charged at once for a shard that is guessed to take `cost` seconds."""
    return min(cost, _MAX_ADVANCE_SECONDS)


def apply_charges(connection: Connection, charges: Charges) -> None:
    """Move the turns, after the locks of jobs and shards and in one order, so that no two transactions wait for each
    other. A refund never puts an owner before the virtual time.
    """
    changed = {owner for owner, seconds in charges.changes.items() if seconds}
    moves = []
    for owner in sorted(changed | charges.claimed.keys()):
        claimed = charges.claimed.get(owner, 0.0)
        change = charges.changes.get(owner, 0.0)
        moves.append({"owner": owner, "fresh": charges.floor + claimed, "change": change, "claimed": claimed})
    if moves:
        connection.execute(_CHARGE, moves)
