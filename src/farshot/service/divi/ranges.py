"""Divi's map of circuits to groups of observables: if ranges overlap, the first of them counts."""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import pairwise
from typing import TYPE_CHECKING

from farshot.errors import BatchError
from farshot.model import TermRange

if TYPE_CHECKING:
    from collections.abc import Sequence


def first_ranges(pairs: Sequence[Sequence[int]], groups: int, circuits: int) -> tuple[TermRange, ...]:
    """Return the ranges of circuits with the group each is measured for, in order; they leave out circuits in no pair.

    Raises `BatchError` if there are not as many [start, end) pairs as groups, or one is no such pair.

    >>> first_ranges([[2, 4], [0, 9]], 2, 6)
    (TermRange(start=0, end=2, group=1), TermRange(start=2, end=4, group=0), TermRange(start=4, end=6, group=1))
    """
    _check_pairs(pairs, groups)
    opening = sorted((max(0, start), group, min(end, circuits)) for group, (start, end) in enumerate(pairs))
    ranges: list[TermRange] = []
    present: list[tuple[int, int]] = []  # a heap of the group and the end of each range that has begun
    borders = sorted({border for start, _, end in opening for border in (start, end) if 0 <= border <= circuits})
    arrived = 0
    for here, following in pairwise(borders):
        while arrived < len(opening) and opening[arrived][0] <= here:
            heappush(present, opening[arrived][1:])
            arrived += 1
        while present and present[0][1] <= here:
            heappop(present)
        if present:
            start, group = here, present[0][0]
            if ranges and (ranges[-1].end, ranges[-1].group) == (here, group):
                start = ranges.pop().start
            ranges.append(TermRange(start, following, group))
    return tuple(ranges)


def _check_pairs(pairs: Sequence[Sequence[int]], groups: int) -> None:
    if len(pairs) != groups:
        message = f"circuit_ham_map has {len(pairs)} ranges for {groups} groups of observables; give one for each"
        raise BatchError(message)
    wrong = next((pair for pair in pairs if len(pair) != 2), None)
    if wrong is not None:
        message = f"circuit_ham_map must hold [start, end) pairs, not {list(wrong)!r:.40}"
        raise BatchError(message)
