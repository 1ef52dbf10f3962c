"""Numbers of the type `angle`: parts of a turn, of `size` bits if one is given, which wrap and round.

A sum or a difference of angles is an angle, as is a multiple of one and an integer part of one (rounded down to a
whole step). A float that is added is rounded first.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from farshot.openqasm.refusal import reject_unsupported

if TYPE_CHECKING:
    from typing import Self


_MAX_STEP_BITS = 52
"""Beyond this size a step is smaller than a float resolves."""
_PERIODIC = frozenset({"sin", "cos", "tan"})


class Angle(float):
    """An angle from 0 up to but not including 2 pi. `size` is None if the text gives none."""

    size: int | None

    def __new__(cls, value: float, size: int | None) -> Self:
        """Return the float `value` with its size."""
        angle = super().__new__(cls, value)
        angle.size = size
        return angle


def round_angle(value: float, size: int | None) -> Angle:
    """Return the angle nearest to `value`, of two the one with an even number of steps.

    >>> round_angle(0.3 * math.pi, 2) == math.pi / 2, round_angle(-math.pi, None) == math.pi
    (True, True)
    """
    if size is None or size > _MAX_STEP_BITS:
        return Angle(value % math.tau, size)
    steps = round(value % math.tau / math.tau * 2**size) % 2**size
    return Angle(steps * math.tau / 2**size, size)


def combine_angles(action: str, name: str, operands: list[float], at: int) -> float:
    """Return the result of one step of an expression on `operands`, at least one of which is an angle."""
    if action == "call" and name in _PERIODIC:
        return float(getattr(math, name)(operands[0]))
    sizes = {operand.size for operand in operands if isinstance(operand, Angle)}
    if len(sizes) > 1:
        reject_unsupported("angles of different sizes do not go together: give both the same", at)
    size = sizes.pop()
    if action == "negate":
        return round_angle(-operands[0], size)
    if action in {"+", "-"}:
        left, right = (round_angle(operand, size) for operand in operands)
        return round_angle(left + right if action == "+" else left - right, size)
    if action == "*" and any(isinstance(operand, int) for operand in operands):
        return round_angle(operands[0] * operands[1], size)
    if action != "/" or not isinstance(operands[1], int) or operands[1] < 1:
        message = "angles are added, subtracted, and multiplied or divided by integers: use a `float` here"
        reject_unsupported(message, at)
    whole, parts = operands
    if size is None or size > _MAX_STEP_BITS:
        return Angle(whole / parts, size)
    return Angle(round(whole / math.tau * 2**size) // parts * math.tau / 2**size, size)
