"""Angles: text to number."""

import ast
import math
import operator
from functools import lru_cache

NAMES = {"pi": math.pi, "π": math.pi, "tau": math.tau, "euler": math.e}
CALLS = {
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "exp": math.exp,
    "ln": math.log,
    "log": math.log,
    "sqrt": math.sqrt,
}
BINARY = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}
UNARY = {ast.USub: operator.neg, ast.UAdd: operator.pos}


@lru_cache(maxsize=4096)
def _tree(text):
    return ast.parse(text.strip(), mode="eval").body


def _value(node, names):
    match node:
        case ast.Constant(value=value):
            return float(value)
        case ast.Name(id=name):
            return names[name]
        case ast.UnaryOp(op=sign, operand=operand):
            return UNARY[type(sign)](_value(operand, names))
        case ast.BinOp(op=sign, left=left, right=right):
            return BINARY[type(sign)](_value(left, names), _value(right, names))
        case ast.Call(func=ast.Name(id=name), args=[argument]):
            return CALLS[name](_value(argument, names))
    raise ValueError(ast.dump(node))


def angle(text, names=None):
    return _value(_tree(text), NAMES | (names or {}))
