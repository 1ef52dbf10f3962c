"""Fair shares: the turn of a shard, by self-clocked fair queueing (Golestani, INFOCOM 1994).

Shards are claimed in order of turn. A shard's turn is its cost behind its owner's last one, or behind the highest turn
that was ever claimed where that is later: whoever comes with little is served among those who wait with much, ten
owners have a tenth each, and who was idle, or has one long shard running, has saved nothing. Within an owner the
shards of jobs of higher priority come first: those that they outrank take their turns anew, behind them.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from sqlalchemy import and_, bindparam, func, select, update

from farshot.states import JobEvent, ShardStatus, jobs_before
from farshot.store.schema import changes, jobs, payloads, shards, shards_open

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import BindParameter, Connection

    from farshot.store.rows import AnyRow

__all__ = ["lock_turns", "take_turns"]

_of_owner: BindParameter[str] = bindparam("of_owner")
_outranked_job = and_(jobs.c.owner == _of_owner, jobs.c.priority < bindparam("of_priority"))
_SERVED = select(changes.c.served)
_LAST = select(func.max(shards.c.turn)).where(shards_open, shards.c.owner == _of_owner)
_WAITING = (
    select(shards.c.seq, shards.c.turn, payloads.c.cost, jobs.c.priority)
    .join_from(shards, jobs, jobs.c.id == shards.c.job_id)
    .join(
        payloads,
        and_(payloads.c.job_id == shards.c.job_id, payloads.c.part == shards.c.part, payloads.c.slot == shards.c.slot),
    )
    .where(shards_open, shards.c.owner == _of_owner, shards.c.status == ShardStatus.QUEUED)
    .order_by(shards.c.turn, shards.c.seq)
)
_MOVE = update(shards).where(shards.c.seq == bindparam("of_seq")).values(turn=bindparam("new_turn"))
_LOCK_OWNER = select(func.pg_advisory_xact_lock(func.hashtextextended(_of_owner, 0)))
_LOCK_OUTRANKED = (
    select(jobs.c.id)
    .where(_outranked_job, jobs.c.status.in_(sorted(jobs_before(JobEvent.CANCEL))))
    .order_by(jobs.c.id)
    .with_for_update(key_share=True)
)


def lock_turns(connection: Connection, owner: str, priority: int) -> None:
    """Let nobody else take turns for `owner`, then lock the jobs whose shards may move; before any other lock.

    A file has one writer at a time anyway.
    """
    if connection.dialect.name != "sqlite":
        connection.execute(_LOCK_OWNER, {"of_owner": owner})
        connection.execute(_LOCK_OUTRANKED, {"of_owner": owner, "of_priority": priority})


def take_turns(connection: Connection, owner: str, priority: int, costs: Sequence[float]) -> list[float]:
    """Return the turns of the new shards of a job, in order; waiting shards that it outranks move behind it."""
    served = connection.execute(_SERVED).scalar_one()
    if not priority:
        last = connection.execute(_LAST, {"of_owner": owner}).scalar()
        return _behind(max(served, last or 0.0), costs)
    waiting = connection.execute(_WAITING, {"of_owner": owner}).all()
    moved = [row for row in waiting if row.priority < priority]
    before = [row.turn for row in waiting if row.priority >= priority]
    turns = _behind(max([_start(served, moved), *before]), [*costs, *(row.cost for row in moved)])
    _move(connection, moved, turns[len(costs) :])
    return turns[: len(costs)]


def _behind(start: float, costs: Sequence[float]) -> list[float]:
    return list(accumulate(costs, initial=start))[1:]


def _start(served: float, moved: Sequence[AnyRow]) -> float:
    """Return where the first of the shards that move would have begun, if it were not late: nothing is lost."""
    return max(served, moved[0].turn) - moved[0].cost if moved else served


def _move(connection: Connection, rows: Sequence[AnyRow], turns: Sequence[float]) -> None:
    if rows:
        connection.execute(
            _MOVE, [{"of_seq": row.seq, "new_turn": turn} for row, turn in zip(rows, turns, strict=True)]
        )
