"""Deferred measurement: a circuit with measurements, resets and conditions as one without them.

Each measurement copies its qubit to a fresh one with CX. Only conditions read the copy, so it holds the outcome as a
classical bit would, and observables of the other qubits have exactly their averages over all outcomes. The body of a
condition is controlled by the copy. A reset continues with a fresh qubit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from farshot.operations.gates import controlled
from farshot.operations.operations import Branch, Condition, Gate, Measure, PlainCircuit, Reset, walk

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from farshot.operations.operations import Operation


class Control(NamedTuple):
    """A control: the gates under it act if `qubit` is `value`."""

    qubit: int
    value: int


Pattern: TypeAlias = tuple[Control, ...]
"""Controls that all must hold."""


def without_final_measurements(circuit: PlainCircuit) -> PlainCircuit:
    """Return the circuit without each measurement of a qubit that only measurements follow and whose bit no later
    condition reads.

    Observables are measured in the state that the rest leaves. Identity gates are not in a circuit.
    """
    kept: list[Operation] = []
    used: set[int] = set()
    read: set[int] = set()
    for operation in reversed(circuit.operations):
        if isinstance(operation, Measure) and operation.qubit not in used and operation.bit not in read:
            continue
        kept.append(operation)
        used |= _qubits_of(operation)
        read |= {bit for part in walk([operation]) if isinstance(part, Branch) for bit in part.condition.bits}
    return PlainCircuit(circuit.qubits, circuit.registers, tuple(reversed(kept)))


def _qubits_of(operation: Operation) -> set[int]:
    qubits: set[int] = set()
    for part in walk([operation]):
        if isinstance(part, Gate):
            qubits.update(part.qubits)
        elif not isinstance(part, Branch):
            qubits.add(part.qubit)
    return qubits


def dephased(circuit: PlainCircuit) -> PlainCircuit:
    """Return a circuit without conditions as gates and resets, over which a density matrix averages.

    Each outcome is copied to one additional qubit, which is then reset.
    """
    spare = circuit.qubits
    operations: list[Operation] = []
    for operation in circuit.operations:
        if isinstance(operation, Measure):
            copy = Gate("x", (), 1, (operation.qubit, spare), operation.at)
            operations += [copy, Reset(spare, operation.at)]
        else:
            operations.append(operation)
    return PlainCircuit(spare + 1, circuit.registers, tuple(operations))


def deferred(circuit: PlainCircuit, observed: Collection[int]) -> tuple[PlainCircuit, tuple[int, ...]]:
    """Return a circuit without measurements for observables of the qubits `observed`, and the place of each qubit.

    >>> corrected = Branch(Condition((0,), 1), (Gate("x", (), 0, (1,), 0),), (), 0)
    >>> found, _places = deferred(PlainCircuit(2, (1,), (Measure(0, 0, 0), corrected)), {1})
    >>> [(gate.name, gate.controls, gate.qubits) for gate in found.operations]
    [('x', 1, (0, 1))]
    """
    deferral = _Deferral(circuit.qubits)
    for operation, settled in zip(circuit.operations, _find_settled(circuit.operations, observed), strict=True):
        if settled and isinstance(operation, Measure):
            deferral.keep_outcome(operation)
        else:
            deferral.add([operation], None)
    return PlainCircuit(deferral.width, (), tuple(deferral.gates)), tuple(deferral.places)


def _find_settled(operations: Sequence[Operation], observed: Collection[int]) -> list[bool]:
    """Return for each operation whether its qubits are only measured from then on until they are reset: such a qubit
    is itself the copy of its outcome.
    """
    settled: list[bool] = []
    changing = set(observed)
    for operation in reversed(operations):
        qubits = _qubits_of(operation)
        settled.append(changing.isdisjoint(qubits))
        if isinstance(operation, Reset):
            changing -= qubits
        elif not isinstance(operation, Measure):
            changing |= qubits
    return settled[::-1]


class _Deferral:
    """Builds the circuit. `places` are the places of the qubits, `_outcomes` maps each written bit to the place of its
    outcome, `_idle` are the places that are |0> again.
    """

    def __init__(self, qubits: int) -> None:
        self.width = qubits
        self.places = list(range(qubits))
        self.gates: list[Operation] = []
        self._outcomes: dict[int, int] = {}
        self._idle: list[int] = []

    def keep_outcome(self, operation: Measure) -> None:
        """Use the qubit itself as the copy of its outcome."""
        self._outcomes[operation.bit] = self.places[operation.qubit]

    def add(self, operations: Iterable[Operation], control: Control | None) -> None:
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
        """Add `gates` under the controls `pattern`."""
        zeros = [Gate("x", (), 0, (control.qubit,), gates[0].at) for control in pattern if not control.value]
        qubits = tuple(control.qubit for control in pattern)
        self.gates += [*zeros, *(controlled(gates, qubits) if qubits else gates), *zeros]

    def _measure(self, operation: Measure, control: Control | None) -> None:
        """Copy the outcome; if the measurement is not done, the bit keeps its value."""
        copy, before = self._new(), self._outcomes.get(operation.bit)
        self._flip(copy, control, (Control(self.places[operation.qubit], 1),), operation.at)
        if control is not None and before is not None:
            self._flip(copy, Control(control.qubit, 1 - control.value), (Control(before, 1),), operation.at)
        self._outcomes[operation.bit] = copy

    def _flip(self, qubit: int, outer: Control | None, pattern: Pattern, at: int) -> None:
        """Flip `qubit` under `outer` and all of `pattern`, unless these contradict each other."""
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
        """Add both bodies under the outcomes at this point."""
        pattern = _pattern_of(branch.condition, self._outcomes)
        self._add_body(branch.body, pattern, control, branch.at, unless=False)
        self._add_body(branch.otherwise, pattern, control, branch.at, unless=True)

    def _add_body(
        self, body: Sequence[Operation], pattern: Pattern | None, control: Control | None, at: int, *, unless: bool
    ) -> None:
        """Add `body` for the case that `pattern` holds, or does not (`unless`): always, never, controlled by one qubit,
        or controlled by one that is flipped for it.
        """
        if not body:
            return
        if not pattern:
            if (pattern is None) == unless:
                self.add(body, control)
        elif control is None and len(pattern) == 1:
            self.add(body, Control(pattern[0].qubit, pattern[0].value ^ unless))
        else:
            self._add_chosen(body, [pattern, ()] if unless else [pattern], control, at)

    def _add_chosen(
        self, body: Sequence[Operation], patterns: Sequence[Pattern], control: Control | None, at: int
    ) -> None:
        """Add `body` under a qubit that is 1 only while one of the patterns holds, and |0> again after."""
        chosen, start = self._new(), len(self.gates)
        for pattern in patterns:
            self._flip(chosen, control, pattern, at)
        flips = self.gates[start:]
        self.add(body, Control(chosen, 1))
        self.gates += flips
        self._idle.append(chosen)


def _pattern_of(condition: Condition, outcomes: dict[int, int]) -> Pattern | None:
    """Return the controls that mean the condition, None if it cannot hold: a bit without an outcome is 0."""
    if condition.value >> len(condition.bits):
        return None
    wanted: dict[int, int] = {}
    for place, bit in enumerate(condition.bits):
        held = outcomes.get(bit)
        due = condition.value >> place & 1
        if (held is None and due) or (held is not None and wanted.setdefault(held, due) != due):
            return None
    return tuple(Control(qubit, due) for qubit, due in sorted(wanted.items()))
