"""A job that has run out of time, cannot be handled or is damaged ends as FAILED, with what is recorded of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import bindparam, update

from farshot.contract import JobStatus
from farshot.errors import FaultCode
from farshot.model import Fault
from farshot.states import JobEvent, job_after, jobs_before
from farshot.store import statements as sql
from farshot.store.schema import jobs

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from farshot.store.clock import Moment


_encode = msgspec.msgpack.Encoder().encode
_SET_ASIDE = (
    update(jobs)
    .where(
        jobs.c.id == bindparam("of_job"),
        jobs.c.status.in_(sorted(jobs_before(JobEvent.SET_ASIDE))),
        jobs.c.draft.is_(None),
    )
    .values(
        status=job_after(JobStatus.RUNNING, JobEvent.SET_ASIDE),
        fault=bindparam("of_fault"),
        finished_at=bindparam("at"),
    )
)


def overdue(connection: Connection, now: Moment) -> dict[str, float]:
    """Return the running jobs whose time is over, each with the seconds it had."""
    found = connection.execute(sql.FIND_EXPIRED_JOBS, {"now": now.now, "boot": now.boot})
    return {row.id: row.timeout for row in found}


def end_open(connection: Connection, job_id: str, fault: Fault, now: Moment) -> bool:
    """End an open job and its leases for the reason `fault`; say whether it was open."""
    ended = connection.execute(_SET_ASIDE, {"of_job": job_id, "of_fault": _encode(fault), "at": now.wall})
    if ended.rowcount:
        connection.execute(sql.CANCEL_SHARDS, {"of_job": job_id})
    return bool(ended.rowcount)


def end_overdue(connection: Connection, job_id: str, timeout: float, now: Moment) -> bool:
    """End one overdue job and its leases; say whether it was still running."""
    fault = Fault(FaultCode.TIMEOUT, f"the job took longer than its limit of {timeout:g} s: allow it more, or split it")
    ended = connection.execute(
        sql.EXPIRE_JOB,
        {"of_job": job_id, "of_fault": _encode(fault), "now": now.now, "boot": now.boot, "at": now.wall},
    )
    if ended.rowcount:
        connection.execute(sql.CANCEL_SHARDS, {"of_job": job_id})
    return bool(ended.rowcount)


def end_damaged(connection: Connection, job_id: str, now: Moment) -> None:
    """End a running job and its leases: its circuits are not what was submitted."""
    fault = Fault(FaultCode.INTERNAL, "what is stored of the job is damaged: restore a back-up, or submit it again")
    connection.execute(sql.FAIL_JOB, {"of_job": job_id, "of_fault": _encode(fault), "at": now.wall})
    connection.execute(sql.CANCEL_SHARDS, {"of_job": job_id})
