"""Lists of jobs: by what is wanted, by what changed; and what an owner uses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from farshot.contract import JobStatus
from farshot.model import Backlog, Effort, Usage
from farshot.store import statements as sql
from farshot.store.clock import DAY
from farshot.store.rows import to_record
from farshot.store.schema import jobs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import ColumnElement, Connection

    from farshot.model import JobFilter, JobRecord

__all__ = ["ahead", "backlog", "effort", "events", "listed", "usage"]


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


def backlog(connection: Connection) -> list[Backlog]:
    """Return what is accepted and not done, by status and target."""
    found = connection.execute(sql.SUM_BACKLOG)
    return [Backlog(JobStatus(row.status), row.target, row.jobs, int(row.circuits)) for row in found]


def ahead(connection: Connection, job_id: str) -> int:
    """Return how many other jobs have shards whose turn is before that of this job's first waiting one."""
    first = connection.execute(sql.FIND_TURN, {"of_job": job_id}).one_or_none()
    if first is None:
        return 0
    found = connection.execute(sql.COUNT_AHEAD, {"of_job": job_id, "turn": first.turn, "seq": first.seq})
    return int(found.scalar_one())


def effort(connection: Connection, job_id: str) -> Effort:
    """Return what a job was guessed to take, and how much of that is done."""
    row = connection.execute(sql.SUM_EFFORT, {"of_job": job_id}).one()
    return Effort(float(row.done or 0.0), float(row.total or 0.0))


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
