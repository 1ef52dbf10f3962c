"""Numbers of the type `angle`: parts of a turn, of `size` bits where one is given, which wrap and round.

A sum or a difference of angles is one, as is a multiple of one and an integer part of one (cut down to a whole step).
A float that is added is rounded first.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from farshot.openqasm.refusal import reject_unsupported

if TYPE_CHECKING:
    from typing import Self


_FINE = 52
"""From so many bits on a step is smaller than what a float tells apart."""
_KEPT = frozenset({"sin", "cos", "tan"})


class Angle(float):
    """An angle from 0 to 2 pi, which is not reached. `size` is None where the text gives none."""

    size: int | None

    def __new__(cls, value: float, size: int | None) -> Self:
        """Keep the size."""
        made = super().__new__(cls, value)
        made.size = size
        return made


def angle(value: float, size: int | None) -> Angle:
    """Return the angle nearest to `value`, of two the one with an even number of steps.

    >>> angle(0.3 * math.pi, 2) == math.pi / 2, angle(-math.pi, None) == math.pi
    (True, True)
    """
    if size is None or size > _FINE:
        return Angle(value % math.tau, size)
    steps = round(value % math.tau / math.tau * 2**size) % 2**size
    return Angle(steps * math.tau / 2**size, size)


def combined(action: str, name: str, operands: list[float], at: int) -> float:
    """Return what a formula makes of `operands`, of which one at least is an angle."""
    if action == "call" and name in _KEPT:
        return float(getattr(math, name)(operands[0]))
    size = _common_size(operands, at)
    if action == "negate":
        return angle(-operands[0], size)
    if action in {"+", "-"}:
        left, right = (angle(operand, size) for operand in operands)
        return angle(left + right if action == "+" else left - right, size)
    if action == "*" and any(isinstance(operand, int) for operand in operands):
        return angle(operands[0] * operands[1], size)
    if action != "/" or not isinstance(operands[1], int) or operands[1] < 1:
        message = "angles are added, subtracted, and multiplied or divided by integers: use a `float` here"
        reject_unsupported(message, at)
    return _part(operands[0], operands[1], size)


def _part(whole: float, parts: int, size: int | None) -> Angle:
    if size is None or size > _FINE:
        return Angle(whole / parts, size)
    return Angle(round(whole / math.tau * 2**size) // parts * math.tau / 2**size, size)


def _common_size(operands: list[float], at: int) -> int | None:
    sizes = {operand.size for operand in operands if isinstance(operand, Angle)}
    if len(sizes) > 1:
        reject_unsupported("angles of different sizes do not go together: give both the same", at)
    return sizes.pop()
