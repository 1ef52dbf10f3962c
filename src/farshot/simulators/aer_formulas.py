"""Formulas that Qiskit's importer of OpenQASM 3 cannot read, functions and powers, worked out before it does."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

from openqasm3 import ast
from openqasm3.visitor import QASMTransformer

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["work_out"]

_FUNCTIONS: dict[str, Callable[..., float]] = {
    "arccos": math.acos,
    "arcsin": math.asin,
    "arctan": math.atan,
    "ceiling": math.ceil,
    "cos": math.cos,
    "exp": math.exp,
    "floor": math.floor,
    "log": math.log,
    "mod": math.fmod,
    "sin": math.sin,
    "sqrt": math.sqrt,
    "tan": math.tan,
}
_OPERATORS: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": math.fmod,
    "**": pow,
}
_CONSTANTS = {"pi": math.pi, "π": math.pi, "tau": math.tau, "τ": math.tau, "euler": math.e, "ℇ": math.e}
_UNREAD = frozenset({"%", "**"})


def work_out(program: ast.Program) -> ast.Program:
    """Replace every call of a function, power and remainder of numbers by its value."""
    worked_out: ast.Program = _Worker().visit(program)
    return worked_out


class _Worker(QASMTransformer[None]):
    def visit_FunctionCall(self, node: ast.FunctionCall) -> ast.QASMNode:  # noqa: N802 -- the visitor's naming
        return _literal(node)

    def visit_BinaryExpression(self, node: ast.BinaryExpression) -> ast.QASMNode:  # noqa: N802 -- as above
        return self.generic_visit(_literal(node) if node.op.name in _UNREAD else node)


def _literal(node: ast.Expression) -> ast.Expression:
    """Return the value of `node` as a literal, or `node` where it holds a name without a value."""
    try:
        literal = ast.FloatLiteral(float(_value(node)))
    except LookupError:
        return node
    literal.span = node.span
    return literal


def _value(node: Any) -> float:  # noqa: ANN401 -- a node of any kind
    match node:
        case ast.IntegerLiteral() | ast.FloatLiteral():
            return node.value
        case ast.Identifier():
            return _CONSTANTS[node.name]
        case ast.UnaryExpression() if node.op.name == "-":
            return -_value(node.expression)
        case ast.BinaryExpression():
            return _OPERATORS[node.op.name](_value(node.lhs), _value(node.rhs))
        case ast.FunctionCall():
            return _FUNCTIONS[node.name.name](*map(_value, node.arguments))
    raise LookupError(type(node).__name__)
