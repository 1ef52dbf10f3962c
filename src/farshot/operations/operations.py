"""A circuit as a list of plain operations on flat indices. Every loop, alias, formula and gate of its own is gone."""

from __future__ import annotations

from typing import TypeAlias

import msgspec


class Gate(msgspec.Struct, frozen=True, gc=False):
    """One of a few gates, with its angles worked out. The first `controls` of `qubits` are controls.

    Without controls it is one of x, y, z, h, s, sdg, t, tdg, sx, sxdg, rx, ry, rz, p, U, swap, rxx, ryy, rzz, with
    controls one of those on one qubit. `U` has the phase of u3. `at` is the offset in the text.
    """

    name: str
    angles: tuple[float, ...]
    controls: int
    qubits: tuple[int, ...]
    at: int


class Measure(msgspec.Struct, frozen=True, gc=False):
    """The outcome of `qubit` goes to `bit`."""

    qubit: int
    bit: int
    at: int


class Reset(msgspec.Struct, frozen=True, gc=False):
    """`qubit` becomes |0>."""

    qubit: int
    at: int


class Condition(msgspec.Struct, frozen=True, gc=False):
    """`bits`, the lowest first, read as a number are `value`. They are one register, or one bit."""

    bits: tuple[int, ...]
    value: int


class Branch(msgspec.Struct, frozen=True, gc=False):
    """`body` where `condition` holds as the statement is reached, else `otherwise`."""

    condition: Condition
    body: tuple[Operation, ...]
    otherwise: tuple[Operation, ...]
    at: int


Operation: TypeAlias = Gate | Measure | Reset | Branch


class PlainCircuit(msgspec.Struct, frozen=True, gc=False):
    """A circuit of `qubits` qubits. `registers` are the sizes of the classical registers in order of declaration."""

    qubits: int
    registers: tuple[int, ...]
    operations: tuple[Operation, ...]

    @property
    def bits(self) -> int:
        """The number of classical bits."""
        return sum(self.registers)


def without_measurements(operations: tuple[Operation, ...]) -> tuple[Operation, ...]:
    """Return the operations but for measurements that stand under no condition."""
    return tuple(operation for operation in operations if not isinstance(operation, Measure))
