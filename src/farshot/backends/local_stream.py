"""The outcomes of a job of the embedded store, as they come."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from farshot.backends.entries import failure_entry, missing_fault, part_entries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farshot.backends.watch import Patience, Watch
    from farshot.protocols import JobStore


_PAUSE = 0.02


def follow(store: JobStore, job_id: str, watch: Watch, patience: Patience) -> Iterator[dict[str, Any]]:
    """Yield the entry of every circuit once it has one, until the job has ended; `patience` ends it earlier."""
    observables = store.spec(job_id).observables
    seen: set[int] = set()
    after, record = 0, watch.look(job_id)
    while True:
        for part in store.recorded(job_id, after):
            after = part.seq
            for position, entry in part_entries(part, observables):
                seen.add(position)
                yield entry
        if record.status.is_terminal:
            break
        while not watch.pause(_PAUSE):
            patience.check()
        patience.check()
        record = watch.look(job_id)
    fault = missing_fault(record)
    labels = enumerate(chain.from_iterable(store.labels(job_id))) if fault else ()
    yield from (failure_entry(label, fault) for position, label in labels if fault and position not in seen)
