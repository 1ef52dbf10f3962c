"""The operations that a text stands for, collected while it is read: gates of its own and modifiers are written out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farshot.openqasm.expressions import evaluate
from farshot.openqasm.limits import MAX_NESTING, MAX_OPERATIONS
from farshot.openqasm.output import Output, Use
from farshot.openqasm.refusal import reject_limit, reject_unsupported
from farshot.operations.gates import controlled, inverted, library_gate, raised, root
from farshot.operations.operations import Branch, Gate, Measure, PlainCircuit, Reset

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from farshot.openqasm.library import Call, Modifier
    from farshot.openqasm.output import Case
    from farshot.operations.operations import Operation


_REMEMBERED = 100_000
"""Gates of expansions that are kept for the next use."""


class Recorder(Output):
    """Collects the operations of a text of OpenQASM `version`."""

    def __init__(self, version: int) -> None:
        """Hold nothing yet."""
        self._version = version
        self._registers: list[int] = []
        self._bodies: list[list[Operation]] = [[]]
        self._expansions: dict[Use, tuple[Gate, ...]] = {}
        self._remembered = 0
        self._work = 0
        self._at = 0

    def program(self, qubits: int) -> PlainCircuit:
        """Return what was collected."""
        return PlainCircuit(qubits, tuple(self._registers), tuple(self._bodies[0]))

    def register(self, size: int) -> None:
        """Take a classical register."""
        self._registers.append(size)

    def gate(self, use: Use, columns: Sequence[Sequence[int]], at: int) -> None:
        """Take a gate, once for every row of `columns`, which has one column for each operand."""
        self._at = at
        gates = [gate for gate in self._expansion(use) if gate.name != "gphase"]
        for row in zip(*columns, strict=True):
            self._count(len(gates))
            self._bodies[-1] += [_placed(gate, row, at) for gate in gates]

    def measure(self, pairs: Iterable[tuple[int, int]], at: int) -> None:
        """Take measurements of (qubit, bit)."""
        self._bodies[-1] += [Measure(qubit, bit, at) for qubit, bit in pairs]

    def reset(self, qubits: Iterable[int], at: int) -> None:
        """Take resets."""
        self._bodies[-1] += [Reset(qubit, at) for qubit in qubits]

    def open(self) -> None:
        """Take what follows as the body of a condition, up to `close`."""
        self._bodies.append([])

    def close(self) -> tuple[Operation, ...]:
        """Return the operations since `open`, which are no part of what is around them."""
        return tuple(self._bodies.pop())

    def branch(self, cases: Sequence[Case], otherwise: tuple[Operation, ...], at: int) -> None:
        """Take the first of `cases` that holds as the statement is reached, else `otherwise`."""
        conditions = [(condition, case.body) for case in cases for condition in case.conditions]
        if len(conditions) > MAX_NESTING:
            reject_limit(f"a `switch` here may have up to {MAX_NESTING} values, not {len(conditions)}", at)
        for condition, body in reversed(conditions):
            self._count(1 + len(body))
            otherwise = (Branch(condition, body, otherwise, at),)
        self._bodies[-1] += otherwise

    def _count(self, number: int) -> None:
        self._work += number
        if self._work > MAX_OPERATIONS:
            reject_limit(f"written out, the circuit has more than {MAX_OPERATIONS:,} operations from here on", self._at)

    def _expansion(self, use: Use) -> tuple[Gate, ...]:
        """Return what the gate stands for, on the qubits 0, 1, and so on."""
        known = self._expansions.get(use)
        if known is not None:
            return known
        found = tuple(self._modified(use))
        self._count(1 + len(found))
        self._remembered += 1 + len(found)
        if self._remembered > _REMEMBERED:
            self._expansions.clear()
            self._remembered = 0
        self._expansions[use] = found
        return found

    def _modified(self, use: Use) -> list[Gate]:
        first = sum(int(modifier.number) for modifier in use.modifiers if modifier.word in _CONTROLS)
        gates = self._unmodified(use, tuple(range(first, first + use.gate.qubits)))
        for modifier in reversed(use.modifiers):
            if modifier.word in _CONTROLS:
                controls = tuple(range(first - int(modifier.number), first))
                gates = _under(modifier.word, gates, controls)
                first = controls[0]
            else:
                gates = inverted(gates) if modifier.word == "inv" else self._raised(gates, modifier)
        return gates

    def _unmodified(self, use: Use, qubits: tuple[int, ...]) -> list[Gate]:
        if use.gate.inside is None:
            return library_gate(use.gate.name, use.angles, qubits, 0)
        names = dict(zip(use.gate.parameters, use.angles, strict=True))
        return [gate for call in use.gate.inside for gate in self._called(call, names, qubits)]

    def _called(self, call: Call, names: dict[str, float], qubits: tuple[int, ...]) -> list[Gate]:
        angles = tuple(float(evaluate(argument, self._version, names)) for argument in call.arguments)
        row = tuple(qubits[place] for place in call.qubits)
        return [_placed(gate, row, 0) for gate in self._expansion(Use(call.gate, angles, call.modifiers))]

    def _raised(self, gates: list[Gate], modifier: Modifier) -> list[Gate]:
        exponent = modifier.number
        if exponent == int(exponent):
            if len(gates) > 1:
                self._count(min(len(gates) * abs(int(exponent)), MAX_OPERATIONS + 1))
            return raised(gates, int(exponent))
        found = root(gates, exponent)
        if found is None:
            reject_unsupported("this root of a gate is not worked out: write it out", self._at)
        return found


_CONTROLS = frozenset({"ctrl", "negctrl"})


def _placed(gate: Gate, row: Sequence[int], at: int) -> Gate:
    return Gate(gate.name, gate.angles, gate.controls, tuple([row[place] for place in gate.qubits]), at)


def _under(word: str, gates: list[Gate], controls: tuple[int, ...]) -> list[Gate]:
    found = controlled(gates, controls)
    if word == "ctrl" or not found:
        return found
    flips = [Gate("x", (), 0, (control,), 0) for control in controls]
    return [*flips, *found, *flips]
