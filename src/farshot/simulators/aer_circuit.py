"""Building Qiskit's circuit from plain operations, without a text between."""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import library

from farshot.operations.gates import with_controlled_x_and_p
from farshot.operations.operations import Branch, Gate, Measure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from farshot.operations.operations import Condition, Operation, PlainCircuit


_UNCONTROLLED = {
    "x": library.XGate, "y": library.YGate, "z": library.ZGate, "h": library.HGate, "s": library.SGate,
    "sdg": library.SdgGate, "t": library.TGate, "tdg": library.TdgGate, "sx": library.SXGate,
    "sxdg": library.SXdgGate, "rx": library.RXGate, "ry": library.RYGate, "rz": library.RZGate,
    "p": library.PhaseGate, "U": library.UGate, "swap": library.SwapGate, "rxx": library.RXXGate,
    "ryy": library.RYYGate, "rzz": library.RZZGate,
}  # fmt: skip
_CONTROLLED_ONCE: dict[str, Callable[..., Any]] = {
    "x": library.CXGate, "y": library.CYGate, "z": library.CZGate, "p": library.CPhaseGate,
    "rx": library.CRXGate, "ry": library.CRYGate, "rz": library.CRZGate, "sx": library.CSXGate,
    "U": lambda theta, phi, lam: library.CUGate(theta, phi, lam, 0),
}  # fmt: skip


def circuit_of(program: PlainCircuit) -> QuantumCircuit:
    """Return the circuit of plain operations; its classical registers keep their order."""
    registers = [ClassicalRegister(size, f"c{number}") for number, size in enumerate(program.registers)]
    circuit = QuantumCircuit(QuantumRegister(program.qubits, "q"), *registers)
    starts = dict(zip(accumulate(program.registers, initial=0), registers, strict=False))
    _Builder(circuit, starts).build(program.operations)
    return circuit


class _Builder:
    """A circuit to which operations are appended. `starts` are the classical registers by their first bit."""

    def __init__(self, circuit: QuantumCircuit, starts: dict[int, ClassicalRegister]) -> None:
        self._circuit = circuit
        self._qubits = circuit.qubits
        self._bits = circuit.clbits
        self._starts = starts

    def build(self, operations: Iterable[Operation]) -> None:
        for operation in operations:
            if isinstance(operation, Gate):
                self._gate(operation)
            elif isinstance(operation, Measure):
                self._circuit.measure(self._qubits[operation.qubit], self._bits[operation.bit])
            elif isinstance(operation, Branch):
                self._branch(operation)
            else:
                self._circuit.reset(self._qubits[operation.qubit])

    def _gate(self, gate: Gate) -> None:
        known = _instance(gate.name, gate.angles, gate.controls)
        if known is None:
            self.build(with_controlled_x_and_p(gate))
        else:
            self._circuit.append(known, [self._qubits[qubit] for qubit in gate.qubits], copy=False)

    def _branch(self, branch: Branch) -> None:
        with self._circuit.if_test(self._condition(branch.condition)) as otherwise:
            self.build(branch.body)
        if branch.otherwise:
            with otherwise:
                self.build(branch.otherwise)

    def _condition(self, condition: Condition) -> tuple[Any, int]:
        first = condition.bits[0]
        if len(condition.bits) == 1:
            return self._bits[first], condition.value
        return self._starts[first], condition.value


@lru_cache(maxsize=4096)
def _instance(name: str, angles: tuple[float, ...], controls: int) -> Any:  # noqa: ANN401 -- Qiskit ships no types
    """Return Qiskit's gate; None if Aer runs none with so many controls."""
    if not controls:
        return _UNCONTROLLED[name](*angles)
    if controls == 1 and name in _CONTROLLED_ONCE:
        return _CONTROLLED_ONCE[name](*angles)
    if name == "x":
        return library.XGate().control(controls)
    return library.MCPhaseGate(angles[0], controls) if name == "p" else None
