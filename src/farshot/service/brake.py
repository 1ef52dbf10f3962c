"""The brake: whoever is refused for asking too much, and asks at once again, hears it later and later."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Brake"]

_A_SECOND = 20
_AT_ONCE = 50
_LONGEST = 5.0
"""Seconds, less than clients bear."""


class Brake:
    """Spreads the refusals of each user: a refusal costs nearly as much as what is refused."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with nobody refused; `clock` counts seconds."""
        self._clock = clock
        self._free: dict[str, float] = {}

    def delay(self, user: str) -> float:
        """Return how many seconds the next refusal of `user` is to be held back.

        >>> brake = Brake(lambda: 0.0)
        >>> [brake.delay("ann") for _ in range(52)][48:]
        [0.0, 0.0, 0.05, 0.1]
        """
        now = self._clock()
        free = max(self._free.get(user, -math.inf), now - _AT_ONCE / _A_SECOND) + 1 / _A_SECOND
        self._free[user] = min(free, now + _LONGEST)
        return round(max(0.0, self._free[user] - now), 3)
