"""Outcomes are written under the lease of their attempt, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farshot.protocols import Recorded
from farshot.store import statements as sql
from farshot.store.checksums import checksum
from farshot.store.rows import fence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from farshot.model import Part

__all__ = ["record_parts"]


def record_parts(connection: Connection, parts: Sequence[Part], at: float) -> list[Recorded]:
    """Write each part whose lease holds, and the end of the jobs that they complete."""
    accepted = [_record_part(connection, part) for part in parts]
    touched = {part.lease.job_id for part in parts if part.last}
    ended = {job for job in touched if connection.execute(sql.END_JOB, {"of_job": job, "at": at}).rowcount}
    return [Recorded(part, taken, part.lease.job_id in ended) for part, taken in zip(parts, accepted, strict=True)]


def _record_part(connection: Connection, part: Part) -> bool:
    advanced = connection.execute(
        sql.ADVANCE_SHARD[part.last], fence(part.lease) | {"from_position": part.first, "count": part.size}
    )
    if not advanced.rowcount:
        return False
    if part.size:
        _add_results(connection, part)
    return True


def _add_results(connection: Connection, part: Part) -> None:
    job_id, shard, attempt = part.lease.job_id, part.lease.shard, part.lease.attempt
    connection.execute(
        sql.ADD_RESULTS,
        {
            "job_id": job_id,
            "first": part.first,
            "shard": shard,
            "attempt": attempt,
            "size": part.size,
            "results": part.results,
            "checksum": checksum(part.results, job_id, part.first, part.size, shard, attempt),
        },
    )
    connection.execute(
        sql.ADVANCE_JOB,
        {
            "of_job": job_id,
            "count": part.size,
            "faults": part.failed,
            "seconds": part.seconds,
            "size": len(part.results),
        },
    )
