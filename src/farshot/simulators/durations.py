"""How long a circuit takes, by a glance at its text: for forecasts, which must cost nothing beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farshot.errors import CircuitError
from farshot.simulators.shots import operations_of

if TYPE_CHECKING:
    from farshot.openqasm.facts import Scan
    from farshot.operations.operations import Operation
    from farshot.protocols import Task


_BRIEF = 0.1
"""What surely takes fewer seconds is not looked at any closer."""
_SHORTEST = 8
"""Characters of the shortest operation."""
_LOOPED = 10_000
"""Operations of a circuit with loops: hardly one has more."""
_WIDEST = 200


def amplitudes(width: int) -> float:
    """Return how many a dense array has, up to what is as good as without end.

    >>> amplitudes(3), amplitudes(10_000) == amplitudes(200)
    (8.0, True)
    """
    return 2.0 ** min(width, _WIDEST)


def _passes_of(task: Task) -> int:
    """Return how often the circuit is run: a dynamic one that is sampled once for each shot."""
    return task.shots if task.shots is not None and task.scan.tail is None else 1


def is_brief(task: Task, operation: float) -> bool:
    """Whether not even as many operations of so many seconds as the text has room for take long."""
    row = task.scan.row
    text = task.scan.written if row is None else row.pattern.source
    operations = max(len(text) / _SHORTEST, _LOOPED if "for" in text else 0)
    return _passes_of(task) * operation * operations < _BRIEF


def guess(task: Task, operation: float) -> float:
    """Return what the statements of the text take where each is an operation of so many seconds."""
    looped = looped_operations(task.scan)
    return _passes_of(task) * operation * (len(looped) if looped else task.scan.text.count(";"))


def looped_operations(scan: Scan) -> tuple[Operation, ...]:
    """Return the operations of a text with loops, which says them once for many; of all other texts none."""
    if "for" not in scan.text:
        return ()
    try:
        return operations_of(scan)
    except CircuitError:
        return ()
