"""How a job is cut into shards."""

from __future__ import annotations

import math

__all__ = ["MAX_SHARD", "cut"]

MAX_SHARD = 250
_SHARDS_PER_WORKER = 4


def cut(circuits: int, workers: int) -> list[tuple[int, int]]:
    """Return the [start, end) positions of the shards of `circuits` circuits.

    Four shards a worker keep all of them busy to the end; no shard holds more than `MAX_SHARD`.

    >>> cut(10, 1)
    [(0, 3), (3, 6), (6, 9), (9, 10)]
    """
    size = min(MAX_SHARD, math.ceil(circuits / (_SHARDS_PER_WORKER * workers)))
    return [(start, min(start + size, circuits)) for start in range(0, circuits, size)]
