"""A circuit as plain OpenQASM 3: one statement a line, without expressions."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from farshot.operations.operations import Branch, Gate, Measure, walk

if TYPE_CHECKING:
    from collections.abc import Iterable

    from farshot.operations.operations import Condition, Operation, PlainCircuit


_HEAD = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'
_ONE_CONTROL = {"x": "cx", "y": "cy", "z": "cz", "h": "ch", "p": "cp", "rx": "crx", "ry": "cry", "rz": "crz"}
_PHASES = {"s": "pi/2", "sdg": "-pi/2", "t": "pi/4", "tdg": "-pi/4"}


@dataclass(frozen=True, slots=True)
class PlainText:
    """A text: its declarations and its statements, one a line."""

    head: str
    lines: tuple[str, ...]
    places: tuple[int, ...]
    """For each of the lines the offset in the source that it comes from."""
    first_measure: int | None
    """The position of the first measurement among the lines, None if nothing is measured."""

    @property
    def text(self) -> str:
        """The whole text."""
        return self.head + "".join(self.lines)

    @property
    def tail(self) -> int:
        """The number of characters from the start of the first measurement on."""
        return 0 if self.first_measure is None else sum(map(len, self.lines[self.first_measure :]))

    def origin(self, line: int) -> int | None:
        """Return the offset in the source that line `line`, from 1, comes from; None for a declaration."""
        place = line - 1 - self.head.count("\n")
        return self.places[place] if 0 <= place < len(self.places) else None


def write(circuit: PlainCircuit) -> PlainText:
    """Return the circuit as text."""
    writer = _Writer(circuit)
    writer.write(circuit.operations)
    bits = "".join(f"bit[{size}] c{number};\n" for number, size in enumerate(circuit.registers))
    head = f"{_HEAD}qubit[{circuit.qubits}] q;\n{bits}"
    return PlainText(head, tuple(writer.lines), tuple(writer.places), writer.first_measure)


class _Writer:
    def __init__(self, circuit: PlainCircuit) -> None:
        self._starts = [0, *accumulate(circuit.registers)]
        self.lines: list[str] = []
        self.places: list[int] = []
        self.first_measure: int | None = None

    def write(self, operations: Iterable[Operation]) -> None:
        for operation in operations:
            if isinstance(operation, Gate):
                self._add_line(_gate_text(operation), operation.at)
            elif isinstance(operation, Measure):
                if self.first_measure is None:
                    self.first_measure = len(self.lines)
                self._add_line(f"{self._bit(operation.bit)} = measure q[{operation.qubit}];", operation.at)
            elif isinstance(operation, Branch):
                self._write_branch(operation)
            else:
                self._add_line(f"reset q[{operation.qubit}];", operation.at)

    def _add_line(self, line: str, at: int) -> None:
        self.lines.append(f"{line}\n")
        self.places.append(at)

    def _write_branch(self, branch: Branch) -> None:
        """Write a branch; without `else` and with the alternative first if only the body changes the condition."""
        condition, body, otherwise = branch.condition, branch.body, branch.otherwise
        if body and otherwise and _overwrites(body, condition) and not _overwrites(otherwise, condition):
            self._write_if(Branch(condition, (), otherwise, branch.at))
            self._write_if(Branch(condition, body, (), branch.at))
        elif body or otherwise:
            self._write_if(branch)

    def _write_if(self, branch: Branch) -> None:
        self._add_line(f"if ({self._condition(branch.condition, '==' if branch.body else '!=')}) {{", branch.at)
        self.write(branch.body or branch.otherwise)
        if branch.body and branch.otherwise:
            self._add_line("} else {", branch.at)
            self.write(branch.otherwise)
        self._add_line("}", branch.at)

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
    bits = {operation.bit for operation in walk(operations) if isinstance(operation, Measure)}
    return not bits.isdisjoint(condition.bits)


def _gate_text(gate: Gate) -> str:
    angles = f"({','.join(map(repr, gate.angles))})" if gate.angles else ""
    return f"{_gate_name(gate)}{angles} {','.join([f'q[{qubit}]' for qubit in gate.qubits])};"


def _gate_name(gate: Gate) -> str:
    if not gate.controls:
        return gate.name
    name = f"p({_PHASES[gate.name]})" if gate.name in _PHASES else gate.name
    if gate.controls == 1:
        return _ONE_CONTROL.get(gate.name) or (f"c{name}" if gate.name in _PHASES else f"ctrl @ {name}")
    if gate.controls == 2 and gate.name == "x":
        return "ccx"
    return "ctrl @ " * gate.controls + name
