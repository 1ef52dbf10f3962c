"""The statements of OpenQASM 3 that hold blocks: conditions, loops, switches, boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from farshot.openqasm.facts import Feature
from farshot.openqasm.limits import MAX_STEPS
from farshot.openqasm.refusal import reject, reject_limit, reject_unsupported, shown
from farshot.openqasm.state import Case, Operand, inclusive_range
from farshot.openqasm.statements import read_comparison
from farshot.openqasm.symbols import MISREAD
from farshot.operations.operations import Condition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farshot.openqasm.state import ReaderState
    from farshot.operations.operations import Operation


_INTEGER_TYPES = frozenset({"int", "uint"})
_INTEGER_BITS = 32
_FORMS = "simulators read the conditions `c == 3`, `c[0]`, `!c[0]` and `c[0] == 1`"
_BOOLEANS = frozenset({"true", "false"})
_BIT_VALUES = {"0", "1", "true", "false"}
_FALSE = {"0", "false"}
_REREAD_WORK = 8
"""The work that reading one character of a loop again counts as."""


def _read_block(state: ReaderState) -> None:
    """Read the statements between braces, which are a scope of numbers."""
    opened = state.cursor.at
    state.cursor.expect("{")
    state.enter_block(opened)
    shadowed = len(state.symbols.shadowed)
    while state.cursor.word != "}":
        if state.cursor.kind == "end":
            reject("this block never ends: `}` is missing", opened)
        state.read_statement(state)
    state.cursor.advance()
    state.symbols.restore_numbers(shadowed)
    state.leave_block()


def _read_body(state: ReaderState) -> None:
    """Read a block, or the one statement in its place."""
    if state.cursor.word == "{":
        _read_block(state)
        return
    state.enter_block(state.cursor.at)
    state.read_statement(state)
    state.leave_block()


class _Test(NamedTuple):
    """A condition, None if it never holds, and whether it is negated."""

    condition: Condition | None
    negated: bool = False


def _read_branch(state: ReaderState) -> tuple[Operation, ...]:
    """Read the body of a condition and return its operations."""
    state.condition_depth += 1
    state.output.open()
    _read_body(state)
    state.condition_depth -= 1
    return state.output.close()


def read_if_else(state: ReaderState) -> None:
    """Read `if (condition) ... else ...`."""
    at = state.start
    state.cursor.advance()
    state.cursor.expect("(")
    test = _read_condition(state)
    state.cursor.expect(")")
    body = _read_branch(state)
    otherwise = _read_branch(state) if state.cursor.take("else") else ()
    if test.negated:
        body, otherwise = otherwise, body
    state.output.branch([Case((test.condition,), body)] if test.condition else [], otherwise, at)


def _read_condition(state: ReaderState) -> _Test:
    """Read a condition of a form that simulators read; the rarer forms make the circuit rich."""
    state.effects.features.add(Feature.DYNAMIC)
    state.effects.count(1, state.cursor.at)
    if state.cursor.kind in {"int", "string"}:
        test = _read_mirrored(state)
    elif state.cursor.word in {"!", "~"}:
        test = _read_negated(state)
    else:
        test = _read_compared(state)
    if state.cursor.word != ")":
        reject_unsupported(f"{_FORMS}, without {shown(state.cursor.word)}", state.cursor.at)
    return test


def _read_bits(state: ReaderState) -> Operand:
    """Read the bit or the register of a condition."""
    at = state.cursor.at
    if state.cursor.word in _INTEGER_TYPES:
        return _read_cast(state)
    if state.cursor.word in state.symbols.snapshots:
        return _read_snapshot(state)
    if state.cursor.kind != "name" or state.cursor.word in _BOOLEANS or state.cursor.word in state.symbols.numbers:
        reject_unsupported(_FORMS, at)
    register = state.symbols.register(state.cursor.word, at, classical=True)
    operand = state.read_operand(classical=True)
    if register.alias or not (operand.scalar or operand.indices is register.indices):
        reject_unsupported(f"{_FORMS}, of a register or of one bit under its own name", at)
    return operand


def _read_cast(state: ReaderState) -> Operand:
    """Read `int(c)`, the same as `c` in a comparison."""
    at = state.cursor.at
    state.mark_rich()
    name = state.cursor.advance()
    if state.cursor.word != "(":
        reject_unsupported(f"a register is compared as a whole: write `{name}(c)`, or its name alone", at)
    state.cursor.advance()
    operand = _read_bits(state)
    state.cursor.expect(")")
    if len(operand.indices) >= _INTEGER_BITS:
        reject_unsupported(f"`{name}` holds fewer than {_INTEGER_BITS} bits: write the name of the register alone", at)
    return operand


def _read_snapshot(state: ReaderState) -> Operand:
    """Read the name of a variable and return the bits that it holds."""
    at = state.cursor.at
    name = state.cursor.advance()
    held = state.symbols.snapshots[name]
    if not held.bits or tuple(state.open_blocks[: len(held.blocks)]) != held.blocks:
        reject_unsupported(f"{shown(name)} holds nothing that is known here: assign a register of bits to it first", at)
    later = state.effects.measured[held.measured :]
    state.effects.count(1 + len(later), at)
    if not {bit for _, bit in later}.isdisjoint(held.bits):
        reject_unsupported(f"the bits that {shown(name)} was made of are measured again before it is used", at)
    return Operand(held.bits, scalar=False, at=at)


def _read_negated(state: ReaderState) -> _Test:
    """Read `!c[0]` or `~c[0]`."""
    if state.cursor.advance() == "~":
        state.mark_rich()
    operand = _read_bits(state)
    if not operand.scalar:
        reject_unsupported(_FORMS, operand.at)
    return _Test(_condition_on(operand), negated=True)


def _condition_on(operand: Operand) -> Condition:
    return Condition(tuple(operand.indices), 1)


def _read_compared(state: ReaderState) -> _Test:
    """Read `c[0]`, `c[0] == 1` or `c == 3`."""
    operand = _read_bits(state)
    if state.cursor.word not in {"==", "!="}:
        if not operand.scalar:
            reject_unsupported(_FORMS, operand.at)
        return _Test(_condition_on(operand))
    negated = state.cursor.advance() == "!="
    if not operand.scalar or state.cursor.kind == "string":
        return _Test(read_comparison(state, operand.indices), negated)
    if state.cursor.word not in _BIT_VALUES:
        state.cursor.reject("0, 1, true or false")
    return _Test(_condition_on(operand), negated != (state.cursor.advance() in _FALSE))


def _read_mirrored(state: ReaderState) -> _Test:
    """Read `3 == c`."""
    state.mark_rich()
    begin = state.cursor.at
    state.cursor.advance()
    if state.cursor.word != "==":
        state.cursor.reject("`==`")
    state.cursor.advance()
    operand = _read_bits(state)
    end = state.cursor.at
    state.cursor.seek(begin)
    condition = read_comparison(state, operand.indices)
    state.cursor.seek(end)
    return _Test(condition)


def read_for(state: ReaderState) -> None:
    """Read `for int name in values { ... }`, its body once for each value."""
    cursor = state.cursor
    cursor.advance()
    if cursor.word not in _INTEGER_TYPES:
        reject_unsupported("simulators loop over integers: write `for int i in ...`", cursor.at)
    cursor.advance()
    read_width(state)
    at = cursor.at
    name = cursor.read_name("the name of the loop's number")
    state.symbols.check_word(name, at)
    if name in state.symbols.names:
        reject(f"{shown(name)} is already declared: rename one of the two", at)
    cursor.expect("in")
    values = _read_values(state)
    if len(values) > MAX_STEPS:
        reject_limit(f"this loop has {len(values):,} rounds; the limit is {MAX_STEPS:,}", at)
    if cursor.word != "{" or name in MISREAD:
        state.mark_rich()
    _read_rounds(state, name, values)


def read_width(state: ReaderState) -> int | None:
    """Read the width of a type, as in `int[32]`, and return it, None if there is none."""
    if not state.cursor.take("["):
        return None
    at = state.cursor.at
    width = state.read_integer()
    if width < 1:
        reject("a type has at least 1 bit", at)
    state.cursor.expect("]")
    return width


def _read_values(state: ReaderState) -> Sequence[int]:
    at = state.cursor.at
    if state.cursor.take("{"):
        values = [state.read_integer()]
        while state.cursor.take(","):
            values.append(state.read_integer())
        state.cursor.expect("}")
        return values
    if not state.cursor.take("["):
        reject_unsupported("simulators loop over a range or a set: write `[0:3]` or `{0, 2}`", at)
    bounds = [state.read_integer()]
    while state.cursor.take(":") and len(bounds) < 3:
        bounds.append(state.read_integer())
    if len(bounds) < 2:
        state.cursor.reject("`:`")
    state.cursor.expect("]")
    return inclusive_range(bounds, at)


def _read_rounds(state: ReaderState, name: str, values: Sequence[int]) -> None:
    begin = state.cursor.at
    shadowed = len(state.symbols.shadowed)
    state.loop_depth += 1
    for number, value in enumerate(values):
        state.effects.step(begin)
        if number:
            state.effects.work(_REREAD_WORK * (state.cursor.at - begin), begin)
            state.cursor.seek(begin)
        state.symbols.set_number(name, value)
        _read_body(state)
        state.symbols.restore_numbers(shadowed)
    state.loop_depth -= 1
    if not values:
        _skip_statement(state)


def _skip_statement(state: ReaderState) -> None:
    """Step over one statement, or a block, that never runs."""
    cursor = state.cursor
    while cursor.word not in {";", "{"}:
        if cursor.kind == "end":
            reject("the text ends where a statement is needed", cursor.at)
        if cursor.advance() == "in" and cursor.word == "{":
            _skip_braces(state)
    if cursor.word == "{":
        _skip_braces(state)
    else:
        cursor.advance()
    if cursor.take("else"):
        _skip_statement(state)


def _skip_braces(state: ReaderState) -> None:
    cursor = state.cursor
    opened = cursor.at
    cursor.expect("{")
    depth = 1
    while depth:
        if cursor.kind == "end":
            reject("this block never ends: `}` is missing", opened)
        depth += {"{": 1, "}": -1}.get(cursor.advance(), 0)


def read_switch(state: ReaderState) -> None:
    """Read `switch (bits) { case 0, 1 { ... } default { ... } }`."""
    cursor = state.cursor
    begin = state.start
    cursor.advance()
    cursor.expect("(")
    at = cursor.at
    if cursor.word in state.symbols.numbers:
        reject_unsupported("simulators switch on classical bits alone: use a `bit` register here", at)
    operand = _read_bits(state)
    cursor.expect(")")
    cursor.expect("{")
    seen: set[int] = set()
    cases = []
    while cursor.take("case"):
        cases.append(_read_case(state, operand, seen))
    if not cases:
        reject("a `switch` needs a `case`", at)
    otherwise = _read_branch(state) if cursor.take("default") else ()
    cursor.expect("}")
    state.output.branch(cases, otherwise, begin)


def _read_case(state: ReaderState, operand: Operand, seen: set[int]) -> Case:
    conditions = []
    while True:
        at = state.cursor.at
        condition = read_comparison(state, operand.indices)
        if condition is not None:
            if condition.value in seen:
                reject(f"the value {condition.value} has a `case` already", at)
            seen.add(condition.value)
            conditions.append(condition)
        if not state.cursor.take(","):
            return Case(tuple(conditions), _read_branch(state))


def read_box(state: ReaderState) -> None:
    """Read `box { ... }`."""
    state.cursor.advance()
    if state.cursor.word == "[":
        reject_unsupported("simulators know no duration of a `box`: leave it out", state.cursor.at)
    _read_block(state)
