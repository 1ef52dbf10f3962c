"""Result entries as `get_job_results` returns them, built from the recorded outcomes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from farshot.contract import JobStatus
from farshot.errors import FaultCode, StoreCorruptError
from farshot.model import CircuitResult, Counts, Fault
from farshot.packing import unpack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farshot.model import JobRecord, Observables


_decode = msgspec.msgpack.Decoder(list[CircuitResult]).decode
_CANCELLED = Fault(FaultCode.CANCELLED, "the job was cancelled before this circuit ran")


def missing_fault(record: JobRecord) -> Fault | None:
    """Return why circuits of the job that have no outcome will never have one; None if they may."""
    return _CANCELLED if record.status is JobStatus.CANCELLED else record.fault


class RecordedSlice(Protocol):
    """Results of consecutive circuits, as the store or the wire has them."""

    @property
    def first(self) -> int:
        """The position of its first circuit."""

    @property
    def attempt(self) -> int:
        """The attempt that recorded it."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of its circuits."""

    @property
    def results(self) -> bytes:
        """The packed outcomes of its circuits."""


def part_entries(
    part: RecordedSlice, observables: Observables | None, skip: int = 0
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the position and the entry of every circuit of a part but the first `skip`."""
    circuits = zip(part.labels[skip:], outcomes_of(part)[skip:], strict=True)
    for position, (label, result) in enumerate(circuits, part.first + skip):
        terms = observables.terms_at(position) if observables else ()
        yield position, entry_of(label, result, terms, part.attempt)


def outcomes_of(part: RecordedSlice) -> list[CircuitResult]:
    """Return the outcomes of the circuits of a part, decoded."""
    return _decode(part.results)


def entry_of(label: str, result: CircuitResult, terms: tuple[str, ...], attempt: int) -> dict[str, Any]:
    """Return the entry of a circuit that has an outcome."""
    outcome = result.outcome
    if isinstance(outcome, Fault):
        return failure_entry(label, outcome)
    results = unpack(outcome) if isinstance(outcome, Counts) else dict(zip(terms, outcome.values, strict=True))
    return {"label": label, "results": results, "metadata": metadata(result, attempt)}


def failure_entry(label: str, fault: Fault) -> dict[str, Any]:
    """Return the entry of a circuit that has no result."""
    error = {"code": fault.code.value, "message": fault.message, "line": fault.line, "column": fault.column}
    return {"label": label, "error": error}


def json_entry(entry: dict[str, Any]) -> dict[str, Any]:
    """Return an entry for JSON: its seed is a text, because a reader may round a number beyond 2^53."""
    found = entry.get("metadata")
    return entry if found is None else {**entry, "metadata": {**found, "seed": str(found["seed"])}}


def metadata(result: CircuitResult, attempt: int) -> dict[str, Any]:
    """Return by which simulator, method, seed and attempt an outcome came about, and in how many seconds."""
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


def check_complete(job_id: str, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the entries of a job that is COMPLETED; raises `StoreCorruptError` if an outcome was lost since."""
    for entry in entries:
        if "error" in entry:
            reason = entry["error"]["message"]
            message = f"job {job_id}, circuit {entry['label']!r:.80}: {reason}; partial=True gives the others"
            raise StoreCorruptError(message)
    return entries
