"""Lists of jobs: filtered, by change, and by status; and the place and the progress of one."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select

from farshot.contract import JobStatus
from farshot.model import BacklogEntry, JobProgress
from farshot.store import statements as sql
from farshot.store.encoding import decode_forecast
from farshot.store.fair_queue import LIST_QUEUED, Charges, read_waiting
from farshot.store.rows import to_record
from farshot.store.schema import jobs, shards, shards_leased

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import ColumnElement, Connection

    from farshot.model import JobFilter, JobRecord
    from farshot.store.clock import Moment


_LIST_FORECASTS = (
    select(shards.c.forecast)
    .where(shards.c.job_id == bindparam("of_job"), shards_leased, shards.c.forecast.is_not(None))
    .order_by(shards.c.number)
)


def list_jobs(connection: Connection, wanted: JobFilter, limit: int) -> list[JobRecord]:
    """Return the jobs that match the filter `wanted`, the newest first."""
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


def list_changed(connection: Connection, owner: str | None, after: int, limit: int) -> list[JobRecord]:
    """Return the jobs that changed after the change `after`, in the order of their last one."""
    statement = sql.LIST_CHANGED.where(jobs.c.changed > after).limit(limit)
    if owner is not None:
        statement = statement.where(jobs.c.owner == owner)
    return [to_record(row) for row in connection.execute(statement)]


def read_backlog(connection: Connection) -> list[BacklogEntry]:
    """Return the accepted jobs that have not ended, by status and target."""
    found = connection.execute(sql.SUM_BACKLOG)
    return [BacklogEntry(JobStatus(row.status), row.target, row.jobs, int(row.circuits)) for row in found]


def count_ahead(connection: Connection, now: Moment, job_id: str) -> int:
    """Return how many other jobs begin before the first waiting shard of this job; 0 if none of its shards waits."""
    turns = {found.owner: found.turn for found in read_waiting(connection, now, Charges())}
    queued = sorted(connection.execute(LIST_QUEUED), key=attrgetter("owner", "rank", "first"))
    starts = []
    for owner, rows in groupby(queued, attrgetter("owner")):
        turn = turns[owner]
        for row in rows:
            starts.append((turn, row.first, row.job_id))
            turn += row.advance
    order = [waiting_id for _turn, _first, waiting_id in sorted(starts)]
    return order.index(job_id) if job_id in order else 0


def read_progress(connection: Connection, job_id: str) -> JobProgress:
    """Return the guessed cost of a job, the part of it that is done, and the forecasts of its running circuits."""
    row = connection.execute(sql.SUM_EFFORT, {"of_job": job_id}).one()
    found = connection.execute(_LIST_FORECASTS, {"of_job": job_id}).scalars()
    return JobProgress(float(row.done or 0.0), float(row.total or 0.0), tuple(map(decode_forecast, found)))
