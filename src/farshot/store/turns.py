"""Fair shares: the turn of a shard, by self-clocked fair queueing (Golestani, INFOCOM 1994).

Shards are claimed in order of turn. A shard's turn is its owner's last one, or the turn that is being served
where the owner has none open, plus the cost of the shard: whoever comes with little is served among those who
wait with much, and ten owners have a tenth each. Within an owner, jobs of higher priority take the earlier turns.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, func, select, update

from farshot.states import ShardEvent, ShardStatus, shards_before
from farshot.store.schema import jobs, shards

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from farshot.store.rows import AnyRow

__all__ = ["take_turns"]

_is_open = shards.c.status.in_(sorted(shards_before(ShardEvent.CANCEL)))
_SERVED = select(func.min(shards.c.turn)).where(_is_open)
_LAST = select(func.max(shards.c.turn)).where(_is_open, shards.c.owner == bindparam("of_owner"))
_PRIORITY = select(jobs.c.priority).where(jobs.c.id == bindparam("of_job"))
_OUTRANKED = (
    select(shards.c.seq, shards.c.turn)
    .join_from(shards, jobs, jobs.c.id == shards.c.job_id)
    .where(
        shards.c.owner == bindparam("of_owner"),
        shards.c.status == ShardStatus.QUEUED,
        jobs.c.priority < bindparam("of_priority"),
    )
    .order_by(shards.c.turn, shards.c.seq)
)
_MOVE = update(shards).where(shards.c.seq == bindparam("of_seq")).values(turn=bindparam("new_turn"))


def take_turns(connection: Connection, job_id: str, owner: str, costs: Sequence[float]) -> list[float]:
    """Return the turns of the new shards of a job, in order; shards that it outranks move behind it."""
    last = connection.execute(_LAST, {"of_owner": owner}).scalar()
    if last is None:
        last = connection.execute(_SERVED).scalar() or 0.0
    new = list(accumulate(costs, initial=last))[1:]
    outranked = _outranked(connection, job_id, owner)
    if not outranked:
        return new
    turns = sorted([*(row.turn for row in outranked), *new])
    moved = zip(outranked, turns[len(new) :], strict=True)
    connection.execute(_MOVE, [{"of_seq": row.seq, "new_turn": turn} for row, turn in moved])
    return turns[: len(new)]


def _outranked(connection: Connection, job_id: str, owner: str) -> Sequence[AnyRow]:
    """Return the waiting shards of the owner's jobs of lower priority; 0 is the lowest."""
    priority = connection.execute(_PRIORITY, {"of_job": job_id}).scalar_one()
    if not priority:
        return ()
    return connection.execute(_OUTRANKED, {"of_owner": owner, "of_priority": priority}).all()
