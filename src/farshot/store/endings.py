"""Jobs that end early as FAILED: out of time, impossible to handle, or damaged. Recorded results are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farshot.errors import FaultCode
from farshot.model import Fault
from farshot.store import statements as sql
from farshot.store.encoding import encode

if TYPE_CHECKING:
    from sqlalchemy import Connection, Update

    from farshot.store.clock import Moment


def find_overdue(connection: Connection, now: Moment) -> dict[str, float]:
    """Return the running jobs that are out of time, each with its timeout in seconds."""
    found = connection.execute(sql.FIND_EXPIRED_JOBS, {"now": now.now, "boot": now.boot})
    return {row.id: row.timeout for row in found}


def end_open(connection: Connection, job_id: str, fault: Fault, now: Moment) -> bool:
    """End an open job and its leases for the reason `fault`; return whether it was open."""
    return _end(connection, sql.SET_JOB_ASIDE, job_id, fault, {"at": now.wall})


def end_overdue(connection: Connection, job_id: str, timeout: float, now: Moment) -> bool:
    """End one overdue job and its leases; return whether it was still running."""
    fault = Fault(FaultCode.TIMEOUT, f"the job took longer than its limit of {timeout:g} s: allow it more, or split it")
    return _end(connection, sql.EXPIRE_JOB, job_id, fault, {"now": now.now, "boot": now.boot, "at": now.wall})


def _end(connection: Connection, statement: Update, job_id: str, fault: Fault, times: dict[str, object]) -> bool:
    ended = connection.execute(statement, {"of_job": job_id, "of_fault": encode(fault), **times})
    if ended.rowcount:
        connection.execute(sql.CANCEL_SHARDS, {"of_job": job_id})
    return bool(ended.rowcount)


def end_damaged(connection: Connection, job_id: str, now: Moment) -> None:
    """End a running job and its leases: its circuits are not what was submitted."""
    fault = Fault(FaultCode.INTERNAL, "what is stored of the job is damaged: restore a back-up, or submit it again")
    connection.execute(sql.FAIL_JOB, {"of_job": job_id, "of_fault": encode(fault), "at": now.wall})
    connection.execute(sql.CANCEL_SHARDS, {"of_job": job_id})
