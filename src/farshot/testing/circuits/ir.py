"""Circuits as data, which generators draw, writers print and a reference computes.

Qubits and bits are flat indices over all registers of their kind, in order of declaration. Angles are text: expressions
that OpenQASM 2, OpenQASM 3 and Python read alike, except for the name of the logarithm.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, pairwise


@dataclass(frozen=True, slots=True)
class Register:
    """Qubits or classical bits under one name. A scalar one has no index: `bit c;`."""

    name: str
    size: int
    classical: bool
    scalar: bool = False


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate. `modifiers` are words of OpenQASM 3 (`ctrl`, `negctrl`, `inv`), outermost first; each
    control takes one more qubit in front.
    """

    name: str
    qubits: tuple[int, ...]
    angles: tuple[str, ...] = ()
    modifiers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Measure:
    """A measurement of `qubit` to `bit`."""

    qubit: int
    bit: int


@dataclass(frozen=True, slots=True)
class Reset:
    """A reset of `qubit` to |0>."""

    qubit: int


@dataclass(frozen=True, slots=True)
class Barrier:
    """A barrier, which does nothing."""

    qubits: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Spread:
    """One statement on whole registers, which stands for `operations`."""

    operations: tuple[Gate | Measure | Reset, ...]
    whole: tuple[bool, ...]
    """For each operand, True if it is a register, whose elements the operations use in order."""


@dataclass(frozen=True, slots=True)
class Condition:
    """The condition that `bits`, the lowest first, read as a number are `value`. `whole`: they are one register."""

    bits: tuple[int, ...]
    value: int
    whole: bool


@dataclass(frozen=True, slots=True)
class If:
    """A branch: `body` if `condition` holds when the statement is reached, else `otherwise`."""

    condition: Condition
    body: tuple[Operation, ...]
    otherwise: tuple[Operation, ...] = ()


Operation = Gate | Measure | Reset | Barrier | Spread | If


@dataclass(frozen=True, slots=True)
class Definition:
    """A gate that the circuit defines. The qubits of its body are positions in `qubits`."""

    name: str
    angles: tuple[str, ...]
    qubits: tuple[str, ...]
    body: tuple[Gate, ...]


@dataclass(frozen=True, slots=True)
class Program:
    """A circuit. `registers` are in order of declaration."""

    version: int
    registers: tuple[Register, ...]
    operations: tuple[Operation, ...]
    definitions: tuple[Definition, ...] = ()
    late: bool = False
    """True if each register is declared just before the first statement that needs it."""
    physical: bool = False
    """True if the qubits are those of a device, `$0` and so on."""

    @property
    def qubits(self) -> int:
        """The number of qubits.

        >>> Program(2, (Register("q", 3, False), Register("c", 2, True)), ()).qubits
        3
        """
        return sum(register.size for register in self.registers if not register.classical)

    @property
    def bits(self) -> int:
        """The number of classical bits."""
        return sum(register.size for register in self.registers if register.classical)

    def spans(self, *, classical: bool) -> list[range]:
        """Return the flat indices of each register of one kind.

        >>> Program(2, (Register("a", 3, False), Register("c", 2, True), Register("b", 1, False)), ()).spans(
        ...     classical=False
        ... )
        [range(0, 3), range(3, 4)]
        """
        sizes = (register.size for register in self.registers if register.classical == classical)
        return [range(start, end) for start, end in pairwise(accumulate(sizes, initial=0))]
