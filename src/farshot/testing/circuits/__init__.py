"""Circuits for testing simulators, as data and as text, drawn at random."""

from __future__ import annotations

from farshot.testing.circuits.ir import (
    Barrier,
    Condition,
    Definition,
    Gate,
    If,
    Measure,
    Operation,
    Program,
    Register,
    Reset,
    Spread,
)
from farshot.testing.circuits.shapes import SHAPES, Drawn, draw, source_of

__all__ = [
    "SHAPES",
    "Barrier",
    "Condition",
    "Definition",
    "Drawn",
    "Gate",
    "If",
    "Measure",
    "Operation",
    "Program",
    "Register",
    "Reset",
    "Spread",
    "draw",
    "source_of",
]
