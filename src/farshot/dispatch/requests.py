"""The requests of other threads to a dispatcher's thread."""

from __future__ import annotations

import queue
from collections import Counter, deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from farshot.errors import ExecutorError

if TYPE_CHECKING:
    from collections.abc import Callable

    from farshot.model import JobRecord
    from farshot.submission import Submission


_MAX_OWNER_JOBS = 8
"""Jobs of one owner that are added in one transaction."""
_MAX_SMALL_SHARDS = 8
"""Shards of a job that is added with others."""
_CHECK_SECONDS = 0.2
"""How often a thread that waits for an answer checks whether the dispatcher's thread still runs."""


class Wake:
    """A request to read the store now."""


@dataclass(slots=True)
class AddJob:
    """A request to add a job, which is answered with its record or an error."""

    submission: Submission
    answer: queue.SimpleQueue[JobRecord | Exception] = field(default_factory=queue.SimpleQueue)
    is_wanted: bool = True
    """False once no thread waits for the answer: the job is not added then."""

    @property
    def is_small(self) -> bool:
        """True if it makes a transaction hardly longer: a shard has a bounded number of circuits and bytes."""
        return len(self.submission.shards) <= _MAX_SMALL_SHARDS

    def outcome(self, is_alive: Callable[[], bool]) -> JobRecord:
        """Block for the job; raise the error that is the answer, or `ExecutorError` once the thread is not alive."""
        answer: JobRecord | Exception | None = None
        alive = True
        try:
            while alive and answer is None:
                alive = is_alive()
                with suppress(queue.Empty):
                    answer = self.answer.get(timeout=_CHECK_SECONDS)
        finally:
            self.is_wanted = False
        if answer is None:
            answer = ExecutorError("the backend was closed: nothing was submitted")
        if isinstance(answer, Exception):
            raise answer
        return answer


class Additions:
    """The waiting requests for jobs. Each transaction adds a few small jobs of each owner or one large job, by turns.

    Thus many jobs of one owner delay no other owner, and no small job waits for several large ones.
    """

    def __init__(self) -> None:
        self._small: list[AddJob] = []
        self._large: deque[AddJob] = deque()
        self._large_is_next = False

    def __len__(self) -> int:
        """Return how many requests wait."""
        return len(self._small) + len(self._large)

    def put(self, request: AddJob) -> None:
        """Add a request."""
        (self._small if request.is_small else self._large).append(request)

    def take(self) -> list[AddJob]:
        """Remove and return the requests of the next transaction, without those that are no longer wanted."""
        takes_large = bool(self._large) and (self._large_is_next or not self._small)
        self._large_is_next = not takes_large
        taken = [self._large.popleft()] if takes_large else self._take_small()
        return [request for request in taken if request.is_wanted]

    def _take_small(self) -> list[AddJob]:
        taken: list[AddJob] = []
        counts = Counter[str]()
        waiting, self._small = self._small, []
        for request in waiting:
            owner = request.submission.owner
            counts[owner] += 1
            (taken if counts[owner] <= _MAX_OWNER_JOBS else self._small).append(request)
        return taken
