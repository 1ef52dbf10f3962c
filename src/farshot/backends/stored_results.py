"""The results of a job of the embedded store: as far as they are recorded, or as they come."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from farshot.backends.entries import failure_entry, missing_fault, part_entries
from farshot.backends.results import MissingCircuits, RecordedCircuits, in_order
from farshot.wire import GapFrame

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence

    from farshot.backends.results import ResultPiece
    from farshot.backends.watch import WaitLimit, Watch
    from farshot.model import Fault, JobRecord
    from farshot.protocols import JobStore


def recorded_pieces(store: JobStore, record: JobRecord) -> Generator[ResultPiece, None, None]:
    """Yield the outcome of every circuit that has one, in order of submission.

    In a job that ended early every circuit has one: those that did not run have the fault `cancelled`, or that of the
    job.
    """
    observables = store.spec(record.id).observables
    pieces = (RecordedCircuits(part, observables) for part in store.parts(record.id))
    fault = missing_fault(record)
    if fault is None:
        return pieces
    found: list[ResultPiece] = list(pieces)
    spans = [(piece.first, piece.first + len(piece.labels)) for piece in found]
    found += [MissingCircuits(gap.first, gap.labels, gap.fault) for gap in gaps(store.labels(record.id), spans, fault)]
    return in_order(found)


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


def follow(store: JobStore, job_id: str, watch: Watch, limit: WaitLimit) -> Iterator[dict[str, Any]]:
    """Yield the entry of every circuit once it has one, until the job has ended; raises as `WaitLimit.check`."""
    observables = store.spec(job_id).observables
    yielded: set[int] = set()
    after, record = 0, watch.read(job_id)
    while True:
        for part in store.recorded(job_id, after):
            after = part.seq
            for position, entry in part_entries(part, observables):
                yielded.add(position)
                yield entry
        if record.status.is_terminal:
            break
        while not limit.pause(watch):
            continue
        record = watch.read(job_id)
    fault = missing_fault(record)
    labels = enumerate(chain.from_iterable(store.labels(job_id))) if fault else ()
    yield from (failure_entry(label, fault) for position, label in labels if fault and position not in yielded)
