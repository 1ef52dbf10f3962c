"""Angles as people write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

__all__ = ["angle", "angle_of"]

_PLAIN = (
    "pi",
    "-pi",
    "pi/2",
    "-pi/4",
    "3*pi/4",
    "-3*pi/4",
    "2*pi/3",
    "pi*0.25",
    "(pi+0.5)/3",
    "pi-0.25-0.125",
    "1.2/2/3",
    "-(0.75)",
    "2*0.3",
    "0.5+0.25*2",
    "1e-1",
    "2.5E-1",
    ".5",
    "3.",
    "-0.125",
    "0",
    "2",
)
_FUNCTIONS = ("sin(0.2)", "cos(pi/3)", "-sin(pi/5)", "sqrt(2)", "exp(0.5)*2", "tan(0.4)", "{log}(3)")
_LOGARITHM = {2: "ln", 3: "log"}
_OF_PARAMETERS = ("{0}", "-{0}", "{0}/2", "2*{0}", "-{0}/2", "{0}+{1}", "({0}-{1})/2", "-({0}+{1})", "{0}-{1}")


def angle(rng: Random, version: int) -> str:
    """Draw an angle. With OpenQASM 3 few are functions: its importers do not read them all."""
    choice = rng.random()
    if choice < 0.4:
        return f"{rng.uniform(-3.2, 3.2):.4f}"
    if choice < (0.55 if version == 2 else 0.41):
        return rng.choice(_FUNCTIONS).format(log=_LOGARITHM[version])
    return rng.choice(_PLAIN)


def angle_of(rng: Random, version: int, parameters: Sequence[str]) -> str:
    """Draw an angle of a gate's body, which may depend on the gate's parameters."""
    if not parameters or rng.random() < 0.3:
        return angle(rng, version)
    return rng.choice(_OF_PARAMETERS).format(rng.choice(parameters), rng.choice(parameters))
