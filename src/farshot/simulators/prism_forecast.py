"""The forecast of how prism-q runs a circuit, as far as a search in its text shows.

The method that prism-q chooses itself is known only once the circuit has run. Only state vectors and matrix product
states run for long.
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
from farshot.simulators.prism_mps import MAX_BOND_EXPONENT, STEP_SECONDS, steps_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from farshot.openqasm.facts import Scan
    from farshot.protocols import Task


AMPLITUDE_SECONDS = 1.3e-9
"""The measured time of an operation for each amplitude of a state vector."""
MAX_BRIEF_QUBITS = 10
"""Up to this width a static circuit takes a moment, even one with half a megabyte of text."""
BRIEF = Forecast("prism")
"""The forecast of such a circuit, for which prism-q chooses the method."""
_RANKED_GATES = frozenset({*STABILIZED, "t", "tdg"})
_OPERAND = re.compile(r"\b(\w++)\[(\d{1,9})\]")


def forecast(task: Task, asked: str | None) -> Forecast:
    """Return how prism-q runs `task` if it is asked for the method `asked`; with None it chooses."""
    scan = task.scan
    is_mps = asked == "mps" or (asked is None and scan.qubits > dense_qubits())
    operation = _operation_seconds(scan, is_mps=is_mps)
    is_clifford = asked is None and Feature.CLIFFORD in scan.features
    is_branching = asked is not None and scan.tail is None
    if is_clifford or is_branching or asked == "stabilizer" or is_brief(task, operation):
        return _untimed(asked)
    couplings = _couplings(scan)
    if asked is None and (_may_be_ranked(task) or not _is_connected(couplings, scan.qubits)):
        return _untimed(None)
    if scan.tail is None:
        return _untimed("mps" if is_mps else "statevector")
    if is_mps:
        return Forecast("prism", "mps", _mps_seconds(couplings, scan.qubits))
    return Forecast("prism", "statevector", guess(task, operation))


@lru_cache(maxsize=8)
def _untimed(method: str | None) -> Forecast:
    """Return the forecast without a time: that of a dynamic circuit depends on how its measurements branch."""
    return Forecast("prism", method)


def _operation_seconds(scan: Scan, *, is_mps: bool) -> float:
    """Return the most that an operation takes, with matrix product states or a state vector."""
    if is_mps:
        return STEP_SECONDS * 8.0 ** min(scan.qubits // 2, MAX_BOND_EXPONENT)
    return AMPLITUDE_SECONDS * amplitudes(scan.qubits)


def _may_be_ranked(task: Task) -> bool:
    """Return whether prism-q may sample the circuit as a sum of stabilizer states."""
    return task.shots is not None and task.scan.tail is not None and task.scan.library_gates <= _RANKED_GATES


def _couplings(scan: Scan) -> list[tuple[int, ...]]:
    """Return the qubits of each statement with several, in order, without statements on whole registers."""
    looped = looped_operations(scan)
    if looped:
        return [each.qubits for each in looped if isinstance(each, Gate) and len(each.qubits) > 1]
    places: dict[tuple[str, int], int] = {}
    for name, size in scan.qubit_names:
        for index in range(size or 1):
            places[name, index] = len(places)
    return list(_text_couplings(scan.text[scan.body_from :], places))


def _text_couplings(text: str, places: Mapping[tuple[str, int], int]) -> Iterator[tuple[int, ...]]:
    for statement in text.split(";"):
        if "," in statement and "barrier" not in statement:
            named = ((name, int(index)) for name, index in _OPERAND.findall(statement))
            coupling = tuple(places[each] for each in named if each in places)
            if len(coupling) > 1:
                yield coupling


def _is_connected(couplings: Sequence[tuple[int, ...]], qubits: int) -> bool:
    """Return whether the couplings join all qubits to one block, which prism-q does not split.

    >>> _is_connected([(0, 1), (2, 3)], 4), _is_connected([(0, 1), (2, 3), (1, 2)], 4)
    (False, True)
    """
    parents = list(range(qubits))

    def root(qubit: int) -> int:
        while parents[qubit] != qubit:
            parents[qubit] = qubit = parents[parents[qubit]]
        return qubit

    for first, *others in set(couplings):
        for other in others:
            parents[root(other)] = root(first)
    return len({root(qubit) for qubit in range(qubits)}) == 1


def _mps_seconds(couplings: Sequence[tuple[int, ...]], qubits: int) -> float:
    """Return the seconds of matrix product states with the bonds that the gates may need, up to the largest."""
    gates = tuple(Gate("rxx", (), 0, coupling, 0) for coupling in couplings)
    return STEP_SECONDS * steps_of(PlainCircuit(qubits, (), gates))
