"""The id of a job, given as its handle, its id, the beginning of its id, or a `Job`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farshot.contract import ExecutionResult
from farshot.errors import AmbiguousJobError, HandleError, OptionError, UnknownJobError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeAlias

    from farshot.backends.jobs import Job

    AnyJob: TypeAlias = ExecutionResult | Job | str


_ID_LENGTH = 32
_MIN_LENGTH = 4
"""The least number of characters of the beginning of an id."""
_MAX_LENGTH = 64


def job_id_of(given: object) -> str:
    """Return the id of the job that a handle, an id or a `Job` names.

    Raises `OptionError` for anything else, `HandleError` for a handle without an id, `UnknownJobError` for a text
    that cannot be an id.

    >>> job_id_of(ExecutionResult(job_id="3f2a")), job_id_of("3f2a")
    ('3f2a', '3f2a')
    """
    found = given if isinstance(given, str) else _id_in(given)
    if not (found.isascii() and found.isalnum() and len(found) <= _MAX_LENGTH):
        message = f"no job {found!r:.80}: an id has {_ID_LENGTH} letters and digits"
        raise UnknownJobError(message)
    return found


def _id_in(given: object) -> str:
    found = getattr(given, "job_id", given)
    if isinstance(given, ExecutionResult) and found is None:
        message = "the handle has no job_id: it was not returned by submit_circuits"
        raise HandleError(message)
    if not isinstance(found, str):
        message = f"a handle as returned by submit_circuits is needed, a Job or its id, not {given!r:.80}"
        raise OptionError(message)
    return found


def find_job(given: str, newest: Callable[[], Iterable[str]]) -> str:
    """Return `given` if it is a whole id, else the one id of `newest` that begins with it; raises `UnknownJobError`.

    A whole id is not looked up: reading the job raises if there is none.
    """
    if len(given) >= _ID_LENGTH:
        return given
    if len(given) < _MIN_LENGTH:
        message = (
            f"{given!r} is too short for a job's id: give {_MIN_LENGTH} characters or more; `farshot jobs` lists them"
        )
        raise AmbiguousJobError(message)
    return choose(given, newest())


def choose(given: str, ids: Iterable[str]) -> str:
    """Return the one of `ids` that begins with `given`; raises `UnknownJobError`, or `AmbiguousJobError` for several.

    >>> choose("3f2a", ["3f2a91", "77aa00"])
    '3f2a91'
    """
    matches = [job_id for job_id in ids if job_id.startswith(given.lower())]
    if not matches:
        message = f"no job here begins with {given!r}; `farshot jobs` lists them"
        raise UnknownJobError(message)
    if len(matches) > 1:
        message = "\n".join(
            [f"{given!r} begins the ids of {len(matches)} jobs: give more of one", *(f"  {match}" for match in matches)]
        )
        raise AmbiguousJobError(message)
    return matches[0]
