"""What OpenQASM 3 puts in braces: conditions, loops, switches, boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farshot.admission.declared import MISREAD
from farshot.admission.facts import Feature
from farshot.admission.limits import MAX_STEPS
from farshot.admission.refusal import reject, reject_limit, reject_unsupported, shown
from farshot.admission.state import inclusive
from farshot.admission.statements import check_fits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farshot.admission.state import Operand, State

__all__ = ["box", "if_else", "loop", "switch"]

_FORMS = "simulators read the conditions `c == 3`, `c[0]`, `!c[0]` and `c[0] == 1`"
_TRUTH = {"0", "1", "true", "false"}


def block(state: State) -> None:
    """Read the statements between braces; names of numbers end with them."""
    opened = state.cursor.at
    state.cursor.expect("{")
    state.enter_block(opened)
    numbers = state.declared.numbers
    state.declared.numbers = dict(numbers)
    while state.cursor.word != "}":
        if state.cursor.kind == "end":
            reject("this block never ends: `}` is missing", opened)
        state.follow(state)
    state.cursor.advance()
    state.declared.numbers = numbers
    state.blocks -= 1


def _branch(state: State) -> None:
    """Read the block or the one statement that a condition governs."""
    state.conditions += 1
    if state.cursor.word == "{":
        block(state)
    else:
        state.enter_block(state.cursor.at)
        state.follow(state)
        state.blocks -= 1
    state.conditions -= 1


def if_else(state: State) -> None:
    """`if (condition) ... else ...`."""
    state.cursor.advance()
    state.cursor.expect("(")
    _condition(state)
    state.cursor.expect(")")
    _branch(state)
    if state.cursor.take("else"):
        _branch(state)


def _condition(state: State) -> None:
    """Read a condition of the forms that simulators read; the rarer ones make the circuit rich."""
    state.trace.features.add(Feature.DYNAMIC)
    state.trace.count(1, state.cursor.at)
    if state.cursor.kind == "int":
        _mirrored(state)
    elif state.cursor.word in {"!", "~"}:
        _negated(state)
    else:
        _compared(state)
    if state.cursor.word != ")":
        reject_unsupported(f"{_FORMS}, without {shown(state.cursor.word)}", state.cursor.at)


def _conditional(state: State) -> Operand:
    """Read the bit or the register of a condition."""
    at = state.cursor.at
    if state.cursor.kind != "name" or state.cursor.word in {"true", "false"} | state.declared.numbers.keys():
        reject_unsupported(_FORMS, at)
    register = state.declared.register(state.cursor.word, at, classical=True)
    operand = state.operand(classical=True)
    if register.alias or not (operand.scalar or operand.indices is register.indices):
        reject_unsupported(f"{_FORMS}, of a register or of one bit under its own name", at)
    return operand


def _negated(state: State) -> None:
    """`!c[0]`, or `~c[0]`."""
    if state.cursor.advance() == "~":
        state.rich()
    operand = _conditional(state)
    if not operand.scalar:
        reject_unsupported(_FORMS, operand.at)


def _compared(state: State) -> None:
    """`c[0]`, `c[0] == 1` or `c == 3`."""
    operand = _conditional(state)
    if state.cursor.word not in {"==", "!="}:
        if not operand.scalar:
            reject_unsupported(_FORMS, operand.at)
        return
    state.cursor.advance()
    if not operand.scalar:
        check_fits(state, operand.indices)
    elif state.cursor.word in _TRUTH:
        state.cursor.advance()
    else:
        state.cursor.reject("0, 1, true or false")


def _mirrored(state: State) -> None:
    """`3 == c`: the value comes first."""
    state.rich()
    begin = state.cursor.at
    state.cursor.advance()
    if state.cursor.word != "==":
        state.cursor.reject("`==`")
    state.cursor.advance()
    operand = _conditional(state)
    if operand.scalar:
        reject_unsupported(_FORMS, operand.at)
    end = state.cursor.at
    state.cursor.seek(begin)
    check_fits(state, operand.indices)
    state.cursor.seek(end)


def loop(state: State) -> None:
    """`for int name in values { ... }`, followed round by round."""
    cursor = state.cursor
    cursor.advance()
    if cursor.word not in {"int", "uint"}:
        reject_unsupported("simulators loop over integers: write `for int i in ...`", cursor.at)
    cursor.advance()
    skip_width(state)
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


def skip_width(state: State) -> None:
    """Step over the width of a type, as in `int[32]`."""
    if state.cursor.take("["):
        state.integer()
        state.cursor.expect("]")


def _values(state: State) -> Sequence[int]:
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


def _rounds(state: State, name: str, values: Sequence[int]) -> None:
    numbers = state.declared.numbers
    begin = state.cursor.at
    state.loops += 1
    for value in values:
        state.trace.step(begin)
        state.cursor.seek(begin)
        state.declared.numbers = {**numbers, name: value}
        _round(state)
    state.loops -= 1
    state.declared.numbers = numbers
    if not values:
        _skip_block(state)


def _round(state: State) -> None:
    if state.cursor.word == "{":
        block(state)
        return
    state.enter_block(state.cursor.at)
    state.follow(state)
    state.blocks -= 1


def _skip_block(state: State) -> None:
    cursor = state.cursor
    opened = cursor.at
    cursor.expect("{")
    depth = 1
    while depth:
        if cursor.kind == "end":
            reject("this block never ends: `}` is missing", opened)
        depth += {"{": 1, "}": -1}.get(cursor.advance(), 0)


def switch(state: State) -> None:
    """`switch (bits) { case 0, 1 { ... } default { ... } }`."""
    cursor = state.cursor
    cursor.advance()
    cursor.expect("(")
    at = cursor.at
    if cursor.word in state.declared.numbers:
        reject_unsupported("simulators switch on classical bits alone: use a `bit` register here", at)
    operand = _conditional(state)
    cursor.expect(")")
    cursor.expect("{")
    seen: set[int] = set()
    while cursor.take("case"):
        _case(state, operand, seen)
    if not seen:
        reject("a `switch` needs a `case`", at)
    if cursor.take("default"):
        _branch(state)
    cursor.expect("}")


def _case(state: State, operand: Operand, seen: set[int]) -> None:
    while True:
        at = state.cursor.at
        value = check_fits(state, operand.indices)
        if value in seen:
            reject(f"the value {value} has a `case` already", at)
        seen.add(value)
        if not state.cursor.take(","):
            break
    _branch(state)


def box(state: State) -> None:
    """`box { ... }`."""
    state.cursor.advance()
    if state.cursor.word == "[":
        reject_unsupported("simulators know no duration of a `box`: leave it out", state.cursor.at)
    block(state)
