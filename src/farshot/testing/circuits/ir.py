"""A circuit as data: what the generator draws, the writers print and a reference computes.

Qubits and bits are flat indices over all registers of their kind, in order of declaration. Angles stay
text: an expression that OpenQASM 2, OpenQASM 3 and Python read alike, but for the name of the logarithm.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "Barrier",
    "Condition",
    "Definition",
    "Gate",
    "If",
    "Measure",
    "Operation",
    "Program",
    "Register",
    "Reset",
    "Spread",
]


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
    """The outcome of `qubit` goes to `bit`."""

    qubit: int
    bit: int


@dataclass(frozen=True, slots=True)
class Reset:
    """`qubit` becomes |0>."""

    qubit: int


@dataclass(frozen=True, slots=True)
class Barrier:
    """Nothing happens."""

    qubits: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Spread:
    """One statement on whole registers; `operations` are what it stands for.

    `whole` says of each operand whether it is a register; all operations take such an operand from
    that register, in order.
    """

    operations: tuple[Gate | Measure | Reset, ...]
    whole: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Condition:
    """`bits`, the lowest first, read as a number are `value`. With `whole` they are one register."""

    bits: tuple[int, ...]
    value: int
    whole: bool


@dataclass(frozen=True, slots=True)
class If:
    """`body` where `condition` holds as the statement is reached, else `otherwise`."""

    condition: Condition
    body: tuple[Operation, ...]
    otherwise: tuple[Operation, ...] = ()


Operation = Gate | Measure | Reset | Barrier | Spread | If


@dataclass(frozen=True, slots=True)
class Definition:
    """A gate that the circuit defines; the qubits of its body are positions in `qubits`."""

    name: str
    angles: tuple[str, ...]
    qubits: tuple[str, ...]
    body: tuple[Gate, ...]


@dataclass(frozen=True, slots=True)
class Program:
    """A circuit. `registers` are in order of declaration; with `late` each is declared just before the
    first statement that needs it. With `physical` the qubits are those of a device, `$0` and so on.
    """

    version: int
    registers: tuple[Register, ...]
    operations: tuple[Operation, ...]
    definitions: tuple[Definition, ...] = ()
    late: bool = False
    physical: bool = False

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
        return _spans(register.size for register in self.registers if register.classical == classical)


def _spans(sizes: Iterable[int]) -> list[range]:
    return [range(start, end) for start, end in pairwise(accumulate(sizes, initial=0))]
