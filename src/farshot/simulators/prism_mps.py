"""Whether a circuit that no state vector holds may come out exact of matrix product states. Asked before it begins."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from prism_q import BackendKind, parse_qasm, simulate

from farshot.errors import CircuitError, FaultCode
from farshot.openqasm.lowering import lower
from farshot.operations.entanglement import bonds
from farshot.operations.operations import Gate, Measure, PlainCircuit
from farshot.operations.plain_text import write
from farshot.simulators.limits import amplitudes_size, dense_qubits, size_text

if TYPE_CHECKING:
    from farshot.openqasm.facts import Scan


BOND = 256
"""Bond dimension of `prism:mps`, also that of prism-q's own choice of matrix product states."""

LARGEST_BOND = BOND.bit_length() - 1
"""The bond dimension as a power of 2."""
STEP_SECONDS = 4e-8
"""Seconds that prism-q takes for a gate across one cut, by the cube of the bond: 2.3e-8 to 4.5e-8 were measured."""
_PATIENCE = 10.0
"""What is over after so many seconds is tried."""
_ENDLESS = 1e14
"""Steps after which nobody counts on."""
_REHEARSED = 16
_REHEARSAL = 75_000.0
"""Steps of a rehearsal for each qubit: 0.5 s for 40 qubits."""
_LOST = 0.9
"""A rehearsal that keeps less of the state than this is far from exact."""


@dataclass(frozen=True, slots=True)
class _Need:
    """The bond that exactness may need as a power of 2, the steps with bonds up to `BOND`, and how many operations
    a rehearsal has.
    """

    bond: int
    steps: float
    rehearsed: int

    @property
    def seconds(self) -> float:
        return self.steps * STEP_SECONDS


def check_exactness(scan: Scan) -> None:
    """Raise the fault `memory` where the circuit would take long and then be approximate.

    Gates bound the bond from above only, so prism-q rehearses the circuit, or the begin of it, with small bonds.
    """
    program = scan.program or lower(scan.text)
    need = _need(program)
    if need.bond <= LARGEST_BOND or need.seconds < _PATIENCE:
        return
    if _kept(program, need.rehearsed) < _LOST:
        raise CircuitError(FaultCode.MEMORY, _refusal(program.qubits, need))


def _need(program: PlainCircuit) -> _Need:
    budget = _REHEARSAL * program.qubits
    bond, steps, small, rehearsed = 0, 0.0, 0.0, 0
    for crossed in bonds(program, dense_qubits()):
        bond = max([bond, *crossed])
        steps += sum(8.0 ** min(each, LARGEST_BOND) for each in crossed)
        small += sum(min(2.0**each, _REHEARSED) ** 3 for each in crossed)
        rehearsed += small <= budget
        if steps > _ENDLESS:
            break
    return _Need(bond, steps, rehearsed)


def steps_of(program: PlainCircuit) -> float:
    """Return the steps of matrix product states of all qubits, with bonds up to `BOND`; those are counted no further
    after which nobody counts on.
    """
    steps = 0.0
    for crossed in bonds(program, 1):
        steps += sum(8.0 ** min(each, LARGEST_BOND) for each in crossed)
        if steps > _ENDLESS:
            break
    return steps


def _kept(program: PlainCircuit, count: int) -> float:
    """Return how much of the state small bonds keep, of the first `count` operations or what precedes a reset or
    condition.
    """
    static = takewhile(lambda operation: isinstance(operation, Gate | Measure), program.operations[:count])
    gates = tuple(operation for operation in static if isinstance(operation, Gate))
    circuit = parse_qasm(write(PlainCircuit(program.qubits, (), gates)).text)
    result = simulate(circuit).backend(BackendKind.mps(_REHEARSED)).expectation_values_reported([[(0, "Z")]])
    kept = result.metadata.fidelity_lower_bound
    return 1.0 if kept is None else kept


def _refusal(qubits: int, need: _Need) -> str:
    """Say what each method would take."""
    dense = f"a state vector of {size_text(amplitudes_size(qubits))}"
    states = f"matrix product states with bonds of up to 2**{need.bond}"
    size = size_text(2 * amplitudes_size(0) * BOND**2 * qubits)
    most = f"with the largest bonds, {BOND}, they take about {_duration(need)} and {size} and are approximate"
    return f"exact results for {qubits} qubits with these gates take {dense} or {states}; {most}: 'prism:mps' does that"


def _duration(need: _Need) -> str:
    if need.steps > _ENDLESS:
        return "weeks"
    return f"{need.seconds / 60:,.0f} min" if need.seconds < 2 * 3600 else f"{need.seconds / 3600:,.0f} h"
