"""The brake: whoever is refused for asking too much, and asks at once again, hears it later and later."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


_A_SECOND = 20
_AT_ONCE = 50
_LONGEST = 5.0
"""Seconds until which refusals come at their rate; the others, from then on for as long again."""
_APART = (math.sqrt(5) - 1) / 2
"""What multiples of it leave of a whole lies nowhere close together."""


class RefusalDelay:
    """Spreads the refusals of each user: a refusal costs nearly as much as what is refused."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with nobody refused; `clock` counts seconds."""
        self._clock = clock
        self._free: dict[str, float] = {}
        self._spread = 0.0

    def delay(self, user: str) -> float:
        """Return how many seconds the next refusal of `user` is to be held back.

        Those for whom there is no time left come at different times, for all of them will ask again at once.

        >>> brake = RefusalDelay(lambda: 0.0)
        >>> [brake.delay("ann") for _ in range(52)][48:]
        [0.0, 0.0, 0.05, 0.1]
        """
        now = self._clock()
        free = max(self._free.get(user, -math.inf), now - _AT_ONCE / _A_SECOND) + 1 / _A_SECOND
        if free - now <= _LONGEST:
            self._free[user] = free
            return round(max(0.0, free - now), 3)
        self._spread = (self._spread + _APART) % 1
        return round(_LONGEST * (1 + self._spread), 3)
