"""Drawing circuits by number: the same number always gives the same circuit and the same text."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from farshot.testing.circuits.layout import lay_out
from farshot.testing.circuits.shapes import SHAPES
from farshot.testing.circuits.text import statements

if TYPE_CHECKING:
    from farshot.testing.circuits.ir import Program

__all__ = ["Drawn", "draw", "source_of"]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A drawn circuit. `label` names its shape, its version of OpenQASM and its number."""

    label: str
    shape: str
    program: Program
    source: str


def source_of(program: Program, rng: Random) -> str:
    """Write `program` as OpenQASM."""
    return lay_out(statements(program, rng), rng, program.version)


def draw(shape: str, number: int) -> Drawn:
    """Draw the circuit of this number in this shape.

    >>> draw("static", 5) == draw("static", 5)
    True
    """
    rng = Random(f"{shape} {number}")
    program = SHAPES[shape](rng)
    return Drawn(f"{shape}-{program.version}-{number}", shape, program, source_of(program, rng))
