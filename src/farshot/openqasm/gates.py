"""Uses of gates, their modifiers, and the definitions of gates."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import ceil, inf, isfinite
from typing import TYPE_CHECKING

from farshot.openqasm.effects import SAFE_ARGUMENT
from farshot.openqasm.expressions import evaluate, max_size
from farshot.openqasm.library import Call, Gate, Modifier
from farshot.openqasm.limits import MAX_NESTING, MAX_OPERATIONS
from farshot.openqasm.refusal import reject, reject_limit, reject_unsupported, shown
from farshot.openqasm.state import Use
from farshot.openqasm.symbols import MISREAD

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from farshot.openqasm.expressions import Expression
    from farshot.openqasm.state import Operand, ReaderState


MODIFIERS = frozenset({"ctrl", "negctrl", "inv", "pow"})

_FREE_WORK = 16
"""Steps of expressions and operands that come with each operation of a definition without being counted."""
_BOUNDS = (1e256, 1e128, 1e64, 1e32, 1e16, 1e8, SAFE_ARGUMENT)


@dataclass(slots=True)
class _ParsedUse:
    """The part of a gate statement before its operands."""

    gate: Gate
    at: int
    controls: int = 0
    """The number of controls that modifiers add."""
    factor: float = 1.0
    """The absolute value of the exponents of all `pow` modifiers together."""
    repeats: float = 1.0
    """The times that the gate is written out: as `factor`, but exponents below 1 count as 1, as the powers inside are
    written out first.
    """
    arguments: tuple[Expression, ...] = ()
    modifiers: list[Modifier] = field(default_factory=list)
    places: tuple[int, ...] = ()
    """In the definition of a gate the operands, as positions among the qubits of that gate."""

    @property
    def cost(self) -> int:
        """The number of operations that one use stands for."""
        return min(self.gate.cost * self._times, MAX_OPERATIONS + 1)

    @property
    def work(self) -> int:
        """The work of one use beyond its operations."""
        return self.gate.work * self._times + self.cost * self.controls

    @property
    def _times(self) -> int:
        return ceil(min(self.repeats, MAX_OPERATIONS + 1))

    @property
    def width(self) -> int:
        """The number of qubits that one use acts on."""
        return self.gate.qubits + self.controls


def use_gate(state: ReaderState) -> None:
    """Read the use of a gate with its operands."""
    use = _read_use(state)
    operands = _read_operands(state)
    state.end_statement()
    _check_width(use, len(operands))
    count = broadcast(operands)
    plain = not use.modifiers
    state.effects.gate(use.gate, count * use.cost, use.at, conditioned=bool(state.condition_depth), plain=plain)
    state.effects.work(count * (len(operands) + use.work), use.at)
    columns = [[operand.indices[0]] * count if operand.scalar else operand.indices for operand in operands]
    if len(operands) > 1:
        _check_distinct(operands, columns)
    angles = [evaluate(argument, state.version, {}) for argument in use.arguments]
    if angles:
        state.effects.check_angles(use.gate, [angle * use.factor for angle in angles], state.version, use.at)
    state.output.gate(Use(use.gate, tuple(map(float, angles)), tuple(use.modifiers)), columns, use.at)


def _read_use(state: ReaderState, free: frozenset[str] | None = None) -> _ParsedUse:
    """Read a gate up to its operands. `free` are the parameters of the gate that is being defined, None outside."""
    use = _ParsedUse(Gate("", (), 0), state.cursor.at)
    while state.version == 3 and state.cursor.word in MODIFIERS:
        _read_modifier(state, use)
    use.at = state.cursor.at
    use.gate = state.symbols.gate(state.cursor.read_name("a gate"), use.at)
    use.arguments = tuple(_read_arguments(state, free))
    wanted, found = len(use.gate.parameters), len(use.arguments)
    if wanted != found:
        reject(f"{shown(use.gate.name)} takes {_plural(wanted, 'parameter')}, not {found}", use.at)
    return use


def _read_modifier(state: ReaderState, use: _ParsedUse) -> None:
    at = state.cursor.at
    word = state.cursor.advance()
    if len(use.modifiers) >= MAX_NESTING:
        reject_limit(f"a gate has more than {MAX_NESTING} modifiers", at)
    number: float = 1
    if word == "pow":
        state.cursor.expect("(")
        number = evaluate(state.read_expression(), state.version, {})
        state.cursor.expect(")")
        use.factor *= abs(number)
        use.repeats *= max(1.0, abs(number))
    elif word != "inv":
        number = _read_controls(state)
        use.controls += number
    use.modifiers.append(Modifier(word, number))
    state.cursor.expect("@")


def _read_controls(state: ReaderState) -> int:
    if not state.cursor.take("("):
        return 1
    state.mark_rich()
    at = state.cursor.at
    number = state.read_integer()
    state.cursor.expect(")")
    if not 1 <= number <= MAX_NESTING:
        reject_limit(f"the number of controls must be from 1 to {MAX_NESTING}", at)
    return number


def _read_arguments(state: ReaderState, free: frozenset[str] | None) -> list[Expression]:
    if not state.cursor.take("("):
        return []
    arguments: list[Expression] = []
    while state.cursor.word != ")":
        if arguments:
            state.cursor.expect(",")
        if free is None:
            arguments.append(state.read_expression())
            continue
        constants = state.symbols.constants
        if constants:
            state.mark_rich()
        arguments.append(state.read_expression(constants, free))
    state.cursor.expect(")")
    return arguments


def _read_operands(state: ReaderState) -> list[Operand]:
    if state.cursor.word == ";":
        return []
    operands = [state.read_qubits()]
    while state.cursor.take(","):
        operands.append(state.read_qubits())
    return operands


def _check_width(use: _ParsedUse, found: int) -> None:
    if use.width != found:
        reject(f"{shown(use.gate.name)} acts here on {_plural(use.width, 'qubit')}, not {found}", use.at)


def _plural(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def broadcast(operands: Sequence[Operand]) -> int:
    """Return how often a statement on `operands` acts: once for each index of its registers."""
    sizes = {len(operand.indices) for operand in operands if not operand.scalar}
    if len(sizes) > 1:
        first, second = sorted(sizes)[:2]
        message = f"registers of different sizes ({first} and {second}) cannot be used together"
        reject(message, operands[0].at)
    return sizes.pop() if sizes else 1


def _check_distinct(operands: Sequence[Operand], columns: Sequence[Sequence[int]]) -> None:
    """Refuse operands that name one qubit twice in any row of `columns`."""
    for row in zip(*columns, strict=True):
        if len(set(row)) < len(row):
            place = next(place for place, index in enumerate(row) if index in row[:place])
            reject("a gate cannot act on one qubit twice", operands[place].at)


def define_gate(state: ReaderState) -> None:
    """Read the definition of a gate."""
    cursor = state.cursor
    cursor.expect("gate")
    at = cursor.at
    name = cursor.read_name("the name of a gate")
    state.symbols.check_new_gate(name, at, state.effects.library)
    parameters = _read_names(state, ")") if cursor.take("(") else ()
    qubits = _read_names(state, "{")
    if not qubits:
        reject(f"the gate {shown(name)} acts on no qubits", at)
    names = (*parameters, *qubits)
    for name_inside in names:
        state.symbols.check_word(name_inside, at)
    if len(set(names)) < len(names):
        reject("the parameters and qubits of a gate need different names", at)
    if not MISREAD.isdisjoint(parameters):
        state.mark_rich()
    if state.cursor.word == "}":
        state.mark_rich()
    uses, barred = _read_uses(state, frozenset(parameters), {qubit: place for place, qubit in enumerate(qubits)})
    _check_size(name, uses, at)
    gate = _make_gate(state, name, parameters, len(qubits), uses)
    steps = sum(len(argument.steps) for use in uses for argument in use.arguments)
    places = sum(len(use.places) for use in uses)
    extra = max(0, steps + places + barred - _FREE_WORK * sum(use.cost for use in uses))
    state.symbols.add_gate(replace(gate, work=extra + sum(use.work for use in uses)))


def _read_names(state: ReaderState, end: str) -> tuple[str, ...]:
    names: list[str] = []
    while state.cursor.word != end:
        if names:
            state.cursor.expect(",")
        names.append(state.cursor.read_name("a name"))
    state.cursor.expect(end)
    return tuple(names)


def _read_uses(state: ReaderState, free: frozenset[str], qubits: Mapping[str, int]) -> tuple[list[_ParsedUse], int]:
    """Read up to the end of a definition; return the gates in it and the number of qubits that its barriers name."""
    uses: list[_ParsedUse] = []
    barred = 0
    cursor = state.cursor
    while not cursor.take("}"):
        if cursor.take(";"):
            continue
        if cursor.take("barrier"):
            barred += 1 + len(_read_places(state, qubits))
            continue
        if state.symbols.version == 3 and cursor.word in {"if", "for", "while", "switch", "measure", "reset"}:
            reject_unsupported(f"simulators cannot run {shown(cursor.word)} inside a gate", cursor.at)
        use = _read_use(state, free)
        use.places = _read_places(state, qubits)
        _check_width(use, len(use.places))
        uses.append(use)
    return uses, barred


def _read_places(state: ReaderState, qubits: Mapping[str, int]) -> tuple[int, ...]:
    cursor = state.cursor
    places: dict[int, None] = {}
    while cursor.word != ";":
        if places:
            cursor.expect(",")
        at = cursor.at
        name = cursor.read_name("a qubit of the gate")
        if name not in qubits:
            reject(f"{shown(name)} is not a qubit of this gate", at)
        if qubits[name] in places:
            reject("a gate cannot act on one qubit twice", at)
        places[qubits[name]] = None
    state.end_statement()
    return tuple(places)


def _check_size(name: str, uses: Sequence[_ParsedUse], at: int) -> None:
    if sum(use.cost for use in uses) > MAX_OPERATIONS:
        reject_limit(f"written out, the gate {shown(name)} has more than {MAX_OPERATIONS:,} operations", at)
    if any(use.gate.depth >= MAX_NESTING for use in uses):
        reject_limit(f"gates that use gates are nested more than {MAX_NESTING} deep", at)


def _make_gate(
    state: ReaderState, name: str, parameters: tuple[str, ...], qubits: int, uses: Sequence[_ParsedUse]
) -> Gate:
    calls = tuple(Call(use.gate, use.arguments, use.factor, use.at, tuple(use.modifiers), use.places) for use in uses)
    with_arguments = tuple(call for call in calls if call.arguments)
    return Gate(
        name,
        parameters,
        qubits,
        cost=sum(use.cost for use in uses) or 1,
        depth=1 + max((use.gate.depth for use in uses), default=0),
        clifford=all(use.gate.clifford and not use.modifiers for use in uses),
        rotates=any(use.gate.rotates for use in uses),
        library=frozenset().union(*(use.gate.library for use in uses)),
        limit=_find_limit(state, with_arguments),
        calls=calls,
        calls_with_arguments=with_arguments,
    )


def _find_limit(state: ReaderState, calls: tuple[Call, ...]) -> float:
    """Return the largest of `_BOUNDS` that keeps every angle of `calls` finite, 0 if none does."""
    with_parameters: list[Call] = []
    for call in calls:
        if any(argument.is_open for argument in call.arguments):
            with_parameters.append(call)
        else:
            values = [evaluate(argument, state.version, {}) * call.factor for argument in call.arguments]
            state.effects.check_angles(call.gate, values, state.version, call.at)
    if not with_parameters:
        return inf
    version = state.version
    return next((bound for bound in _BOUNDS if all(_is_finite(call, bound, version) for call in with_parameters)), 0.0)


def _is_finite(call: Call, bound: float, version: int) -> bool:
    """Return whether the angles of `call` are finite while its parameters stay below `bound`."""
    sizes = [max_size(argument, version, bound) * call.factor for argument in call.arguments]
    return isfinite(sum(sizes)) and max(sizes) <= call.gate.limit
