"""Uses of gates, their modifiers, and the definitions of gates."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import ceil, inf, isfinite
from typing import TYPE_CHECKING

from farshot.openqasm.effects import TAME
from farshot.openqasm.expressions import bound, evaluate
from farshot.openqasm.library import Call, Gate, Modifier
from farshot.openqasm.limits import MAX_NESTING, MAX_OPERATIONS
from farshot.openqasm.output import Use
from farshot.openqasm.refusal import reject, reject_limit, reject_unsupported, shown
from farshot.openqasm.symbols import MISREAD

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from farshot.openqasm.expressions import Expression
    from farshot.openqasm.state import Operand, ReaderState


MODIFIERS = frozenset({"ctrl", "negctrl", "inv", "pow"})

_PER_OPERATION = 16
"""Parts of formulas and operands that come with each operation of a definition without being counted."""
_LADDER = (1e256, 1e128, 1e64, 1e32, 1e16, 1e8, TAME)


@dataclass(slots=True)
class _Use:
    """What stands before the operands of a gate: `controls` come from modifiers, `factor` from `pow`. While it is
    written out there are `repeats` of the gate: a power of 0 does not undo that there were those of the power inside.

    In the definition of a gate `places` are its operands among the qubits of that gate.
    """

    gate: Gate
    at: int
    controls: int = 0
    factor: float = 1.0
    repeats: float = 1.0
    arguments: tuple[Expression, ...] = ()
    modifiers: list[Modifier] = field(default_factory=list)
    places: tuple[int, ...] = ()

    @property
    def cost(self) -> int:
        """How many operations one use stands for."""
        return min(self.gate.cost * self._times, MAX_OPERATIONS + 1)

    @property
    def work(self) -> int:
        """What one use takes to work out that its length does not show."""
        return self.gate.work * self._times + self.cost * self.controls

    @property
    def _times(self) -> int:
        return ceil(min(self.repeats, MAX_OPERATIONS + 1))

    @property
    def width(self) -> int:
        """How many qubits one use acts on."""
        return self.gate.qubits + self.controls


def use_gate(state: ReaderState) -> None:
    """Read a gate and what it acts on."""
    use = _read_use(state)
    operands = _operands(state)
    state.end_statement()
    _check_width(use, len(operands))
    count = broadcast(operands)
    plain = not use.modifiers
    state.trace.gate(use.gate, count * use.cost, use.at, conditioned=bool(state.conditions), plain=plain)
    state.trace.work(count * (len(operands) + use.work), use.at)
    check_distinct(operands, count)
    angles = [evaluate(argument, state.version, {}) for argument in use.arguments]
    if angles:
        state.trace.check_angles(use.gate, [angle * use.factor for angle in angles], state.version, use.at)
    columns = [[operand.indices[0]] * count if operand.scalar else operand.indices for operand in operands]
    state.out.gate(Use(use.gate, tuple(map(float, angles)), tuple(use.modifiers)), columns, use.at)


def _read_use(state: ReaderState, free: frozenset[str] | None = None) -> _Use:
    """Read up to the operands. `free` are the parameters of the gate that is being defined, if any."""
    use = _Use(Gate("", (), 0), state.cursor.at)
    while state.version == 3 and state.cursor.word in MODIFIERS:
        _modify(state, use)
    use.at = state.cursor.at
    use.gate = state.declared.gate(state.cursor.name("a gate"), use.at)
    use.arguments = tuple(_arguments(state, free))
    wanted, found = len(use.gate.parameters), len(use.arguments)
    if wanted != found:
        reject(f"{shown(use.gate.name)} takes {_many(wanted, 'parameter')}, not {found}", use.at)
    return use


def _modify(state: ReaderState, use: _Use) -> None:
    at = state.cursor.at
    word = state.cursor.advance()
    if len(use.modifiers) >= MAX_NESTING:
        reject_limit(f"a gate has more than {MAX_NESTING} modifiers", at)
    number: float = 1
    if word == "pow":
        number = _exponent(state)
        use.factor *= abs(number)
        use.repeats *= max(1.0, abs(number))
    elif word != "inv":
        number = _controls(state)
        use.controls += number
    use.modifiers.append(Modifier(word, number))
    state.cursor.expect("@")


def _exponent(state: ReaderState) -> float:
    state.cursor.expect("(")
    value = evaluate(state.expression(), state.version, {})
    state.cursor.expect(")")
    return value


def _controls(state: ReaderState) -> int:
    if not state.cursor.take("("):
        return 1
    state.rich()
    at = state.cursor.at
    number = state.integer()
    state.cursor.expect(")")
    if not 1 <= number <= MAX_NESTING:
        reject_limit(f"the number of controls must be from 1 to {MAX_NESTING}", at)
    return number


def _arguments(state: ReaderState, free: frozenset[str] | None) -> list[Expression]:
    if not state.cursor.take("("):
        return []
    found: list[Expression] = []
    while state.cursor.word != ")":
        if found:
            state.cursor.expect(",")
        found.append(state.expression() if free is None else _formula(state, free))
    state.cursor.expect(")")
    return found


def _formula(state: ReaderState, free: frozenset[str]) -> Expression:
    """Read a formula in the definition of a gate, which may use constants of the text."""
    constants = state.declared.constants
    if constants:
        state.rich()
    return state.formula(constants, free)


def _operands(state: ReaderState) -> list[Operand]:
    if state.cursor.word == ";":
        return []
    found = [state.qubits()]
    while state.cursor.take(","):
        found.append(state.qubits())
    return found


def _check_width(use: _Use, found: int) -> None:
    if use.width != found:
        reject(f"{shown(use.gate.name)} acts here on {_many(use.width, 'qubit')}, not {found}", use.at)


def _many(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def broadcast(operands: Sequence[Operand]) -> int:
    """Return how often a statement over `operands` acts: once for each index of its registers."""
    sizes = {len(operand.indices) for operand in operands if not operand.scalar}
    if len(sizes) > 1:
        first, second = sorted(sizes)[:2]
        message = f"registers of different sizes ({first} and {second}) cannot be used together"
        reject(message, operands[0].at)
    return sizes.pop() if sizes else 1


def check_distinct(operands: Sequence[Operand], count: int) -> None:
    """Refuse operands that name one qubit twice in any of the `count` times that they act."""
    if len(operands) < 2:
        return
    columns = [[operand.indices[0]] * count if operand.scalar else operand.indices for operand in operands]
    for row in zip(*columns, strict=True):
        if len(set(row)) < len(row):
            reject("a gate cannot act on one qubit twice", operands[_repeated(row)].at)


def _repeated(row: Sequence[int]) -> int:
    """Return the first place of what was there before."""
    seen: set[int] = set()
    for place, index in enumerate(row):
        if index in seen:
            return place
        seen.add(index)
    return -1


def define_gate(state: ReaderState) -> None:
    """Read the definition of a gate."""
    cursor = state.cursor
    cursor.expect("gate")
    at = cursor.at
    name = cursor.name("the name of a gate")
    state.declared.check_new_gate(name, at, state.trace.library)
    parameters = _formals(state, ")") if cursor.take("(") else ()
    qubits = _formals(state, "{")
    if not qubits:
        reject(f"the gate {shown(name)} acts on no qubits", at)
    _check_formals(state, (*parameters, *qubits), at)
    if not MISREAD.isdisjoint(parameters):
        state.rich()
    if state.cursor.word == "}":
        state.rich()
    uses, barred = _body(state, frozenset(parameters), {qubit: place for place, qubit in enumerate(qubits)})
    _check_size(name, uses, at)
    defined = _defined(state, name, parameters, len(qubits), uses)
    state.declared.add_gate(replace(defined, work=_work(uses, barred)))


def _formals(state: ReaderState, end: str) -> tuple[str, ...]:
    found: list[str] = []
    while state.cursor.word != end:
        if found:
            state.cursor.expect(",")
        found.append(state.cursor.name("a name"))
    state.cursor.expect(end)
    return tuple(found)


def _check_formals(state: ReaderState, names: Sequence[str], at: int) -> None:
    for name in names:
        state.declared.check_word(name, at)
    if len(set(names)) < len(names):
        reject("the parameters and qubits of a gate need different names", at)


def _body(state: ReaderState, free: frozenset[str], qubits: Mapping[str, int]) -> tuple[list[_Use], int]:
    """Read up to the end of a definition; return the gates in it, and how many qubits its barriers name."""
    uses: list[_Use] = []
    barred = 0
    cursor = state.cursor
    while not cursor.take("}"):
        if cursor.take(";"):
            continue
        if cursor.take("barrier"):
            barred += 1 + len(_formal_operands(state, qubits))
            continue
        if state.declared.version == 3 and cursor.word in {"if", "for", "while", "switch", "measure", "reset"}:
            reject_unsupported(f"simulators cannot run {shown(cursor.word)} inside a gate", cursor.at)
        use = _read_use(state, free)
        use.places = _formal_operands(state, qubits)
        _check_width(use, len(use.places))
        uses.append(use)
    return uses, barred


def _formal_operands(state: ReaderState, qubits: Mapping[str, int]) -> tuple[int, ...]:
    cursor = state.cursor
    found: dict[int, None] = {}
    while cursor.word != ";":
        if found:
            cursor.expect(",")
        at = cursor.at
        name = cursor.name("a qubit of the gate")
        if name not in qubits:
            reject(f"{shown(name)} is not a qubit of this gate", at)
        if qubits[name] in found:
            reject("a gate cannot act on one qubit twice", at)
        found[qubits[name]] = None
    state.end_statement()
    return tuple(found)


def _check_size(name: str, uses: Sequence[_Use], at: int) -> None:
    if sum(use.cost for use in uses) > MAX_OPERATIONS:
        reject_limit(f"written out, the gate {shown(name)} has more than {MAX_OPERATIONS:,} operations", at)
    if any(use.gate.depth >= MAX_NESTING for use in uses):
        reject_limit(f"gates that use gates are nested more than {MAX_NESTING} deep", at)


def _defined(state: ReaderState, name: str, parameters: tuple[str, ...], qubits: int, uses: Sequence[_Use]) -> Gate:
    inside = tuple(Call(use.gate, use.arguments, use.factor, use.at, tuple(use.modifiers), use.places) for use in uses)
    body = tuple(call for call in inside if call.arguments)
    return Gate(
        name,
        parameters,
        qubits,
        cost=sum(use.cost for use in uses) or 1,
        depth=1 + max((use.gate.depth for use in uses), default=0),
        clifford=all(use.gate.clifford and not use.modifiers for use in uses),
        rotates=any(use.gate.rotates for use in uses),
        library=frozenset().union(*(use.gate.library for use in uses)),
        limit=_limit(state, body),
        body=body,
        inside=inside,
    )


def _work(uses: Sequence[_Use], barred: int) -> int:
    """Return what using a gate once takes beyond its operations, where its formulas are long or its operands many."""
    read = sum(len(argument.steps) for use in uses for argument in use.arguments) + sum(len(use.places) for use in uses)
    free = _PER_OPERATION * sum(use.cost for use in uses)
    return sum(use.work for use in uses) + max(0, read + barred - free)


def _limit(state: ReaderState, body: tuple[Call, ...]) -> float:
    """Return the largest step of the ladder that keeps every angle of `body` finite, 0 where none does."""
    inner: list[Call] = []
    for call in body:
        if any(argument.open for argument in call.arguments):
            inner.append(call)
        else:
            values = [evaluate(argument, state.version, {}) * call.factor for argument in call.arguments]
            state.trace.check_angles(call.gate, values, state.version, call.at)
    if not inner:
        return inf
    return next((step for step in _LADDER if all(_safe(call, step, state.version) for call in inner)), 0.0)


def _safe(call: Call, largest: float, version: int) -> bool:
    sizes = [bound(argument, version, largest) * call.factor for argument in call.arguments]
    return isfinite(sum(sizes)) and max(sizes) <= call.gate.limit
