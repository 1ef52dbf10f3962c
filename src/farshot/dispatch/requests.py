"""What other threads ask of a dispatcher's thread."""

from __future__ import annotations

import queue
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from farshot.model import JobRecord
    from farshot.submission import Submission

__all__ = ["Add", "Wake"]


class Wake:
    """Asks the thread to look at the store now."""


@dataclass(slots=True)
class Add:
    """Asks the thread to add a job, unless whoever asked has gone, and to put down what became of that."""

    submission: Submission
    answer: queue.SimpleQueue[JobRecord | Exception] = field(default_factory=queue.SimpleQueue)
    wanted: bool = True
