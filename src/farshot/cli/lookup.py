"""From the beginning of a job's id to the job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farshot.cli.failures import AmbiguousJobError
from farshot.errors import UnknownJobError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farshot.cli.opening import Queue

__all__ = ["choose", "find_job", "short"]

_FULL = 32
_LEAST = 4
_SHOWN = 8
_NEWEST = 1000


def short(job_id: str) -> str:
    """Return as much of an id as people type."""
    return job_id[:_SHOWN]


def find_job(backend: Queue, given: str) -> str:
    """Return the id that `given` is, or that it begins among the newest jobs; raises `UnknownJobError`.

    A whole id is not looked up: whoever asks for the job hears where there is none.
    """
    if len(given) == _FULL:
        return given
    if len(given) < _LEAST:
        message = f"{given!r} is too short for a job's id: give {_LEAST} characters or more; `farshot jobs` lists them"
        raise AmbiguousJobError(message)
    return choose(given, [record.id for record in backend.records(limit=_NEWEST)])


def choose(given: str, ids: Sequence[str]) -> str:
    """Return the one of `ids` that begins with `given`.

    >>> choose("3f2a", ["3f2a91", "77aa00"])
    '3f2a91'
    """
    matches = [job_id for job_id in ids if job_id.startswith(given.lower())]
    if not matches:
        message = f"no job here begins with {given!r}; `farshot jobs` lists them"
        raise UnknownJobError(message)
    if len(matches) > 1:
        message = "\n".join([f"{given!r} begins the ids of {len(matches)} jobs:", *(f"  {match}" for match in matches)])
        raise AmbiguousJobError(message)
    return matches[0]
