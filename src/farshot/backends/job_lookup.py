"""Which job is meant: by its handle, its id, the beginning of its id, or itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farshot.contract import ExecutionResult
from farshot.errors import AmbiguousJobError, HandleError, OptionError, UnknownJobError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeAlias

    from farshot.backends.jobs import Job

    AnyJob: TypeAlias = ExecutionResult | Job | str


FULL_ID = 32
_LEAST = 4
_LONGEST = 64


def job_id_of(given: object) -> str:
    """Return the id of the job that a handle, an id or a `Job` names.

    Raises `OptionError` for anything else, `HandleError` for a handle without an id, `UnknownJobError` for a text
    that can be no id.

    >>> job_id_of(ExecutionResult(job_id="3f2a")), job_id_of("3f2a")
    ('3f2a', '3f2a')
    """
    found = given if isinstance(given, str) else _named(given)
    if not (found.isascii() and found.isalnum() and len(found) <= _LONGEST):
        message = f"no job {found!r:.80}: an id has {FULL_ID} letters and digits"
        raise UnknownJobError(message)
    return found


def _named(given: object) -> str:
    found = getattr(given, "job_id", given)
    if isinstance(given, ExecutionResult) and found is None:
        message = "the handle has no job_id: it was not returned by submit_circuits"
        raise HandleError(message)
    if not isinstance(found, str):
        message = f"a handle as returned by submit_circuits is needed, a Job or its id, not {given!r:.80}"
        raise OptionError(message)
    return found


def find_job(given: str, newest: Callable[[], Iterable[str]]) -> str:
    """Return the id that `given` is, or the one of `newest` that it begins; raises `UnknownJobError`.

    A whole id is not looked up: whoever asks for the job hears where there is none.
    """
    if len(given) >= FULL_ID:
        return given
    if len(given) < _LEAST:
        message = f"{given!r} is too short for a job's id: give {_LEAST} characters or more; `farshot jobs` lists them"
        raise AmbiguousJobError(message)
    return choose(given, newest())


def choose(given: str, ids: Iterable[str]) -> str:
    """Return the one of `ids` that begins with `given`.

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
