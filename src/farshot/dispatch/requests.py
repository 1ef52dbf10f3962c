"""What other threads ask of a dispatcher's thread."""

from __future__ import annotations

import queue
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from farshot.model import JobRecord
    from farshot.submission import Submission

__all__ = ["Add", "Asked", "Wake"]

_FEW = 8


class Wake:
    """Asks the thread to look at the store now."""


@dataclass(slots=True)
class Add:
    """Asks the thread to add a job, unless whoever asked has gone, and to put down what became of that."""

    submission: Submission
    answer: queue.SimpleQueue[JobRecord | Exception] = field(default_factory=queue.SimpleQueue)
    wanted: bool = True


class Asked:
    """What was asked and not seen to yet. Whoever asks much waits for itself, not others for it."""

    def __init__(self) -> None:
        """Hold nothing."""
        self._waiting: list[Add] = []

    def __len__(self) -> int:
        """How many requests wait."""
        return len(self._waiting)

    def put(self, request: Add) -> None:
        """Take a request in."""
        self._waiting.append(request)

    def take(self) -> list[Add]:
        """Return the first few requests of each owner, which wait no more; those of who has gone are forgotten."""
        taken: list[Add] = []
        counts = Counter[str]()
        waiting, self._waiting = self._waiting, []
        for request in filter(_is_wanted, waiting):
            owner = request.submission.owner
            counts[owner] += 1
            (taken if counts[owner] <= _FEW else self._waiting).append(request)
        return taken


def _is_wanted(request: Add) -> bool:
    return request.wanted
