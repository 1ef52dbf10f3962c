"""Numbers and formulas: read into steps of a stack machine, then worked out or bounded.

A formula may hold names that stand for nothing yet (the parameters of a gate), so reading and working
out are two things. Nothing that is not a finite number gets past either.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, NoReturn, TypeAlias

from farshot.openqasm.angles import Angle, combined
from farshot.openqasm.limits import MAX_NESTING
from farshot.openqasm.refusal import reject, reject_limit, reject_unsupported, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping

    from farshot.openqasm.tokens import Cursor


Number: TypeAlias = "int | float"

_EXACT = 2**53


class Step(NamedTuple):
    """One step of the stack machine: `number`, `name`, `call`, `negate`, or an operator."""

    action: str
    value: Number | str
    at: int


@dataclass(frozen=True, slots=True)
class Expression:
    """A formula in postfix order. `open` says that it holds names without a value yet, `turns` that it holds angles."""

    steps: tuple[Step, ...]
    open: bool
    at: int
    turns: bool = False


_CONSTANTS = {
    2: {"pi": math.pi},
    3: {"pi": math.pi, "π": math.pi, "tau": math.tau, "τ": math.tau, "euler": math.e, "ℇ": math.e},
}
_ONE = {"sin": math.sin, "cos": math.cos, "tan": math.tan, "exp": math.exp, "sqrt": math.sqrt}
_FUNCTIONS: dict[int, dict[str, tuple[int, Callable[..., Number]]]] = {
    2: {name: (1, function) for name, function in (_ONE | {"ln": math.log}).items()},
    3: {
        **{name: (1, function) for name, function in _ONE.items()},
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
"""Functions that give small numbers whatever they are given."""

_BITWISE = frozenset({"<<", ">>", "&", "|", "^"})
_SUM = 1
_PRODUCT = 2
_PRECEDENCE = {
    2: {"+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT},
    3: {"+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT, "%": _PRODUCT},
}


def names_known(version: int) -> frozenset[str]:
    """Return the names of the constants and functions that formulas of OpenQASM `version` know."""
    return frozenset(_CONSTANTS[version]) | frozenset(_FUNCTIONS[version])


class ExpressionReader:
    """Reads one formula of OpenQASM `version`; `known` are named numbers, `free` are gate parameters."""

    __slots__ = ("_cursor", "_depth", "_free", "_known", "_open", "_steps", "_turns", "_version")

    def __init__(
        self, cursor: Cursor, version: int, known: Mapping[str, Number], free: Container[str] = frozenset()
    ) -> None:
        """Read at `cursor`."""
        self._cursor = cursor
        self._version = version
        self._known = known
        self._free = free
        self._steps: list[Step] = []
        self._open = False
        self._turns = False
        self._depth = 0

    def read(self) -> Expression:
        """Return the formula that starts here and step over it."""
        at = self._cursor.at
        self._binary(_SUM)
        if self._cursor.word in _BITWISE:
            word = shown(self._cursor.word)
            reject_unsupported(f"{word} works on the bits of a number: write the number itself", self._cursor.at)
        return Expression(tuple(self._steps), self._open, at, self._turns)

    def _binary(self, lowest: int) -> None:
        """Read operators that bind at least as tightly as `lowest`."""
        self._signed()
        table = _PRECEDENCE[self._version]
        while (level := table.get(self._cursor.word, 0)) >= lowest:
            at = self._cursor.at
            operator = self._cursor.advance()
            self._binary(level + 1)
            self._steps.append(Step(operator, 0, at))

    def _signed(self) -> None:
        if self._cursor.word in {"-", "+"}:
            at = self._cursor.at
            sign = self._cursor.advance()
            self._enter(at)
            self._signed()
            self._depth -= 1
            if sign == "-":
                self._steps.append(Step("negate", 0, at))
            return
        self._atom()
        if self._cursor.word in {"^", "**"}:
            self._power()

    def _power(self) -> None:
        at = self._cursor.at
        if self._cursor.word != ("^" if self._version == 2 else "**"):
            return
        if self._version == 2:
            message = "simulators disagree about the power operator `^` of OpenQASM 2: write the number out"
            reject_unsupported(message, at)
        self._cursor.advance()
        self._enter(at)
        self._signed()
        self._depth -= 1
        self._steps.append(Step("**", 0, at))

    def _atom(self) -> None:
        cursor = self._cursor
        if cursor.kind in {"int", "real"}:
            self._steps.append(Step("number", self._literal(cursor.word, cursor.at), cursor.at))
            cursor.advance()
        elif cursor.kind == "name":
            self._name()
        elif cursor.word == "(":
            self._list(1)
        else:
            cursor.reject("a number")

    def _list(self, number: int) -> None:
        """Read `number` formulas in parentheses, with commas between them."""
        self._enter(self._cursor.at)
        self._cursor.expect("(")
        for place in range(number):
            if place:
                self._cursor.expect(",")
            self._binary(_SUM)
        self._cursor.expect(")")
        self._depth -= 1

    def _enter(self, at: int) -> None:
        self._depth += 1
        if self._depth > MAX_NESTING:
            reject_limit(f"this formula is nested more than {MAX_NESTING} deep: write it flatter", at)

    def _literal(self, word: str, at: int) -> Number:
        number = _literal(word)
        if not math.isfinite(number):
            _reject_infinite(at)
        return float(number) if self._version == 2 else number

    def _name(self) -> None:
        at = self._cursor.at
        word = self._cursor.advance()
        if self._cursor.word == "(":
            self._call(word, at)
        elif word in self._free:
            self._open = True
            self._steps.append(Step("name", word, at))
        else:
            self._steps.append(Step("number", self._value(word, at), at))

    def _value(self, word: str, at: int) -> Number:
        value = self._known.get(word, _CONSTANTS[self._version].get(word))
        if value is None:
            _reject_name(word, at)
        self._turns = self._turns or isinstance(value, Angle)
        return value

    def _call(self, word: str, at: int) -> None:
        known = _FUNCTIONS[self._version].get(word)
        if known is None:
            names = ", ".join(sorted(_FUNCTIONS[self._version]))
            reject_unsupported(f"no simulator knows the function {shown(word)}: there are {names}", at)
        self._list(known[0])
        self._steps.append(Step("call", word, at))


def _literal(word: str) -> Number:
    plain = word.replace("_", "")
    if plain[:2].lower() in {"0x", "0b", "0o"}:
        return _small(int(plain, 0))
    return _small(int(plain)) if plain.isdecimal() else float(plain)


def _small(number: int) -> Number:
    """Return integers beyond what a float holds exactly as a float, so that they never grow long."""
    if -_EXACT <= number <= _EXACT:
        return number
    try:
        return float(number)
    except OverflowError:
        return math.inf


def _reject_name(word: str, at: int) -> NoReturn:
    if word.lower() in {"nan", "inf", "infinity"}:
        _reject_infinite(at)
    reject(f"{shown(word)} is not a number or a parameter that is known here", at)


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
        elif expression.turns:
            stack.append(_turned(step, version, stack))
        else:
            stack.append(_applied(step, version, stack))
    return stack[0]


def _turned(step: Step, version: int, stack: list[Number]) -> Number:
    """Work out a step of a formula that holds angles."""
    count = _operands(step, version)
    operands = stack[-count:]
    if not any(isinstance(operand, Angle) for operand in operands):
        return _applied(step, version, stack)
    del stack[-count:]
    return combined(step.action, str(step.value), operands, step.at)


def _operands(step: Step, version: int) -> int:
    """Return how many values the step takes from the stack."""
    if step.action == "call":
        return _FUNCTIONS[version][str(step.value)][0]
    return 1 if step.action == "negate" else 2


def _applied(step: Step, version: int, stack: list[Number]) -> Number:
    try:
        result = _result(step, version, stack)
    except (ArithmeticError, ValueError):
        _reject_infinite(step.at)
    if isinstance(result, complex) or not math.isfinite(result):
        _reject_infinite(step.at)
    return _small(result) if isinstance(result, int) else result


def _result(step: Step, version: int, stack: list[Number]) -> Number:
    if step.action == "negate":
        return -stack.pop()
    if step.action == "call":
        count, function = _FUNCTIONS[version][str(step.value)]
        arguments = [float(stack.pop()) for _ in range(count)]
        return function(*reversed(arguments))
    right = stack.pop()
    left = stack.pop()
    if step.action == "/":
        return _divided(left, right, version, step.at)
    return _OPERATORS[step.action](left, right)


def _divided(left: Number, right: Number, version: int, at: int) -> Number:
    if version == 2 or isinstance(left, float) or isinstance(right, float):
        return left / right
    quotient, rest = divmod(left, right)
    if rest:
        message = f"{left}/{right} divides integers, and simulators disagree about it: write {left}.0/{right}"
        reject_unsupported(message, at)
    return quotient


def _power_of(left: Number, right: Number) -> Number:
    result: Number = float(left) ** float(right)
    exact = isinstance(left, int) and isinstance(right, int) and right >= 0
    return round(result) if exact and abs(result) <= _EXACT else result


_OPERATORS: dict[str, Callable[[Number, Number], Number]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "%": lambda left, right: left % right if min(left, right) >= 0 else math.fmod(left, right),
    "**": _power_of,
}


def integer(expression: Expression, version: int) -> int:
    """Return the value of a formula that must be an integer, such as an index."""
    value = evaluate(expression, version, {})
    if isinstance(value, float):
        reject("an integer is needed here", expression.at)
    return value


class _Term(NamedTuple):
    """A value on the stack of `bound`: known exactly, or only that it is no larger than `size`."""

    value: Number | None
    size: float


def bound(expression: Expression, version: int, largest: float) -> float:
    """Return a number that no value of `expression` exceeds while its open names stay below `largest`.

    Infinity where that cannot be shown.
    """
    stack: list[_Term] = []
    for step in expression.steps:
        if step.action == "name":
            stack.append(_Term(None, largest))
        elif step.action == "number":
            stack.append(_Term(step.value, abs(step.value)))  # type: ignore[arg-type]  # numbers carry numbers
        else:
            stack.append(_bounded(step, version, stack))
    return stack[0].size


def _bounded(step: Step, version: int, stack: list[_Term]) -> _Term:
    count = _operands(step, version)
    terms = stack[-count:]
    del stack[-count:]
    values = [term.value for term in terms if term.value is not None]
    if len(values) == count:
        value = _applied(step, version, values)
        return _Term(value, abs(value))
    size = _size(step, terms)
    return _Term(None, math.inf if math.isnan(size) else size)


def _size(step: Step, terms: list[_Term]) -> float:
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
        return _divided_size(left.size, right.value, step.at)
    return math.inf


def _divided_size(size: float, divisor: Number, at: int) -> float:
    if divisor == 0:
        _reject_infinite(at)
    return size / abs(divisor)
