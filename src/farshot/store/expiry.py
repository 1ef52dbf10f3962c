"""A job that has run out of time, or of which something is damaged, ends as FAILED, with what is recorded of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from farshot.errors import FaultCode
from farshot.model import Fault
from farshot.store import statements as sql

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from farshot.store.clock import Moment

__all__ = ["end_damaged", "end_overdue", "overdue"]

_encode = msgspec.msgpack.Encoder().encode


def overdue(connection: Connection, now: Moment) -> dict[str, float]:
    """Return the running jobs whose time is over, each with the seconds it had."""
    found = connection.execute(sql.FIND_EXPIRED_JOBS, {"now": now.now, "boot": now.boot})
    return {row.id: row.timeout for row in found}


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
