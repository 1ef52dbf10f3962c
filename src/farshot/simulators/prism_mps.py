"""The check, before a circuit too wide for a state vector runs, that matrix product states may be exact."""

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
from farshot.simulators.shots import duration_text

if TYPE_CHECKING:
    from farshot.openqasm.facts import Scan


BOND = 256
"""The bond dimension of `prism:mps`, and of matrix product states that prism-q chooses itself."""

MAX_BOND_EXPONENT = BOND.bit_length() - 1
"""The bond dimension as a power of 2."""
STEP_SECONDS = 4e-8
"""Seconds of a gate across one cut, for each cube of the bond: 2.3e-8 to 4.5e-8 were measured."""
_MAX_TRIED_SECONDS = 10.0
"""A circuit that takes less is run without a rehearsal."""
_MAX_STEPS = 1e14
"""Counting ends after so many steps."""
_REHEARSAL_BOND = 16
_REHEARSAL_STEPS = 75_000.0
"""Steps of a rehearsal for each qubit: 0.5 s for 40 qubits."""
_MIN_FIDELITY = 0.9
"""A circuit whose rehearsal keeps less of the state is far from exact."""


@dataclass(frozen=True, slots=True)
class _Need:
    """The resources that an exact run may need."""

    bond: int
    """The bond, as a power of 2."""
    steps: float
    """The steps with bonds up to `BOND`."""
    rehearsed: int
    """The number of operations of a rehearsal."""

    @property
    def seconds(self) -> float:
        return self.steps * STEP_SECONDS


def check_exactness(scan: Scan) -> None:
    """Raise the fault `memory` if the circuit would take long and then be approximate.

    Gates give only an upper bound of the bond, so prism-q rehearses the circuit, or its beginning, with small bonds.
    """
    program = scan.program or lower(scan.text)
    need = _need(program)
    if need.bond <= MAX_BOND_EXPONENT or need.seconds < _MAX_TRIED_SECONDS:
        return
    if _rehearsed_fidelity(program, need.rehearsed) < _MIN_FIDELITY:
        raise CircuitError(FaultCode.MEMORY, _refusal(program.qubits, need))


def _need(program: PlainCircuit) -> _Need:
    budget = _REHEARSAL_STEPS * program.qubits
    bond, steps, small, rehearsed = 0, 0.0, 0.0, 0
    for crossed in bonds(program, dense_qubits()):
        bond = max([bond, *crossed])
        steps += sum(8.0 ** min(each, MAX_BOND_EXPONENT) for each in crossed)
        small += sum(min(2.0**each, _REHEARSAL_BOND) ** 3 for each in crossed)
        rehearsed += small <= budget
        if steps > _MAX_STEPS:
            break
    return _Need(bond, steps, rehearsed)


def steps_of(program: PlainCircuit) -> float:
    """Return the steps of matrix product states of all qubits with bonds up to `BOND`, counted up to 1e14."""
    steps = 0.0
    for crossed in bonds(program, 1):
        steps += sum(8.0 ** min(each, MAX_BOND_EXPONENT) for each in crossed)
        if steps > _MAX_STEPS:
            break
    return steps


def _rehearsed_fidelity(program: PlainCircuit, count: int) -> float:
    """Return the fidelity of the first `count` operations, up to a reset or condition, with small bonds."""
    static = takewhile(lambda operation: isinstance(operation, Gate | Measure), program.operations[:count])
    gates = tuple(operation for operation in static if isinstance(operation, Gate))
    circuit = parse_qasm(write(PlainCircuit(program.qubits, (), gates)).text)
    result = simulate(circuit).backend(BackendKind.mps(_REHEARSAL_BOND)).expectation_values_reported([[(0, "Z")]])
    fidelity = result.metadata.fidelity_lower_bound
    return 1.0 if fidelity is None else fidelity


def _refusal(qubits: int, need: _Need) -> str:
    """Return the message with the time and memory of each method."""
    dense = f"a state vector of {size_text(amplitudes_size(qubits))}"
    states = f"matrix product states with bonds of up to 2**{need.bond}"
    size = size_text(2 * amplitudes_size(0) * BOND**2 * qubits)
    duration = "weeks" if need.steps > _MAX_STEPS else duration_text(need.seconds)
    limit = f"with the largest bonds, {BOND}, they take about {duration} and {size} and are approximate"
    return (
        f"exact results for {qubits} qubits with these gates take {dense} or {states}; {limit}: 'prism:mps' does that"
    )
