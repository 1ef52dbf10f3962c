"""The removal of qubits that no gate acts on: they stay |0>, so no simulator has to keep them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from farshot.operations.operations import Branch, Gate, Measure, PlainCircuit, walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from farshot.operations.operations import Operation


def compacted(circuit: PlainCircuit) -> tuple[PlainCircuit, tuple[int, ...]]:
    """Return the circuit without the qubits that no gate acts on, and for each new qubit the old one.

    The outcome of a removed qubit is 0. A bit holds 0 before it is written, so most such measurements are removed
    too; those into a bit that other measurements write measure one additional qubit, as does one of a circuit that
    would keep none.
    """
    operations = list(walk(circuit.operations))
    kept = sorted({qubit for operation in operations if isinstance(operation, Gate) for qubit in operation.qubits})
    places = {qubit: place for place, qubit in enumerate(kept)}
    measures = [operation for operation in operations if isinstance(operation, Measure)]
    shared = {measure.bit for measure in measures if measure.qubit in places}
    if not shared:
        shared = {measure.bit for measure in measures}
    needs_spare = not kept or any(measure.qubit not in places and measure.bit in shared for measure in measures)
    spare = len(kept) if needs_spare else None
    moved = tuple(_move(circuit.operations, places, shared, spare))
    return PlainCircuit(len(kept) + needs_spare, circuit.registers, moved), tuple(kept)


def _move(
    operations: Iterable[Operation], places: Mapping[int, int], shared: set[int], spare: int | None
) -> Iterator[Operation]:
    for operation in operations:
        if isinstance(operation, Gate):
            yield msgspec.structs.replace(operation, qubits=tuple(places[qubit] for qubit in operation.qubits))
        elif isinstance(operation, Branch):
            body = tuple(_move(operation.body, places, shared, spare))
            otherwise = tuple(_move(operation.otherwise, places, shared, spare))
            yield Branch(operation.condition, body, otherwise, operation.at)
        elif operation.qubit in places:
            yield msgspec.structs.replace(operation, qubit=places[operation.qubit])
        elif isinstance(operation, Measure) and operation.bit in shared and spare is not None:
            yield msgspec.structs.replace(operation, qubit=spare)
