"""A circuit as a list of plain operations on flat indices, without loops, aliases, expressions and gates of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Gate(msgspec.Struct, frozen=True, gc=False):
    """One of a few gates, with numbers as angles. The first `controls` of `qubits` are controls.

    Without controls it is one of x, y, z, h, s, sdg, t, tdg, sx, sxdg, rx, ry, rz, p, U, swap, rxx, ryy, rzz, with
    controls one of those on one qubit. `U` has the phase of u3.
    """

    name: str
    angles: tuple[float, ...]
    controls: int
    qubits: tuple[int, ...]
    at: int
    """The offset in the text."""


class Measure(msgspec.Struct, frozen=True, gc=False):
    """The measurement of `qubit` into `bit`."""

    qubit: int
    bit: int
    at: int


class Reset(msgspec.Struct, frozen=True, gc=False):
    """The reset of `qubit` to |0>."""

    qubit: int
    at: int


class Condition(msgspec.Struct, frozen=True, gc=False):
    """A comparison: `bits`, the lowest first, read as a number are `value`. They are one register, or one bit."""

    bits: tuple[int, ...]
    value: int


class Branch(msgspec.Struct, frozen=True, gc=False):
    """The operations `body` if `condition` holds as the statement is reached, else `otherwise`."""

    condition: Condition
    body: tuple[Operation, ...]
    otherwise: tuple[Operation, ...]
    at: int


Operation: TypeAlias = Gate | Measure | Reset | Branch


class PlainCircuit(msgspec.Struct, frozen=True, gc=False):
    """A circuit of `qubits` qubits."""

    qubits: int
    registers: tuple[int, ...]
    """The sizes of the classical registers in order of declaration."""
    operations: tuple[Operation, ...]

    @property
    def bits(self) -> int:
        """The number of classical bits."""
        return sum(self.registers)


def walk(operations: Iterable[Operation]) -> Iterator[Operation]:
    """Yield every operation in order; after a branch those of its body and those of its alternative."""
    for operation in operations:
        yield operation
        if isinstance(operation, Branch):
            yield from walk(operation.body)
            yield from walk(operation.otherwise)


def without_measurements(operations: tuple[Operation, ...]) -> tuple[Operation, ...]:
    """Return the operations except measurements outside of conditions."""
    return tuple(operation for operation in operations if not isinstance(operation, Measure))
