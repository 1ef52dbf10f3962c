"""Deferred measurement: a circuit with measurements, resets and conditions as one that has none of them.

Each measurement copies its qubit to a fresh one with CX. Nothing but conditions looks at the copy, so that it holds
the outcome as a classical bit would, and observables of the other qubits have exactly the values that they have on
average over all outcomes. What a condition governs is controlled by the copy. A reset goes on with a fresh qubit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from farshot.operations.gates import controlled
from farshot.operations.operations import Branch, Condition, Gate, Measure, PlainCircuit, Reset

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from farshot.operations.operations import Operation


class Control(NamedTuple):
    """What it governs is done where `qubit` is `value`."""

    qubit: int
    value: int


Pattern: TypeAlias = tuple[Control, ...]
"""What must hold together."""


def without_final_measurements(program: PlainCircuit) -> PlainCircuit:
    """Leave out each measurement of a qubit that only measurements follow, and whose bit no later condition reads.

    Observables are measured of the state that the rest leaves. Gates that do nothing are not in a program.
    """
    kept: list[Operation] = []
    used: set[int] = set()
    read: set[int] = set()
    for operation in reversed(program.operations):
        if isinstance(operation, Measure) and operation.qubit not in used and operation.bit not in read:
            continue
        kept.append(operation)
        used |= _touched([operation])
        read |= _read([operation])
    return PlainCircuit(program.qubits, program.registers, tuple(reversed(kept)))


def _touched(operations: Iterable[Operation]) -> set[int]:
    found: set[int] = set()
    for operation in operations:
        if isinstance(operation, Gate):
            found.update(operation.qubits)
        elif isinstance(operation, Branch):
            found |= _touched(operation.body) | _touched(operation.otherwise)
        else:
            found.add(operation.qubit)
    return found


def _read(operations: Iterable[Operation]) -> set[int]:
    found: set[int] = set()
    for operation in operations:
        if isinstance(operation, Branch):
            found |= {*operation.condition.bits} | _read(operation.body) | _read(operation.otherwise)
    return found


def dephased(program: PlainCircuit) -> PlainCircuit:
    """Return a program without conditions with a qubit more, which each outcome is copied to and lost.

    What is left are gates and resets: a density matrix averages over them.
    """
    spare = program.qubits
    operations: list[Operation] = []
    for operation in program.operations:
        if isinstance(operation, Measure):
            operations += [_tie(operation.qubit, spare, operation.at), Reset(spare, operation.at)]
        else:
            operations.append(operation)
    return PlainCircuit(spare + 1, program.registers, tuple(operations))


def _tie(control: int, target: int, at: int) -> Gate:
    return Gate("x", (), 1, (control, target), at)


def deferred(program: PlainCircuit, observed: Collection[int]) -> tuple[PlainCircuit, tuple[int, ...]]:
    """Return a program without measurements for observables of the qubits `observed`, and where each qubit ends.

    >>> corrected = Branch(Condition((0,), 1), (Gate("x", (), 0, (1,), 0),), (), 0)
    >>> found, _places = deferred(PlainCircuit(2, (1,), (Measure(0, 0, 0), corrected)), {1})
    >>> [(gate.name, gate.controls, gate.qubits) for gate in found.operations]
    [('x', 1, (0, 1))]
    """
    deferral = _Deferral(program.qubits)
    for operation, settled in zip(program.operations, _settled(program.operations, observed), strict=True):
        if settled and isinstance(operation, Measure):
            deferral.keep(operation)
        else:
            deferral.follow([operation], None)
    return PlainCircuit(deferral.width, (), tuple(deferral.gates)), tuple(deferral.places)


def _settled(operations: Sequence[Operation], observed: Collection[int]) -> list[bool]:
    """Say of each operation whether its qubits only get measured from then on until they are reset: such a qubit is
    itself the copy of its outcome.
    """
    settled: list[bool] = []
    changing = set(observed)
    for operation in reversed(operations):
        touched = _touched([operation])
        settled.append(changing.isdisjoint(touched))
        if isinstance(operation, Reset):
            changing -= touched
        elif not isinstance(operation, Measure):
            changing |= touched
    return settled[::-1]


class _Deferral:
    """`places` says where each qubit is, `outcomes` where the outcome of each bit is that was measured, `idle` which
    qubits are |0> again.
    """

    def __init__(self, qubits: int) -> None:
        self.width = qubits
        self.places = list(range(qubits))
        self.gates: list[Operation] = []
        self._outcomes: dict[int, int] = {}
        self._idle: list[int] = []

    def keep(self, operation: Measure) -> None:
        """Take the qubit itself for the copy of its outcome."""
        self._outcomes[operation.bit] = self.places[operation.qubit]

    def follow(self, operations: Iterable[Operation], control: Control | None) -> None:
        for operation in operations:
            match operation:
                case Gate():
                    qubits = tuple(self.places[qubit] for qubit in operation.qubits)
                    self._act(Gate(operation.name, operation.angles, operation.controls, qubits, operation.at), control)
                case Measure():
                    self._measure(operation, control)
                case Reset():
                    self._reset(operation, control)
                case Branch():
                    self._branch(operation, control)

    def _new(self) -> int:
        if self._idle:
            return self._idle.pop()
        self.width += 1
        return self.width - 1

    def _act(self, gate: Gate, control: Control | None) -> None:
        self._under([gate], () if control is None else (control,))

    def _under(self, gates: list[Gate], pattern: Pattern) -> None:
        """Put `gates` where `pattern` holds."""
        zeros = [Gate("x", (), 0, (control.qubit,), gates[0].at) for control in pattern if not control.value]
        qubits = tuple(control.qubit for control in pattern)
        self.gates += [*zeros, *(controlled(gates, qubits) if qubits else gates), *zeros]

    def _measure(self, operation: Measure, control: Control | None) -> None:
        """Copy the outcome; where the measurement is not done, what the bit holds stays."""
        copy, before = self._new(), self._outcomes.get(operation.bit)
        self._flip(copy, control, (Control(self.places[operation.qubit], 1),), operation.at)
        if control is not None and before is not None:
            self._flip(copy, Control(control.qubit, 1 - control.value), (Control(before, 1),), operation.at)
        self._outcomes[operation.bit] = copy

    def _flip(self, qubit: int, outer: Control | None, pattern: Pattern, at: int) -> None:
        """Flip `qubit` where `outer` and all of `pattern` hold, if they can together."""
        controls = dict(pattern)
        if outer is None or controls.setdefault(*outer) == outer.value:
            self._under([Gate("x", (), 0, (qubit,), at)], tuple(map(Control._make, controls.items())))

    def _reset(self, operation: Reset, control: Control | None) -> None:
        fresh, place = self._new(), self.places[operation.qubit]
        if control is None:
            self.places[operation.qubit] = fresh
        else:
            self._act(Gate("swap", (), 0, (place, fresh), operation.at), control)

    def _branch(self, branch: Branch, control: Control | None) -> None:
        """Follow both ways, each by the outcomes as they are now."""
        pattern = _pattern(branch.condition, self._outcomes)
        self._follow(branch.body, pattern, control, branch.at, unless=False)
        self._follow(branch.otherwise, pattern, control, branch.at, unless=True)

    def _follow(
        self, body: Sequence[Operation], pattern: Pattern | None, control: Control | None, at: int, *, unless: bool
    ) -> None:
        """Follow `body` where `pattern` holds, or unless it does: always, never, by one qubit, or by one that is
        flipped for it.
        """
        if not body:
            return
        if not pattern:
            if (pattern is None) == unless:
                self.follow(body, control)
        elif control is None and len(pattern) == 1:
            self.follow(body, Control(pattern[0].qubit, pattern[0].value ^ unless))
        else:
            self._follow_chosen(body, [pattern, ()] if unless else [pattern], control, at)

    def _follow_chosen(
        self, body: Sequence[Operation], patterns: Sequence[Pattern], control: Control | None, at: int
    ) -> None:
        """Follow `body` where a qubit is 1 that is made so before and |0> again after."""
        chosen, start = self._new(), len(self.gates)
        for pattern in patterns:
            self._flip(chosen, control, pattern, at)
        flips = self.gates[start:]
        self.follow(body, Control(chosen, 1))
        self.gates += flips
        self._idle.append(chosen)


def _pattern(condition: Condition, outcomes: dict[int, int]) -> Pattern | None:
    """Return where the condition holds, None where it cannot: a bit that nothing was measured into is 0."""
    if condition.value >> len(condition.bits):
        return None
    wanted: dict[int, int] = {}
    for place, bit in enumerate(condition.bits):
        held = outcomes.get(bit)
        due = condition.value >> place & 1
        if (held is None and due) or (held is not None and wanted.setdefault(held, due) != due):
            return None
    return tuple(Control(qubit, due) for qubit, due in sorted(wanted.items()))
