"""The lowering of a text to plain operations, in which its own gates and modifiers are written out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farshot.openqasm.expressions import evaluate
from farshot.openqasm.grammar import begin, read_rest
from farshot.openqasm.limits import MAX_NESTING, MAX_OPERATIONS
from farshot.openqasm.refusal import RefusalError, reject_limit, reject_unsupported
from farshot.openqasm.state import Output, Use
from farshot.openqasm.tokens import check_characters
from farshot.operations.gates import controlled, inverted, library_gate, raised, root
from farshot.operations.operations import Branch, Gate, Measure, PlainCircuit, Reset

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from farshot.openqasm.state import Case
    from farshot.operations.operations import Operation


_MAX_REMEMBERED = 100_000
"""Gates of expansions that are kept for the next use."""
_CONTROLS = frozenset({"ctrl", "negctrl"})


def lower(text: str) -> PlainCircuit:
    """Return the operations of a text that has no byte order mark; raises `CircuitError`.

    >>> lower("OPENQASM 3.0; qubit[2] q; for int i in [0:1] { U(pi, 0, i) q[i]; }").operations[1].angles
    (3.141592653589793, 0.0, 1.0)
    """
    try:
        check_characters(text)
        state = begin(text)
        state.output = recorder = _Recorder(state.version)
        read_rest(state)
    except RefusalError as refusal:
        raise refusal.placed(text) from None
    return recorder.circuit(state.symbols.qubits)


class _Recorder(Output):
    """Collects the operations of a text of OpenQASM `version`."""

    def __init__(self, version: int) -> None:
        self._version = version
        self._registers: list[int] = []
        self._bodies: list[list[Operation]] = [[]]
        self._expansions: dict[Use, tuple[Gate, ...]] = {}
        self._remembered = 0
        self._work = 0
        self._at = 0

    def circuit(self, qubits: int) -> PlainCircuit:
        """Return the circuit of the operations collected."""
        return PlainCircuit(qubits, tuple(self._registers), tuple(self._bodies[0]))

    def register(self, size: int) -> None:
        self._registers.append(size)

    def gate(self, use: Use, columns: Sequence[Sequence[int]], at: int) -> None:
        self._at = at
        gates = [gate for gate in self._expand(use) if gate.name != "gphase"]
        for row in zip(*columns, strict=True):
            self._count(len(gates))
            self._bodies[-1] += [_place(gate, row, at) for gate in gates]

    def measure(self, pairs: Iterable[tuple[int, int]], at: int) -> None:
        self._bodies[-1] += [Measure(qubit, bit, at) for qubit, bit in pairs]

    def reset(self, qubits: Iterable[int], at: int) -> None:
        self._bodies[-1] += [Reset(qubit, at) for qubit in qubits]

    def open(self) -> None:
        self._bodies.append([])

    def close(self) -> tuple[Operation, ...]:
        return tuple(self._bodies.pop())

    def branch(self, cases: Sequence[Case], otherwise: tuple[Operation, ...], at: int) -> None:
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

    def _expand(self, use: Use) -> tuple[Gate, ...]:
        """Return the plain gates that a gate stands for, on the qubits 0, 1, and so on."""
        known = self._expansions.get(use)
        if known is not None:
            return known
        gates = tuple(self._modify(use))
        self._count(1 + len(gates))
        self._remembered += 1 + len(gates)
        if self._remembered > _MAX_REMEMBERED:
            self._expansions.clear()
            self._remembered = 0
        self._expansions[use] = gates
        return gates

    def _modify(self, use: Use) -> list[Gate]:
        first = sum(int(modifier.number) for modifier in use.modifiers if modifier.word in _CONTROLS)
        gates = self._expand_unmodified(use, tuple(range(first, first + use.gate.qubits)))
        for modifier in reversed(use.modifiers):
            if modifier.word in _CONTROLS:
                controls = tuple(range(first - int(modifier.number), first))
                gates = _control(modifier.word, gates, controls)
                first = controls[0]
            else:
                gates = inverted(gates) if modifier.word == "inv" else self._raise(gates, modifier.number)
        return gates

    def _expand_unmodified(self, use: Use, qubits: tuple[int, ...]) -> list[Gate]:
        if use.gate.calls is None:
            return library_gate(use.gate.name, use.angles, qubits, 0)
        names = dict(zip(use.gate.parameters, use.angles, strict=True))
        gates: list[Gate] = []
        for call in use.gate.calls:
            angles = tuple(float(evaluate(argument, self._version, names)) for argument in call.arguments)
            row = tuple(qubits[place] for place in call.qubits)
            gates += [_place(gate, row, 0) for gate in self._expand(Use(call.gate, angles, call.modifiers))]
        return gates

    def _raise(self, gates: list[Gate], exponent: float) -> list[Gate]:
        if exponent == int(exponent):
            if len(gates) > 1:
                self._count(min(len(gates) * abs(int(exponent)), MAX_OPERATIONS + 1))
            return raised(gates, int(exponent))
        roots = root(gates, exponent)
        if roots is None:
            reject_unsupported("this root of a gate is not worked out: write it out", self._at)
        return roots


def _place(gate: Gate, row: Sequence[int], at: int) -> Gate:
    return Gate(gate.name, gate.angles, gate.controls, tuple([row[place] for place in gate.qubits]), at)


def _control(word: str, gates: list[Gate], controls: tuple[int, ...]) -> list[Gate]:
    with_controls = controlled(gates, controls)
    if word == "ctrl" or not with_controls:
        return with_controls
    flips = [Gate("x", (), 0, (control,), 0) for control in controls]
    return [*flips, *with_controls, *flips]
