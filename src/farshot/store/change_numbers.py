"""Every change of a job has a number of its own, so that whoever follows a feed misses none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farshot.store import statements as sql

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection


def mark(connection: Connection, job_ids: Iterable[str], served: float = 0.0) -> None:
    """Give the jobs the next numbers; the last thing a transaction does. It served owners up to the turn `served`.

    The one row that counts is locked until the commit, so a lower number is never seen after a higher one.
    """
    changed = sorted(set(job_ids))
    if changed:
        last = connection.execute(sql.COUNT_CHANGES, {"more": len(changed), "served": served}).scalar_one()
        numbers = range(last - len(changed) + 1, last + 1)
        marks = [{"of_job": job_id, "number": number} for job_id, number in zip(changed, numbers, strict=True)]
        connection.execute(sql.MARK_JOB, marks)
