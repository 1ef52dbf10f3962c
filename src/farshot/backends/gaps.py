"""Which circuits of a job have no outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farshot.wire import GapFrame

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from farshot.model import Fault


def gaps(shards: Iterable[Sequence[str]], spans: Iterable[tuple[int, int]], fault: Fault) -> Iterator[GapFrame]:
    """Yield the circuits in none of `spans`, shard by shard; `shards` are the labels of each."""
    ordered = iter(sorted(spans))
    span = next(ordered, None)
    start = 0
    for labels in shards:
        position, end = start, start + len(labels)
        while position < end:
            if span is not None and span[0] <= position:
                position = max(position, min(end, span[1]))
                span = next(ordered, None) if span[1] <= position else span
                continue
            stop = end if span is None else min(end, span[0])
            yield GapFrame(position, tuple(labels[position - start : stop - start]), fault)
            position = stop
        start = end
