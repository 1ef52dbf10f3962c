"""How long a circuit takes, by a glance at its text: for forecasts, which must cost nothing beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from farshot.protocols import Task

__all__ = ["amplitudes", "guess", "is_brief", "passes_of"]

_BRIEF = 0.1
"""What surely takes fewer seconds is not looked at any closer."""
_SHORTEST = 8
"""Characters of the shortest operation."""
_WIDEST = 200


def amplitudes(width: int) -> float:
    """Return how many a dense array has, up to what is as good as without end.

    >>> amplitudes(3), amplitudes(10_000) == amplitudes(200)
    (8.0, True)
    """
    return 2.0 ** min(width, _WIDEST)


def passes_of(task: Task) -> int:
    """Return how often the circuit is run: a dynamic one that is sampled once for each shot."""
    return task.shots if task.shots is not None and task.scan.tail is None else 1


def is_brief(task: Task, operation: float) -> bool:
    """Whether not even as many operations of so many seconds as the text has room for take long."""
    row = task.scan.row
    length = len(task.scan.written) if row is None else len(row.pattern.source)
    return passes_of(task) * operation * length < _BRIEF * _SHORTEST


def guess(task: Task, operation: float) -> float:
    """Return what the statements of the text take where each is an operation of so many seconds."""
    return passes_of(task) * operation * task.scan.text.count(";")
