"""Numbers and expressions: read into steps of a stack machine, then evaluated or bounded.

An expression may hold names without a value (the parameters of a gate), so reading and evaluating are separate.
Both refuse numbers that are not finite.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, NoReturn, TypeAlias

from farshot.openqasm.angles import Angle, combine_angles
from farshot.openqasm.limits import MAX_NESTING
from farshot.openqasm.refusal import reject, reject_limit, reject_unsupported, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping

    from farshot.openqasm.tokens import Cursor


Number: TypeAlias = "int | float"

_MAX_EXACT = 2**53


class Step(NamedTuple):
    """One step of the stack machine: `number`, `name`, `call`, `negate`, or an operator."""

    action: str
    value: Number | str
    at: int


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression in postfix order."""

    steps: tuple[Step, ...]
    is_open: bool
    """True if it holds names without a value."""
    at: int
    has_angles: bool = False


_CONSTANTS = {
    2: {"pi": math.pi},
    3: {"pi": math.pi, "π": math.pi, "tau": math.tau, "τ": math.tau, "euler": math.e, "ℇ": math.e},
}
_COMMON = {"sin": math.sin, "cos": math.cos, "tan": math.tan, "exp": math.exp, "sqrt": math.sqrt}
_FUNCTIONS: dict[int, dict[str, tuple[int, Callable[..., Number]]]] = {
    2: {name: (1, function) for name, function in (_COMMON | {"ln": math.log}).items()},
    3: {
        **{name: (1, function) for name, function in _COMMON.items()},
        "log": (1, math.log),
        "arcsin": (1, math.asin),
        "arccos": (1, math.acos),
        "arctan": (1, math.atan),
        "floor": (1, math.floor),
        "ceiling": (1, math.ceil),
        "pow": (2, pow),
        "mod": (2, math.fmod),
    },
}
_BOUNDED = {"sin": 1.0, "cos": 1.0, "arctan": 2.0}
"""Functions with bounded values, and the bounds."""
_BITWISE = frozenset({"<<", ">>", "&", "|", "^"})
_SUM = 1
_PRODUCT = 2
_PRECEDENCE = {
    2: {"+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT},
    3: {"+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT, "%": _PRODUCT},
}


def predefined_names(version: int) -> frozenset[str]:
    """Return the names of the constants and functions of OpenQASM `version`."""
    return frozenset(_CONSTANTS[version]) | frozenset(_FUNCTIONS[version])


class ExpressionReader:
    """Reads one expression of OpenQASM `version`; `known` are named numbers, `free` are gate parameters."""

    __slots__ = ("_cursor", "_depth", "_free", "_has_angles", "_is_open", "_known", "_steps", "_version")

    def __init__(
        self, cursor: Cursor, version: int, known: Mapping[str, Number], free: Container[str] = frozenset()
    ) -> None:
        self._cursor = cursor
        self._version = version
        self._known = known
        self._free = free
        self._steps: list[Step] = []
        self._is_open = False
        self._has_angles = False
        self._depth = 0

    def read(self) -> Expression:
        """Step over the expression at the cursor and return it."""
        at = self._cursor.at
        self._read_binary(_SUM)
        if self._cursor.word in _BITWISE:
            word = shown(self._cursor.word)
            reject_unsupported(f"{word} works on the bits of a number: write the number itself", self._cursor.at)
        return Expression(tuple(self._steps), self._is_open, at, self._has_angles)

    def _read_binary(self, min_level: int) -> None:
        """Read operators of the precedence `min_level` or higher."""
        self._read_signed()
        table = _PRECEDENCE[self._version]
        while (level := table.get(self._cursor.word, 0)) >= min_level:
            at = self._cursor.at
            operator = self._cursor.advance()
            self._read_binary(level + 1)
            self._steps.append(Step(operator, 0, at))

    def _read_signed(self) -> None:
        if self._cursor.word in {"-", "+"}:
            at = self._cursor.at
            sign = self._cursor.advance()
            self._enter(at)
            self._read_signed()
            self._depth -= 1
            if sign == "-":
                self._steps.append(Step("negate", 0, at))
            return
        self._read_primary()
        if self._cursor.word in {"^", "**"}:
            self._read_power()

    def _read_power(self) -> None:
        at = self._cursor.at
        if self._cursor.word != ("^" if self._version == 2 else "**"):
            return
        if self._version == 2:
            message = "simulators disagree about the power operator `^` of OpenQASM 2: write the number out"
            reject_unsupported(message, at)
        self._cursor.advance()
        self._enter(at)
        self._read_signed()
        self._depth -= 1
        self._steps.append(Step("**", 0, at))

    def _read_primary(self) -> None:
        cursor = self._cursor
        if cursor.kind in {"int", "real"}:
            number = _parse_literal(cursor.word)
            if not math.isfinite(number):
                _reject_infinite(cursor.at)
            self._steps.append(Step("number", float(number) if self._version == 2 else number, cursor.at))
            cursor.advance()
        elif cursor.kind == "name":
            self._read_name()
        elif cursor.word == "(":
            self._read_list(1)
        else:
            cursor.reject("a number")

    def _read_list(self, number: int) -> None:
        """Read `number` expressions in parentheses, separated by commas."""
        self._enter(self._cursor.at)
        self._cursor.expect("(")
        for place in range(number):
            if place:
                self._cursor.expect(",")
            self._read_binary(_SUM)
        self._cursor.expect(")")
        self._depth -= 1

    def _enter(self, at: int) -> None:
        self._depth += 1
        if self._depth > MAX_NESTING:
            reject_limit(f"this formula is nested more than {MAX_NESTING} deep: write it flatter", at)

    def _read_name(self) -> None:
        at = self._cursor.at
        word = self._cursor.advance()
        if self._cursor.word == "(":
            self._read_call(word, at)
        elif word in self._free:
            self._is_open = True
            self._steps.append(Step("name", word, at))
        else:
            value = self._known.get(word, _CONSTANTS[self._version].get(word))
            if value is None:
                if word.lower() in {"nan", "inf", "infinity"}:
                    _reject_infinite(at)
                reject(f"{shown(word)} is not a number or a parameter that is known here", at)
            self._has_angles = self._has_angles or isinstance(value, Angle)
            self._steps.append(Step("number", value, at))

    def _read_call(self, word: str, at: int) -> None:
        known = _FUNCTIONS[self._version].get(word)
        if known is None:
            names = ", ".join(sorted(_FUNCTIONS[self._version]))
            reject_unsupported(f"no simulator knows the function {shown(word)}: there are {names}", at)
        self._read_list(known[0])
        self._steps.append(Step("call", word, at))


def _parse_literal(word: str) -> Number:
    plain = word.replace("_", "")
    if plain[:2].lower() in {"0x", "0b", "0o"}:
        return _bounded_integer(int(plain, 0))
    return _bounded_integer(int(plain)) if plain.isdecimal() else float(plain)


def _bounded_integer(number: int) -> Number:
    """Return `number`, as a float if a float does not hold it exactly, so that integers never grow long."""
    if -_MAX_EXACT <= number <= _MAX_EXACT:
        return number
    try:
        return float(number)
    except OverflowError:
        return math.inf


def _reject_infinite(at: int) -> NoReturn:
    reject_limit("this is not a finite number: angles must be finite", at)


def evaluate(expression: Expression, version: int, values: Mapping[str, Number]) -> Number:
    """Return the value of `expression`, a finite number, with `values` for its open names."""
    stack: list[Number] = []
    for step in expression.steps:
        if step.action == "number":
            stack.append(step.value)  # type: ignore[arg-type]  # numbers carry numbers
        elif step.action == "name":
            stack.append(values[str(step.value)])
        elif expression.has_angles:
            stack.append(_apply_to_angles(step, version, stack))
        else:
            stack.append(_apply(step, version, stack))
    return stack[0]


def _apply_to_angles(step: Step, version: int, stack: list[Number]) -> Number:
    """Evaluate a step of an expression that holds angles."""
    count = _operand_count(step, version)
    operands = stack[-count:]
    if not any(isinstance(operand, Angle) for operand in operands):
        return _apply(step, version, stack)
    del stack[-count:]
    return combine_angles(step.action, str(step.value), operands, step.at)


def _operand_count(step: Step, version: int) -> int:
    """Return the number of values that the step takes from the stack."""
    if step.action == "call":
        return _FUNCTIONS[version][str(step.value)][0]
    return 1 if step.action == "negate" else 2


def _apply(step: Step, version: int, stack: list[Number]) -> Number:
    try:
        result = _compute(step, version, stack)
    except (ArithmeticError, ValueError):
        _reject_infinite(step.at)
    if isinstance(result, complex) or not math.isfinite(result):
        _reject_infinite(step.at)
    return _bounded_integer(result) if isinstance(result, int) else result


def _compute(step: Step, version: int, stack: list[Number]) -> Number:
    if step.action == "negate":
        return -stack.pop()
    if step.action == "call":
        count, function = _FUNCTIONS[version][str(step.value)]
        arguments = [float(stack.pop()) for _ in range(count)]
        return function(*reversed(arguments))
    right = stack.pop()
    left = stack.pop()
    if step.action == "/":
        return _divide(left, right, version, step.at)
    return _OPERATORS[step.action](left, right)


def _divide(left: Number, right: Number, version: int, at: int) -> Number:
    if version == 2 or isinstance(left, float) or isinstance(right, float):
        return left / right
    quotient, rest = divmod(left, right)
    if rest:
        message = f"{left}/{right} divides integers, and simulators disagree about it: write {left}.0/{right}"
        reject_unsupported(message, at)
    return quotient


def _raise_to(left: Number, right: Number) -> Number:
    result: Number = float(left) ** float(right)
    exact = isinstance(left, int) and isinstance(right, int) and right >= 0
    return round(result) if exact and abs(result) <= _MAX_EXACT else result


_OPERATORS: dict[str, Callable[[Number, Number], Number]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "%": lambda left, right: left % right if min(left, right) >= 0 else math.fmod(left, right),
    "**": _raise_to,
}


def evaluate_integer(expression: Expression, version: int) -> int:
    """Return the value of an expression that must be an integer, such as an index."""
    value = evaluate(expression, version, {})
    if isinstance(value, float):
        reject("an integer is needed here", expression.at)
    return value


class _Term(NamedTuple):
    """A value on the stack of `max_size`: known exactly, or (None) known not to exceed `size`."""

    value: Number | None
    size: float


def max_size(expression: Expression, version: int, largest: float) -> float:
    """Return a number that no value of `expression` exceeds while its open names stay below `largest`.

    Infinity if that cannot be shown.
    """
    stack: list[_Term] = []
    for step in expression.steps:
        if step.action == "name":
            stack.append(_Term(None, largest))
        elif step.action == "number":
            stack.append(_Term(step.value, abs(step.value)))  # type: ignore[arg-type]  # numbers carry numbers
        else:
            stack.append(_bound_step(step, version, stack))
    return stack[0].size


def _bound_step(step: Step, version: int, stack: list[_Term]) -> _Term:
    count = _operand_count(step, version)
    terms = stack[-count:]
    del stack[-count:]
    values = [term.value for term in terms if term.value is not None]
    if len(values) == count:
        value = _apply(step, version, values)
        return _Term(value, abs(value))
    size = _bound_size(step, terms)
    return _Term(None, math.inf if math.isnan(size) else size)


def _bound_size(step: Step, terms: list[_Term]) -> float:
    if step.action == "call":
        return _BOUNDED.get(str(step.value), math.inf)
    if step.action == "negate":
        return terms[0].size
    left, right = terms
    if step.action in {"+", "-"}:
        return left.size + right.size
    if step.action == "*":
        return left.size * right.size
    if step.action == "/" and right.value is not None:
        if right.value == 0:
            _reject_infinite(step.at)
        return left.size / abs(right.value)
    return math.inf
