"""Result entries: what `get_job_results` hands out, built from what the store recorded."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

import msgspec

from farshot.contract import JobStatus
from farshot.errors import FaultCode
from farshot.model import CircuitResult, Counts, Fault
from farshot.packing import unpack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farshot.model import JobRecord, Observables
    from farshot.protocols import JobStore

__all__ = ["job_entries"]

_decode = msgspec.msgpack.Decoder(list[CircuitResult]).decode
_CANCELLED = Fault(FaultCode.CANCELLED, "the job was cancelled before this circuit ran")


def job_entries(store: JobStore, record: JobRecord) -> list[dict[str, Any]]:
    """Return an entry for every circuit that has an outcome, in order of submission.

    In a job that was ended early every circuit has one: those that did not run carry the fault `cancelled`, or
    that of the job.
    """
    labels = list(chain.from_iterable(store.labels(record.id)))
    observables = store.spec(record.id).observables
    entries = _recorded(store, record.id, labels, observables)
    fault = _CANCELLED if record.status is JobStatus.CANCELLED else record.fault
    if fault:
        done = dict(entries)
        return [done.get(position) or _failure(label, fault) for position, label in enumerate(labels)]
    return [entry for _, entry in entries]


def _recorded(
    store: JobStore, job_id: str, labels: list[str], observables: Observables | None
) -> Iterator[tuple[int, dict[str, Any]]]:
    for part in store.parts(job_id):
        for position, result in enumerate(_decode(part.results), part.first):
            terms = observables.terms_at(position) if observables else ()
            yield position, _entry(labels[position], result, terms, part.attempt)


def _entry(label: str, result: CircuitResult, terms: tuple[str, ...], attempt: int) -> dict[str, Any]:
    outcome = result.outcome
    if isinstance(outcome, Fault):
        return _failure(label, outcome)
    results = unpack(outcome) if isinstance(outcome, Counts) else dict(zip(terms, outcome.values, strict=True))
    return {"label": label, "results": results, "metadata": _metadata(result, attempt)}


def _failure(label: str, fault: Fault) -> dict[str, Any]:
    error = {"code": fault.code.value, "message": fault.message, "line": fault.line, "column": fault.column}
    return {"label": label, "error": error}


def _metadata(result: CircuitResult, attempt: int) -> dict[str, Any]:
    metadata = {
        "simulator": result.simulator,
        "method": result.method,
        "exact": result.exact,
        "seed": result.seed,
        "shots": result.shots,
        "seconds": result.seconds,
        "attempt": attempt,
    }
    if result.fidelity is not None:
        metadata["fidelity"] = result.fidelity
    if result.warnings:
        metadata["warnings"] = list(result.warnings)
    return metadata
