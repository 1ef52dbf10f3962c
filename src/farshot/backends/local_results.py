"""The outcomes of a job of the embedded store, by position."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farshot.backends.entries import missing_fault
from farshot.backends.gaps import gaps
from farshot.backends.results import MissingCircuits, RecordedCircuits, in_order

if TYPE_CHECKING:
    from collections.abc import Generator

    from farshot.model import JobRecord
    from farshot.protocols import JobStore


def recorded_pieces(store: JobStore, record: JobRecord) -> Generator[RecordedCircuits | MissingCircuits, None, None]:
    """Yield the outcome of every circuit that has one, in order of submission.

    In a job that was ended early every circuit has one: those that did not run carry the fault `cancelled`, or
    that of the job.
    """
    observables = store.spec(record.id).observables
    pieces = (RecordedCircuits(part, observables) for part in store.parts(record.id))
    fault = missing_fault(record)
    if fault is None:
        return pieces
    found: list[RecordedCircuits | MissingCircuits] = list(pieces)
    spans = [(piece.first, piece.first + len(piece.labels)) for piece in found]
    found += [MissingCircuits(gap.first, gap.labels, gap.fault) for gap in gaps(store.labels(record.id), spans, fault)]
    return in_order(found)
