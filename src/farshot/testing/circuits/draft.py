"""Drafts of circuits: registers, a palette of gates, and operations that are drawn one at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from farshot.testing.circuits.ir import Condition, Definition, Gate, Measure, Program, Register, Reset, Spread
from farshot.testing.circuits.library import (
    CLIFFORD,
    CONTROLLABLE,
    LIBRARY,
    Kind,
    angle,
    angle_names,
    angle_of,
    bit_names,
    gate_names,
    qubit_names,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from farshot.testing.circuits.ir import Operation

_FORMAL_QUBITS = ("a", "q", "c", "b", "t")


def parts(rng: Random, total: int, limit: int) -> list[int]:
    """Cut `total` at random into at most `limit` positive sizes.

    >>> from random import Random
    >>> sum(parts(Random(1), 7, 3))
    7
    """
    cuts = sorted(rng.sample(range(1, total), rng.randint(0, min(limit, total) - 1)))
    return [end - start for start, end in zip([0, *cuts], [*cuts, total], strict=True)]


@dataclass
class Draft:
    """A circuit that is being drawn."""

    rng: Random
    version: int
    registers: tuple[Register, ...]
    palette: list[Kind]
    definitions: list[Definition] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)

    @property
    def qubits(self) -> range:
        """All qubits."""
        return range(sum(register.size for register in self.registers if not register.classical))

    @property
    def bits(self) -> range:
        """All classical bits."""
        return range(sum(register.size for register in self.registers if register.classical))

    def program(self) -> Program:
        """Return the circuit drawn so far. One in eight declares its registers late, and one in eight of OpenQASM 3 has
        physical qubits.
        """
        late = self.rng.random() < 0.125
        physical = self.version == 3 and not late and self.rng.random() < 0.125
        return Program(self.version, self.registers, tuple(self.operations), tuple(self.definitions), late, physical)

    def spans(self, *, classical: bool) -> list[range]:
        """Return the flat indices of each register of one kind."""
        return Program(self.version, self.registers, ()).spans(classical=classical)

    def chance(self, probability: float) -> bool:
        """Return whether a random event of this probability happens."""
        return self.rng.random() < probability

    def gate(self, qubits: Sequence[int]) -> Gate:
        """Draw a gate on some of `qubits`."""
        kind = self.rng.choice([kind for kind in self.palette if kind.qubits <= len(qubits)])
        modifiers = self.modifiers(kind, len(qubits))
        width = kind.qubits + sum(modifier != "inv" for modifier in modifiers)
        angles = tuple(angle(self.rng, self.version) for _ in range(kind.angles))
        return Gate(kind.name, tuple(self.rng.sample(qubits, width)), angles, modifiers)

    def modifiers(self, kind: Kind, room: int) -> tuple[str, ...]:
        """Draw the modifiers of a gate. One gate in six of OpenQASM 3 has some."""
        if self.version == 2 or not self.chance(1 / 6):
            return ()
        if kind.name not in CONTROLLABLE or kind.qubits == room:
            return ("inv",)
        return self.rng.choice([("inv",), ("ctrl",), ("negctrl",), ("ctrl", "inv"), ("inv", "ctrl")])

    def measure(self, qubits: Sequence[int]) -> Measure:
        """Measure one of `qubits` to any bit."""
        return Measure(self.rng.choice(qubits), self.rng.choice(self.bits))

    def reset(self, qubits: Sequence[int]) -> Reset:
        """Reset one of `qubits`."""
        return Reset(self.rng.choice(qubits))

    def condition(self) -> Condition:
        """Draw a condition on a register, or with OpenQASM 3 equally often on one bit."""
        span = self.rng.choice(self.spans(classical=True))
        if self.version == 3 and (self.chance(0.5) or self.is_scalar(span)):
            return Condition((self.rng.choice(span),), self.rng.randint(0, 1), whole=False)
        value = self.rng.choice([0, 1, self.rng.randrange(2 ** len(span))])
        return Condition(tuple(span), value, whole=True)

    def is_scalar(self, span: range) -> bool:
        """Return whether the bits are declared as a scalar, which cannot be compared with a number."""
        classical = [register for register in self.registers if register.classical]
        return classical[self.spans(classical=True).index(span)].scalar

    def spread_gate(self) -> Spread:
        """Draw one gate on a whole register, perhaps controlled by a qubit outside of it."""
        span = self.rng.choice(self.spans(classical=False))
        outside = [qubit for qubit in self.qubits if qubit not in span]
        name = self.rng.choice(["h", "x", "s", "z"])
        if outside and self.chance(0.4):
            control = self.rng.choice(outside)
            return Spread(tuple(Gate("cx", (control, qubit)) for qubit in span), whole=(False, True))
        return Spread(tuple(Gate(name, (qubit,)) for qubit in span), whole=(True,))

    def spread_reset(self) -> Spread:
        """Reset a whole register."""
        return Spread(tuple(map(Reset, self.rng.choice(self.spans(classical=False)))), whole=(True,))

    def spread_measure(self) -> Spread | None:
        """Measure a register to another one of the same size; None if there is none."""
        bits = self.spans(classical=True)
        pairs = [(q, b) for q in self.spans(classical=False) for b in bits if len(q) == len(b)]
        if not pairs:
            return None
        qubits, target = self.rng.choice(pairs)
        return Spread(tuple(map(Measure, qubits, target)), whole=(True, True))

    def define(self, name: str) -> None:
        """Define a gate by gates of the palette, and add it to the palette."""
        count = self.rng.randint(1, 3)
        parameters = angle_names(self.rng, self.rng.randint(0, 2))
        body = tuple(self.body_gate(range(count), parameters) for _ in range(self.rng.randint(1, 4)))
        formals = tuple(name for name in _FORMAL_QUBITS if name not in parameters)[:count]
        self.definitions.append(Definition(name, tuple(parameters), formals, body))
        self.palette.append(Kind(name, len(parameters), count))

    def body_gate(self, qubits: Sequence[int], parameters: Sequence[str]) -> Gate:
        """Draw a gate in the body of a definition."""
        gate = self.gate(qubits)
        angles = tuple(angle_of(self.rng, self.version, parameters) for _ in gate.angles)
        return Gate(gate.name, gate.qubits, angles, gate.modifiers)


def _registers(rng: Random, version: int, qubits: int, bits: int) -> tuple[Register, ...]:
    quantum, classical = parts(rng, qubits, 4), parts(rng, bits, 4)
    registers = []
    for is_classical, sizes, draw_names in ((False, quantum, qubit_names), (True, classical, bit_names)):
        for name, size in zip(draw_names(rng, version, len(sizes)), sizes, strict=True):
            scalar = version == 3 and size == 1 and rng.random() < 0.5
            registers.append(Register(name, size, classical=is_classical, scalar=scalar))
    return tuple(rng.sample(registers, len(registers)))


def begin(rng: Random, qubits: int) -> Draft:
    """Draw the version, the registers and the palette of a circuit of this width."""
    version = rng.choice((2, 2, 3))
    bits = rng.randint(1, qubits + 2)
    names = gate_names(rng, version, rng.randint(1, 3)) if rng.random() < 0.3 else []
    gates = CLIFFORD if rng.random() < 0.2 else LIBRARY[version]
    palette = [kind for kind in gates if kind.name not in names]
    draft = Draft(rng, version, _registers(rng, version, qubits, bits), palette)
    for name in names:
        draft.define(name)
    return draft
