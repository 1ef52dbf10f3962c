"""A program as OpenQASM 3 of the plainest kind: one statement a line, every number worked out."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from farshot.operations.compaction import written
from farshot.operations.operations import Branch, Gate, Measure

if TYPE_CHECKING:
    from collections.abc import Iterable

    from farshot.operations.operations import Condition, Operation, PlainCircuit


_HEAD = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'
_ONE_CONTROL = {"x": "cx", "y": "cy", "z": "cz", "h": "ch", "p": "cp", "rx": "crx", "ry": "cry", "rz": "crz"}
_PHASES = {"s": "pi/2", "sdg": "-pi/2", "t": "pi/4", "tdg": "-pi/4"}


@dataclass(frozen=True, slots=True)
class PlainText:
    """A text: its declarations, its statements a line each, and for each of these lines the offset it comes from.

    The first measurement is in the statement number `first_measure`, None where nothing is measured.
    """

    head: str
    lines: tuple[str, ...]
    places: tuple[int, ...]
    first_measure: int | None

    @property
    def text(self) -> str:
        """All of it."""
        return self.head + "".join(self.lines)

    @property
    def tail(self) -> int:
        """How many characters follow the start of the first measurement."""
        return 0 if self.first_measure is None else sum(map(len, self.lines[self.first_measure :]))

    def origin(self, line: int) -> int | None:
        """Return the offset that the line of this number comes from, counted from 1; None for a declaration."""
        place = line - 1 - self.head.count("\n")
        return self.places[place] if 0 <= place < len(self.places) else None


def write(program: PlainCircuit) -> PlainText:
    """Return the program as text."""
    writer = _Writer(program)
    writer.write(program.operations)
    return PlainText(writer.head(), tuple(writer.lines), tuple(writer.places), writer.first_measure)


class _Writer:
    def __init__(self, program: PlainCircuit) -> None:
        self._program = program
        self._starts = [0, *accumulate(program.registers)]
        self.lines: list[str] = []
        self.places: list[int] = []
        self.first_measure: int | None = None

    def head(self) -> str:
        bits = "".join(f"bit[{size}] c{number};\n" for number, size in enumerate(self._program.registers))
        return f"{_HEAD}qubit[{self._program.qubits}] q;\n{bits}"

    def write(self, operations: Iterable[Operation]) -> None:
        for operation in operations:
            if isinstance(operation, Gate):
                self._line(_gate(operation), operation.at)
            elif isinstance(operation, Measure):
                self._measure(operation)
            elif isinstance(operation, Branch):
                self._branch(operation)
            else:
                self._line(f"reset q[{operation.qubit}];", operation.at)

    def _line(self, line: str, at: int) -> None:
        self.lines.append(f"{line}\n")
        self.places.append(at)

    def _measure(self, operation: Measure) -> None:
        if self.first_measure is None:
            self.first_measure = len(self.lines)
        self._line(f"{self._bit(operation.bit)} = measure q[{operation.qubit}];", operation.at)

    def _branch(self, branch: Branch) -> None:
        if branch.body and branch.otherwise and _overwrites(branch.body, branch.condition):
            self._swapped(branch)
        elif branch.body or branch.otherwise:
            self._whole(branch)

    def _swapped(self, branch: Branch) -> None:
        """Write what happens otherwise first: the body changes what the condition reads, and has no `else` then."""
        if _overwrites(branch.otherwise, branch.condition):
            self._whole(branch)
            return
        self._whole(Branch(branch.condition, (), branch.otherwise, branch.at))
        self._whole(Branch(branch.condition, branch.body, (), branch.at))

    def _whole(self, branch: Branch) -> None:
        self._line(f"if ({self._condition(branch.condition, '==' if branch.body else '!=')}) {{", branch.at)
        self.write(branch.body or branch.otherwise)
        if branch.body and branch.otherwise:
            self._line("} else {", branch.at)
            self.write(branch.otherwise)
        self._line("}", branch.at)

    def _condition(self, condition: Condition, sign: str) -> str:
        bits = condition.bits
        if len(bits) > 1:
            return f"c{self._register(bits[0])} {sign} {condition.value}"
        value = condition.value if sign == "==" else 1 - condition.value
        return f"{self._bit(bits[0])} == {value}"

    def _bit(self, bit: int) -> str:
        register = self._register(bit)
        return f"c{register}[{bit - self._starts[register]}]"

    def _register(self, bit: int) -> int:
        return bisect_right(self._starts, bit) - 1


def _overwrites(operations: Iterable[Operation], condition: Condition) -> bool:
    return not {each.bit for each in written(operations)}.isdisjoint(condition.bits)


def _gate(gate: Gate) -> str:
    name = _name(gate)
    angles = f"({','.join(map(repr, gate.angles))})" if gate.angles else ""
    return f"{name}{angles} {','.join([f'q[{qubit}]' for qubit in gate.qubits])};"


def _name(gate: Gate) -> str:
    if not gate.controls:
        return gate.name
    name = f"p({_PHASES[gate.name]})" if gate.name in _PHASES else gate.name
    if gate.controls == 1:
        return _ONE_CONTROL.get(gate.name) or (f"c{name}" if gate.name in _PHASES else f"ctrl @ {name}")
    if gate.controls == 2 and gate.name == "x":
        return "ccx"
    return "ctrl @ " * gate.controls + name
