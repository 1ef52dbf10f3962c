"""What other threads ask of a dispatcher's thread."""

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


_FEW = 8
"""Jobs of one owner that are added in one transaction."""
_SMALL = 8
"""Shards of a job that is added with others."""
_LOOK_EVERY = 0.2
"""Seconds after which whoever waits for an answer looks whether the thread is still there."""


class Wake:
    """Asks the thread to look at the store now."""


@dataclass(slots=True)
class AddJob:
    """Asks the thread to add a job, unless whoever asked has gone, and to put down what became of that."""

    submission: Submission
    answer: queue.SimpleQueue[JobRecord | Exception] = field(default_factory=queue.SimpleQueue)
    wanted: bool = True

    @property
    def is_small(self) -> bool:
        """Whether it takes a transaction hardly longer: a shard has a bounded number of circuits and bytes."""
        return len(self.submission.shards) <= _SMALL

    def outcome(self, is_alive: Callable[[], bool]) -> JobRecord:
        """Block for the job, or raise the error that is the answer; `ExecutorError` once the thread is not alive."""
        try:
            answer = self._await(is_alive)
        finally:
            self.wanted = False
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _await(self, is_alive: Callable[[], bool]) -> JobRecord | Exception:
        alive = True
        while alive:
            alive = is_alive()
            with suppress(queue.Empty):
                return self.answer.get(timeout=_LOOK_EVERY)
        return ExecutorError("the backend was closed: nothing was submitted")


class Additions:
    """The requests for jobs that wait to be added together, in turns: a few small ones of each owner, or one large one.

    So an owner of many waits for itself, and nobody's small job for several large ones.
    """

    def __init__(self) -> None:
        """Hold nothing."""
        self._small: list[AddJob] = []
        self._large: deque[AddJob] = deque()
        self._large_is_next = False

    def __len__(self) -> int:
        """Return how many requests wait."""
        return len(self._small) + len(self._large)

    def put(self, request: AddJob) -> None:
        """Take a request in."""
        (self._small if request.is_small else self._large).append(request)

    def take(self) -> list[AddJob]:
        """Return the requests of the next turn, which wait no more, without those that nobody waits for."""
        takes_large = bool(self._large) and (self._large_is_next or not self._small)
        self._large_is_next = not takes_large
        taken = [self._large.popleft()] if takes_large else self._take_small()
        return [request for request in taken if request.wanted]

    def _take_small(self) -> list[AddJob]:
        taken: list[AddJob] = []
        counts = Counter[str]()
        waiting, self._small = self._small, []
        for request in waiting:
            owner = request.submission.owner
            counts[owner] += 1
            (taken if counts[owner] <= _FEW else self._small).append(request)
        return taken
