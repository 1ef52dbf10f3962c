"""How prism-q will go about a circuit, as far as that can be said by a glance before it begins.

What it chooses itself is known only once it has run. What runs for long is a state vector or matrix product states.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from farshot.model import Forecast
from farshot.openqasm.facts import Feature
from farshot.operations.operations import Gate, PlainCircuit
from farshot.simulators.durations import amplitudes, guess, is_brief, looped_operations
from farshot.simulators.limits import dense_qubits
from farshot.simulators.lowered import STABILIZED
from farshot.simulators.prism_mps import LARGEST_BOND, STEP_SECONDS, steps_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from farshot.openqasm.facts import Scan
    from farshot.protocols import Task


AMPLITUDE_SECONDS = 1.3e-9
"""What an operation was seen to take for each amplitude of a state vector."""
SMALL = 10
"""Up to this width a static circuit takes a moment, were its text half a megabyte."""
BRIEF = Forecast("prism")
"""The forecast of such a circuit, for which prism-q chooses the method."""
_RANKED = frozenset({*STABILIZED, "t", "tdg"})
_OPERAND = re.compile(r"\b(\w++)\[(\d{1,9})\]")


def forecast(task: Task, asked: str | None) -> Forecast:
    """Return how prism-q will run `task` when it is asked for the method `asked`, None where it chooses."""
    scan = task.scan
    product = asked == "mps" or (asked is None and scan.qubits > dense_qubits())
    operation = _operation(scan, product=product)
    clifford = asked is None and Feature.CLIFFORD in scan.features
    branches = asked is not None and scan.tail is None
    if clifford or branches or asked == "stabilizer" or is_brief(task, operation):
        return _by(asked)
    ties = _ties(scan)
    if asked is None and (_may_be_ranked(task) or not _is_tied(ties, scan.qubits)):
        return _by(None)
    if scan.tail is None:
        return _by("mps" if product else "statevector")
    return Forecast("prism", "mps", _product_seconds(ties, scan.qubits)) if product else _dense(task, operation)


@lru_cache(maxsize=8)
def _by(method: str | None) -> Forecast:
    """Return the forecast that says no time: a dynamic circuit takes as long as its measurements branch."""
    return Forecast("prism", method)


def _dense(task: Task, operation: float) -> Forecast:
    return Forecast("prism", "statevector", guess(task, operation))


def _operation(scan: Scan, *, product: bool) -> float:
    """Return what an operation takes at most, of matrix product states or of a state vector."""
    if product:
        return STEP_SECONDS * 8.0 ** min(scan.qubits // 2, LARGEST_BOND)
    return AMPLITUDE_SECONDS * amplitudes(scan.qubits)


def _may_be_ranked(task: Task) -> bool:
    """Whether prism-q may sample the circuit as a sum of stabilizer states."""
    return task.shots is not None and task.scan.tail is not None and task.scan.library_gates <= _RANKED


def _ties(scan: Scan) -> list[tuple[int, ...]]:
    """Return the qubits of each statement that names several, in order. What ties whole registers is not seen."""
    looped = looped_operations(scan)
    if looped:
        return [each.qubits for each in looped if isinstance(each, Gate) and len(each.qubits) > 1]
    places: dict[tuple[str, int], int] = {}
    for name, size in scan.qubit_names:
        for index in range(size or 1):
            places[name, index] = len(places)
    return list(_named(scan.text[scan.body_from :], places))


def _named(text: str, places: Mapping[tuple[str, int], int]) -> Iterator[tuple[int, ...]]:
    for statement in text.split(";"):
        if "," in statement and "barrier" not in statement:
            named = ((name, int(index)) for name, index in _OPERAND.findall(statement))
            tie = tuple(places[each] for each in named if each in places)
            if len(tie) > 1:
                yield tie


def _is_tied(ties: Sequence[tuple[int, ...]], qubits: int) -> bool:
    """Whether the ties make one block of all qubits, which prism-q does not take apart.

    >>> _is_tied([(0, 1), (2, 3)], 4), _is_tied([(0, 1), (2, 3), (1, 2)], 4)
    (False, True)
    """
    tied = list(range(qubits))

    def root(qubit: int) -> int:
        while tied[qubit] != qubit:
            tied[qubit] = qubit = tied[tied[qubit]]
        return qubit

    for first, *others in set(ties):
        for other in others:
            tied[root(other)] = root(first)
    return len({root(qubit) for qubit in range(qubits)}) == 1


def _product_seconds(ties: Sequence[tuple[int, ...]], qubits: int) -> float:
    """Return what matrix product states take: as much as the bonds that the gates may need, up to the largest."""
    gates = tuple(Gate("rxx", (), 0, tie, 0) for tie in ties)
    return STEP_SECONDS * steps_of(PlainCircuit(qubits, (), gates))
