"""The delay of refusals: a user who is refused again and again gets each refusal later than the one before."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


_REFUSALS_PER_SECOND = 20
_IMMEDIATE_REFUSALS = 50
_MAX_RATED_SECONDS = 5.0
"""The longest delay at that rate; longer ones are spread over as many further seconds."""
_SPREAD_STEP = (math.sqrt(5) - 1) / 2
"""The golden ratio's fraction: the fractional parts of its multiples lie nowhere close together."""


class RefusalDelay:
    """Spreads the refusals of each user, because a refusal costs nearly as much as the refused request would."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._free: dict[str, float] = {}
        self._spread = 0.0

    def delay(self, user: str) -> float:
        """Return the seconds by which the next refusal of `user` is to be held back.

        Refusals beyond the rate come at different times, because all of their clients will ask again at once.

        >>> brake = RefusalDelay(lambda: 0.0)
        >>> [brake.delay("ann") for _ in range(52)][48:]
        [0.0, 0.0, 0.05, 0.1]
        """
        now = self._clock()
        earliest = now - _IMMEDIATE_REFUSALS / _REFUSALS_PER_SECOND
        free = max(self._free.get(user, -math.inf), earliest) + 1 / _REFUSALS_PER_SECOND
        if free - now <= _MAX_RATED_SECONDS:
            self._free[user] = free
            return round(max(0.0, free - now), 3)
        self._spread = (self._spread + _SPREAD_STEP) % 1
        return round(_MAX_RATED_SECONDS * (1 + self._spread), 3)
