"""The unitaries of the plain gates on one qubit, as four numbers row by row."""

from __future__ import annotations

import cmath
import math
from typing import TypeAlias

Matrix: TypeAlias = tuple[complex, complex, complex, complex]

_HALF = math.sqrt(0.5)
_PLUS, _MINUS = (1 + 1j) / 2, (1 - 1j) / 2
_FIXED: dict[str, Matrix] = {
    "x": (0, 1, 1, 0),
    "y": (0, -1j, 1j, 0),
    "z": (1, 0, 0, -1),
    "h": (_HALF, _HALF, _HALF, -_HALF),
    "s": (1, 0, 0, 1j),
    "sdg": (1, 0, 0, -1j),
    "t": (1, 0, 0, cmath.exp(0.25j * math.pi)),
    "tdg": (1, 0, 0, cmath.exp(-0.25j * math.pi)),
    "sx": (_PLUS, _MINUS, _MINUS, _PLUS),
    "sxdg": (_MINUS, _PLUS, _PLUS, _MINUS),
}


def matrix_of(name: str, angles: tuple[float, ...]) -> Matrix:
    """Return the unitary of a plain gate on one qubit."""
    if name in _FIXED:
        return _FIXED[name]
    theta = angles[0]
    if name == "p":
        return (1, 0, 0, cmath.exp(1j * theta))
    if name == "rz":
        return (cmath.exp(-0.5j * theta), 0, 0, cmath.exp(0.5j * theta))
    cos, sin = math.cos(theta / 2), math.sin(theta / 2)
    if name == "rx":
        return (cos, -1j * sin, -1j * sin, cos)
    if name == "ry":
        return (cos, -sin, sin, cos)
    _theta, phi, lam = angles
    return (cos, -cmath.exp(1j * lam) * sin, cmath.exp(1j * phi) * sin, cmath.exp(1j * (phi + lam)) * cos)


def product(left: Matrix, right: Matrix) -> Matrix:
    """Return the product, which applies `right` first."""
    a, b, c, d = left
    e, f, g, h = right
    return (a * e + b * g, a * f + b * h, c * e + d * g, c * f + d * h)
