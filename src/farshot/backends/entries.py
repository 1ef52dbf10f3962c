"""Result entries: what `get_job_results` hands out, built from what the store recorded."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from farshot.contract import JobStatus
from farshot.errors import FaultCode
from farshot.model import CircuitResult, Counts, Fault
from farshot.packing import unpack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farshot.model import JobRecord, Observables
    from farshot.protocols import JobStore

__all__ = ["failure_entry", "job_entries", "metadata", "missing_fault", "part_entries"]

_decode = msgspec.msgpack.Decoder(list[CircuitResult]).decode
_CANCELLED = Fault(FaultCode.CANCELLED, "the job was cancelled before this circuit ran")


def job_entries(store: JobStore, record: JobRecord) -> list[dict[str, Any]]:
    """Return an entry for every circuit that has an outcome, in order of submission.

    In a job that was ended early every circuit has one: those that did not run carry the fault `cancelled`, or
    that of the job.
    """
    observables = store.spec(record.id).observables
    entries = chain.from_iterable(part_entries(part, observables) for part in store.parts(record.id))
    fault = missing_fault(record)
    if fault is None:
        return [entry for _, entry in entries]
    done = dict(entries)
    labels = enumerate(chain.from_iterable(store.labels(record.id)))
    return [done.get(position) or failure_entry(label, fault) for position, label in labels]


def missing_fault(record: JobRecord) -> Fault | None:
    """Return why circuits of the job that have no outcome will never have one; None where they may."""
    return _CANCELLED if record.status is JobStatus.CANCELLED else record.fault


class Part(Protocol):
    """Results of the circuits `labels` from position `first` on, as the store or the wire has them."""

    @property
    def first(self) -> int: ...
    @property
    def attempt(self) -> int: ...
    @property
    def labels(self) -> tuple[str, ...]: ...
    @property
    def results(self) -> bytes: ...


def part_entries(part: Part, observables: Observables | None) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the position and the entry of every circuit of a part."""
    for position, (label, result) in enumerate(zip(part.labels, _decode(part.results), strict=True), part.first):
        terms = observables.terms_at(position) if observables else ()
        yield position, _entry(label, result, terms, part.attempt)


def _entry(label: str, result: CircuitResult, terms: tuple[str, ...], attempt: int) -> dict[str, Any]:
    outcome = result.outcome
    if isinstance(outcome, Fault):
        return failure_entry(label, outcome)
    results = unpack(outcome) if isinstance(outcome, Counts) else dict(zip(terms, outcome.values, strict=True))
    return {"label": label, "results": results, "metadata": metadata(result, attempt)}


def failure_entry(label: str, fault: Fault) -> dict[str, Any]:
    """Return the entry of a circuit that has no result."""
    error = {"code": fault.code.value, "message": fault.message, "line": fault.line, "column": fault.column}
    return {"label": label, "error": error}


def metadata(result: CircuitResult, attempt: int) -> dict[str, Any]:
    """Return how the outcome of a circuit came about."""
    found = {
        "simulator": result.simulator,
        "method": result.method,
        "exact": result.exact,
        "seed": result.seed,
        "shots": result.shots,
        "seconds": result.seconds,
        "attempt": attempt,
    }
    if result.fidelity is not None:
        found["fidelity"] = result.fidelity
    if result.warnings:
        found["warnings"] = list(result.warnings)
    return found
