"""Final measurements: nothing but measurements follows on their qubit, and no later condition reads their bit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qiskit.circuit import ControlFlowOp

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qiskit import QuantumCircuit


def without_final_measurements(circuit: QuantumCircuit) -> QuantumCircuit:
    """Return `circuit` without its final measurements: its state is what observables are measured of."""
    kept: list[Any] = []
    used: set[Any] = set()
    read: set[Any] = set()
    for item in reversed(circuit.data):
        if item.operation.name == "measure" and not (used.intersection(item.qubits) or read.intersection(item.clbits)):
            continue
        kept.append(item)
        if item.operation.name != "barrier":
            used.update(item.qubits)
        read.update(_read(item.operation, item.clbits))
    left = circuit.copy_empty_like()
    for item in reversed(kept):
        left.append(item)
    return left


def _read(operation: Any, bits: Iterable[Any]) -> Iterable[Any]:  # noqa: ANN401 -- Qiskit ships no types
    """Return the bits of an operation that its conditions may read: of one that holds others, all of them."""
    return bits if isinstance(operation, ControlFlowOp) else ()
