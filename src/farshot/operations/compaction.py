"""Qubits that nothing touches: they stay |0>, so no simulator has to keep them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from farshot.operations.operations import Branch, Gate, Measure, PlainCircuit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from farshot.operations.operations import Operation


def touched(operations: Iterable[Operation]) -> set[int]:
    """Return the qubits that some gate acts on. Measuring or resetting |0> does nothing to it."""
    found: set[int] = set()
    for operation in operations:
        if isinstance(operation, Gate):
            found.update(operation.qubits)
        elif isinstance(operation, Branch):
            found |= touched(operation.body) | touched(operation.otherwise)
    return found


def written(operations: Iterable[Operation]) -> Iterator[Measure]:
    """Yield every measurement, those under conditions too."""
    for operation in operations:
        if isinstance(operation, Measure):
            yield operation
        elif isinstance(operation, Branch):
            yield from written(operation.body)
            yield from written(operation.otherwise)


def compacted(program: PlainCircuit) -> tuple[PlainCircuit, tuple[int, ...]]:
    """Return the program without the qubits that nothing touches, and which of the old ones the new ones are.

    An outcome of a qubit that is gone is 0. A bit holds 0 before anything is written, so most such measurements go
    too; those of a bit that others write as well measure one more qubit in the end, as does a program where else
    none would be left.
    """
    kept = sorted(touched(program.operations))
    places = {qubit: place for place, qubit in enumerate(kept)}
    measured = list(written(program.operations))
    shared = {each.bit for each in measured if each.qubit in places}
    if not shared:
        shared = {each.bit for each in measured}
    spare = not kept or any(each.qubit not in places and each.bit in shared for each in measured)
    return _moved(program, places, shared, len(kept) if spare else None), tuple(kept)


def _moved(program: PlainCircuit, places: Mapping[int, int], shared: set[int], spare: int | None) -> PlainCircuit:
    width = len(places) + (spare is not None)
    return PlainCircuit(width, program.registers, tuple(_each(program.operations, places, shared, spare)))


def _each(
    operations: Iterable[Operation], places: Mapping[int, int], shared: set[int], spare: int | None
) -> Iterator[Operation]:
    for operation in operations:
        if isinstance(operation, Gate):
            yield msgspec.structs.replace(operation, qubits=tuple(places[qubit] for qubit in operation.qubits))
        elif isinstance(operation, Branch):
            body = tuple(_each(operation.body, places, shared, spare))
            otherwise = tuple(_each(operation.otherwise, places, shared, spare))
            yield Branch(operation.condition, body, otherwise, operation.at)
        elif operation.qubit in places:
            yield msgspec.structs.replace(operation, qubit=places[operation.qubit])
        elif isinstance(operation, Measure) and operation.bit in shared and spare is not None:
            yield msgspec.structs.replace(operation, qubit=spare)
