"""Lists of jobs: by what is wanted, by what changed; and what an owner uses."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, func, select

from farshot.contract import JobStatus
from farshot.model import BacklogEntry, JobProgress, Usage
from farshot.store import statements as sql
from farshot.store.clock import DAY
from farshot.store.fair_queue import LIST_QUEUED, Charges, waiting
from farshot.store.rows import decode_forecast, to_record
from farshot.store.schema import jobs, shards, shards_leased, spent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import ColumnElement, Connection

    from farshot.model import JobFilter, JobRecord
    from farshot.store.clock import Moment
    from farshot.store.rows import AnyRow


_SUM_SPENTS = (
    select(spent.c.owner, func.sum(spent.c.shots).label("shots"))
    .where(spent.c.created_at >= bindparam("since"))
    .group_by(spent.c.owner)
)
_COUNT_RUNNING = select(shards.c.owner, func.count().label("running")).where(shards_leased).group_by(shards.c.owner)
_LIST_SHOTS = select(jobs.c.id, jobs.c.shots).where(
    jobs.c.owner == bindparam("of_owner"), jobs.c.created_at >= bindparam("since"), jobs.c.draft.is_(None)
)

_LIST_FORECASTS = (
    select(shards.c.forecast)
    .where(shards.c.job_id == bindparam("of_job"), shards_leased, shards.c.forecast.is_not(None))
    .order_by(shards.c.number)
)


def listed(connection: Connection, wanted: JobFilter, limit: int) -> list[JobRecord]:
    """Return the newest jobs that are wanted, the newest first."""
    statement = sql.LIST_JOBS.where(*_conditions(wanted)).limit(limit)
    return [to_record(row) for row in connection.execute(statement)]


def _conditions(wanted: JobFilter) -> Iterator[ColumnElement[bool]]:
    same: dict[Any, object] = {jobs.c.owner: wanted.owner, jobs.c.status: wanted.status, jobs.c.tag: wanted.tag}
    for column, value in same.items():
        if value is not None:
            yield column == value
    if wanted.since is not None:
        yield jobs.c.created_at >= wanted.since.timestamp()
    if wanted.until is not None:
        yield jobs.c.created_at < wanted.until.timestamp()
    if wanted.before is not None:
        yield jobs.c.seq < wanted.before


def events(connection: Connection, owner: str | None, after: int, limit: int) -> list[JobRecord]:
    """Return the jobs that changed after the change `after`, in the order of their last one."""
    statement = sql.LIST_CHANGED.where(jobs.c.changed > after).limit(limit)
    if owner is not None:
        statement = statement.where(jobs.c.owner == owner)
    return [to_record(row) for row in connection.execute(statement)]


def backlog(connection: Connection) -> list[BacklogEntry]:
    """Return what is accepted and not done, by status and target."""
    found = connection.execute(sql.SUM_BACKLOG)
    return [BacklogEntry(JobStatus(row.status), row.target, row.jobs, int(row.circuits)) for row in found]


def ahead(connection: Connection, now: Moment, job_id: str) -> int:
    """Return how many other jobs begin before the first waiting shard of this job; 0 if nothing of it waits."""
    turns = {found.owner: found.turn for found in waiting(connection, now, Charges())}
    found = sorted(connection.execute(LIST_QUEUED), key=_in_own_order)
    order = [waiting_job for _turn, _shard, waiting_job in sorted(_starts(found, turns))]
    return order.index(job_id) if job_id in order else 0


def _starts(found: Iterable[AnyRow], turns: dict[str, float]) -> Iterator[tuple[float, int, str]]:
    """Yield, for each waiting job, the turn and the number of its first waiting shard, and its id."""
    for owner, rows in groupby(found, _owner):
        turn = turns[owner]
        for row in rows:
            yield turn, row.first, row.job_id
            turn += row.advance


def _owner(row: AnyRow) -> str:
    return str(row.owner)


def _in_own_order(row: AnyRow) -> tuple[str, int, int]:
    return row.owner, row.rank, row.first


def effort(connection: Connection, job_id: str) -> JobProgress:
    """Return what a job was guessed to take, how much of that is done, and the forecasts of what runs of it."""
    row = connection.execute(sql.SUM_EFFORT, {"of_job": job_id}).one()
    found = connection.execute(_LIST_FORECASTS, {"of_job": job_id}).scalars()
    return JobProgress(float(row.done or 0.0), float(row.total or 0.0), tuple(map(decode_forecast, found)))


def usage(connection: Connection, owner: str, now: float) -> Usage:
    """Return what `owner` has and has used."""
    row = connection.execute(sql.SUM_USAGE, {"of_owner": owner, "since": now - DAY}).one()
    spent = connection.execute(sql.SUM_SPENT, {"of_owner": owner, "since": now - DAY}).scalar()
    running = connection.execute(sql.COUNT_RUNNING, {"of_owner": owner}).scalar_one()
    return Usage(
        queued_circuits=int(row.queued or 0),
        running_shards=int(running),
        shots_per_day=int(row.shots or 0) + int(spent or 0),
        stored_bytes=int(row.stored or 0),
    )


def shots(connection: Connection, owner: str, since: float) -> dict[str, int]:
    """Return the shots of the jobs that `owner` made from `since` on, by their ids."""
    found = connection.execute(_LIST_SHOTS, {"of_owner": owner, "since": since})
    return {row.id: row.shots for row in found}


def usages(connection: Connection, now: float) -> dict[str, Usage]:
    """Return what every owner has and has used, by name."""
    day = {"since": now - DAY}
    spent_by = {row.owner: int(row.shots) for row in connection.execute(_SUM_SPENTS, day)}
    running = {row.owner: row.running for row in connection.execute(_COUNT_RUNNING)}
    rows = {row.owner: row for row in connection.execute(sql.SUM_USAGES, day)}
    return {
        owner: Usage(
            queued_circuits=int(rows[owner].queued or 0) if owner in rows else 0,
            running_shards=running.get(owner, 0),
            shots_per_day=(int(rows[owner].shots or 0) if owner in rows else 0) + spent_by.get(owner, 0),
            stored_bytes=int(rows[owner].stored or 0) if owner in rows else 0,
        )
        for owner in sorted({*rows, *spent_by})
    }
