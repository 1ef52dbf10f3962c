"""From the beginning of a job's id to the job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farshot.backends.job_lookup import find_job as find_among

if TYPE_CHECKING:
    from farshot.backends.base import Backend


_SHOWN = 8
_NEWEST = 1000


def short(job_id: str) -> str:
    """Return as much of an id as people type."""
    return job_id[:_SHOWN]


def find_job(backend: Backend, given: str) -> str:
    """Return the id that `given` is, or that it begins among the newest jobs; raises `UnknownJobError`."""
    return find_among(given, lambda: (record.id for record in backend.records(limit=_NEWEST)))
