"""Circuits to test simulators with: as data, as text, and drawn at random."""

from __future__ import annotations

from farshot.testing.circuits.drawing import Drawn, draw, source_of
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
from farshot.testing.circuits.shapes import SHAPES

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
