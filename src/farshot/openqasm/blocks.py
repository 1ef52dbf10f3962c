"""What OpenQASM 3 puts in braces: conditions, loops, switches, boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from farshot.openqasm.facts import Feature
from farshot.openqasm.limits import MAX_STEPS, REREAD
from farshot.openqasm.output import Case
from farshot.openqasm.refusal import reject, reject_limit, reject_unsupported, shown
from farshot.openqasm.snapshots import snapshot
from farshot.openqasm.state import inclusive
from farshot.openqasm.statements import compared
from farshot.openqasm.symbols import MISREAD
from farshot.operations.operations import Condition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farshot.openqasm.state import Operand, ReaderState
    from farshot.operations.operations import Operation


_INTEGERS = frozenset({"int", "uint"})
_INTEGER = 32
_FORMS = "simulators read the conditions `c == 3`, `c[0]`, `!c[0]` and `c[0] == 1`"
_LITERALS = frozenset({"true", "false"})
_TRUTH = {"0", "1", "true", "false"}
_FALSE = {"0", "false"}


def block(state: ReaderState) -> None:
    """Read the statements between braces; names of numbers end with them."""
    opened = state.cursor.at
    state.cursor.expect("{")
    state.enter_block(opened)
    hidden = len(state.declared.hidden)
    while state.cursor.word != "}":
        if state.cursor.kind == "end":
            reject("this block never ends: `}` is missing", opened)
        state.follow(state)
    state.cursor.advance()
    state.declared.forget_numbers(hidden)
    state.leave_block()


class Test(NamedTuple):
    """A condition, None where it never holds, and whether it is negated."""

    condition: Condition | None
    negated: bool = False


def _branch(state: ReaderState) -> tuple[Operation, ...]:
    """Read the block or the one statement that a condition governs, and return its operations."""
    state.conditions += 1
    state.out.open()
    if state.cursor.word == "{":
        block(state)
    else:
        state.enter_block(state.cursor.at)
        state.follow(state)
        state.leave_block()
    state.conditions -= 1
    return state.out.close()


def if_else(state: ReaderState) -> None:
    """`if (condition) ... else ...`."""
    at = state.start
    state.cursor.advance()
    state.cursor.expect("(")
    test = _condition(state)
    state.cursor.expect(")")
    body = _branch(state)
    otherwise = _branch(state) if state.cursor.take("else") else ()
    if test.negated:
        body, otherwise = otherwise, body
    state.out.branch([Case((test.condition,), body)] if test.condition else [], otherwise, at)


def _condition(state: ReaderState) -> Test:
    """Read a condition of the forms that simulators read; the rarer ones make the circuit rich."""
    state.trace.features.add(Feature.DYNAMIC)
    state.trace.count(1, state.cursor.at)
    if state.cursor.kind in {"int", "string"}:
        test = _mirrored(state)
    elif state.cursor.word in {"!", "~"}:
        test = _negated(state)
    else:
        test = _compared(state)
    if state.cursor.word != ")":
        reject_unsupported(f"{_FORMS}, without {shown(state.cursor.word)}", state.cursor.at)
    return test


def _conditional(state: ReaderState) -> Operand:
    """Read the bit or the register of a condition."""
    at = state.cursor.at
    if state.cursor.word in _INTEGERS:
        return _cast(state)
    if state.cursor.word in state.declared.snapshots:
        return snapshot(state)
    if state.cursor.kind != "name" or state.cursor.word in _LITERALS or _is_number(state):
        reject_unsupported(_FORMS, at)
    register = state.declared.register(state.cursor.word, at, classical=True)
    operand = state.operand(classical=True)
    if register.alias or not (operand.scalar or operand.indices is register.indices):
        reject_unsupported(f"{_FORMS}, of a register or of one bit under its own name", at)
    return operand


def _cast(state: ReaderState) -> Operand:
    """`int(c)`: a register is compared as a number anyway."""
    at = state.cursor.at
    state.rich()
    name = state.cursor.advance()
    if state.cursor.word != "(":
        reject_unsupported(f"a register is compared as a whole: write `{name}(c)`, or its name alone", at)
    state.cursor.advance()
    operand = _conditional(state)
    state.cursor.expect(")")
    if len(operand.indices) >= _INTEGER:
        reject_unsupported(f"`{name}` holds fewer than {_INTEGER} bits: write the name of the register alone", at)
    return operand


def _is_number(state: ReaderState) -> bool:
    return state.cursor.word in state.declared.numbers


def _negated(state: ReaderState) -> Test:
    """`!c[0]`, or `~c[0]`."""
    if state.cursor.advance() == "~":
        state.rich()
    operand = _conditional(state)
    if not operand.scalar:
        reject_unsupported(_FORMS, operand.at)
    return Test(_is_one(operand), negated=True)


def _is_one(operand: Operand) -> Condition:
    return Condition(tuple(operand.indices), 1)


def _compared(state: ReaderState) -> Test:
    """`c[0]`, `c[0] == 1` or `c == 3`."""
    operand = _conditional(state)
    if state.cursor.word not in {"==", "!="}:
        if not operand.scalar:
            reject_unsupported(_FORMS, operand.at)
        return Test(_is_one(operand))
    negated = state.cursor.advance() == "!="
    if not operand.scalar or state.cursor.kind == "string":
        return Test(compared(state, operand.indices), negated)
    if state.cursor.word not in _TRUTH:
        state.cursor.reject("0, 1, true or false")
    return Test(_is_one(operand), negated != (state.cursor.advance() in _FALSE))


def _mirrored(state: ReaderState) -> Test:
    """`3 == c`: the value comes first."""
    state.rich()
    begin = state.cursor.at
    state.cursor.advance()
    if state.cursor.word != "==":
        state.cursor.reject("`==`")
    state.cursor.advance()
    operand = _conditional(state)
    end = state.cursor.at
    state.cursor.seek(begin)
    condition = compared(state, operand.indices)
    state.cursor.seek(end)
    return Test(condition)


def loop(state: ReaderState) -> None:
    """`for int name in values { ... }`, followed round by round."""
    cursor = state.cursor
    cursor.advance()
    if cursor.word not in {"int", "uint"}:
        reject_unsupported("simulators loop over integers: write `for int i in ...`", cursor.at)
    cursor.advance()
    width_of(state)
    at = cursor.at
    name = cursor.name("the name of the loop's number")
    state.declared.check_word(name, at)
    if name in state.declared.names:
        reject(f"{shown(name)} is already declared: rename one of the two", at)
    cursor.expect("in")
    values = _values(state)
    if len(values) > MAX_STEPS:
        reject_limit(f"this loop has {len(values):,} rounds; the limit is {MAX_STEPS:,}", at)
    if cursor.word != "{" or name in MISREAD:
        state.rich()
    _rounds(state, name, values)


def width_of(state: ReaderState) -> int | None:
    """Step over the width of a type, as in `int[32]`, and return it; None where there is none."""
    if not state.cursor.take("["):
        return None
    at = state.cursor.at
    width = state.integer()
    if width < 1:
        reject("a type has at least 1 bit", at)
    state.cursor.expect("]")
    return width


def _values(state: ReaderState) -> Sequence[int]:
    at = state.cursor.at
    if state.cursor.take("{"):
        found = [state.integer()]
        while state.cursor.take(","):
            found.append(state.integer())
        state.cursor.expect("}")
        return found
    if not state.cursor.take("["):
        reject_unsupported("simulators loop over a range or a set: write `[0:3]` or `{0, 2}`", at)
    bounds = [state.integer()]
    while state.cursor.take(":") and len(bounds) < 3:
        bounds.append(state.integer())
    if len(bounds) < 2:
        state.cursor.reject("`:`")
    state.cursor.expect("]")
    return inclusive(bounds, at)


def _rounds(state: ReaderState, name: str, values: Sequence[int]) -> None:
    begin = state.cursor.at
    hidden = len(state.declared.hidden)
    state.loops += 1
    for number, value in enumerate(values):
        state.trace.step(begin)
        if number:
            state.trace.work(REREAD * (state.cursor.at - begin), begin)
            state.cursor.seek(begin)
        state.declared.set_number(name, value)
        _round(state)
        state.declared.forget_numbers(hidden)
    state.loops -= 1
    if not values:
        skip_statement(state)


def _round(state: ReaderState) -> None:
    if state.cursor.word == "{":
        block(state)
        return
    state.enter_block(state.cursor.at)
    state.follow(state)
    state.leave_block()


def skip_statement(state: ReaderState) -> None:
    """Step over one statement, or a block, that never runs."""
    cursor = state.cursor
    while cursor.word not in {";", "{"}:
        if cursor.kind == "end":
            reject("the text ends where a statement is needed", cursor.at)
        in_set = cursor.advance() == "in"
        if in_set and cursor.word == "{":
            _skip_braces(state)
    if cursor.word == "{":
        _skip_braces(state)
    else:
        cursor.advance()
    if cursor.take("else"):
        skip_statement(state)


def _skip_braces(state: ReaderState) -> None:
    cursor = state.cursor
    opened = cursor.at
    cursor.expect("{")
    depth = 1
    while depth:
        if cursor.kind == "end":
            reject("this block never ends: `}` is missing", opened)
        depth += {"{": 1, "}": -1}.get(cursor.advance(), 0)


def switch(state: ReaderState) -> None:
    """`switch (bits) { case 0, 1 { ... } default { ... } }`."""
    cursor = state.cursor
    begin = state.start
    cursor.advance()
    cursor.expect("(")
    at = cursor.at
    if _is_number(state):
        reject_unsupported("simulators switch on classical bits alone: use a `bit` register here", at)
    operand = _conditional(state)
    cursor.expect(")")
    cursor.expect("{")
    seen: set[int] = set()
    cases = []
    while cursor.take("case"):
        cases.append(_case(state, operand, seen))
    if not cases:
        reject("a `switch` needs a `case`", at)
    otherwise = _branch(state) if cursor.take("default") else ()
    cursor.expect("}")
    state.out.branch(cases, otherwise, begin)


def _case(state: ReaderState, operand: Operand, seen: set[int]) -> Case:
    conditions = []
    while True:
        at = state.cursor.at
        condition = compared(state, operand.indices)
        if condition is not None:
            if condition.value in seen:
                reject(f"the value {condition.value} has a `case` already", at)
            seen.add(condition.value)
            conditions.append(condition)
        if not state.cursor.take(","):
            break
    return Case(tuple(conditions), _branch(state))


def box(state: ReaderState) -> None:
    """`box { ... }`."""
    state.cursor.advance()
    if state.cursor.word == "[":
        reject_unsupported("simulators know no duration of a `box`: leave it out", state.cursor.at)
    block(state)
