"""Guesses of how long a circuit takes, from few searches in its text, for forecasts that take no time themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farshot.errors import CircuitError
from farshot.simulators.shots import operations_of

if TYPE_CHECKING:
    from farshot.openqasm.facts import Scan
    from farshot.operations.operations import Operation
    from farshot.protocols import Task


_MAX_BRIEF_SECONDS = 0.1
_MIN_OPERATION_CHARACTERS = 8
_LOOPED_OPERATIONS = 10_000
"""The operations of a circuit with loops: hardly one has more."""
_MAX_WIDTH = 200


def amplitudes(width: int) -> float:
    """Return how many amplitudes a dense array has, up to 2**200.

    >>> amplitudes(3), amplitudes(10_000) == amplitudes(200)
    (8.0, True)
    """
    return 2.0 ** min(width, _MAX_WIDTH)


def _count_passes(task: Task) -> int:
    """Return how often the circuit is run: once for each shot if it is dynamic and sampled."""
    return task.shots if task.shots is not None and task.scan.tail is None else 1


def is_brief(task: Task, operation: float) -> bool:
    """Return whether as many operations of `operation` seconds as the text has room for take less than 0.1 s."""
    row = task.scan.row
    text = task.scan.written if row is None else row.pattern.source
    operations = max(len(text) / _MIN_OPERATION_CHARACTERS, _LOOPED_OPERATIONS if "for" in text else 0)
    return _count_passes(task) * operation * operations < _MAX_BRIEF_SECONDS


def guess(task: Task, operation: float) -> float:
    """Return the seconds that the statements of the text take if each is one operation of `operation` seconds."""
    looped = looped_operations(task.scan)
    return _count_passes(task) * operation * (len(looped) if looped else task.scan.text.count(";"))


def looped_operations(scan: Scan) -> tuple[Operation, ...]:
    """Return the operations of a text with loops, which has fewer statements than operations; none of other texts."""
    if "for" not in scan.text:
        return ()
    try:
        return operations_of(scan)
    except CircuitError:
        return ()
