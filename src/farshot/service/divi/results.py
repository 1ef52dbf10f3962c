"""The results of a job that is COMPLETED, page by page, in the form that the client can read."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

from farshot.backends.entries import metadata
from farshot.contract import JobStatus
from farshot.dispatch.sharding import MAX_SHARD_CIRCUITS
from farshot.errors import JobNotCompletedError
from farshot.model import CircuitResult, Counts, Fault, Values
from farshot.packing import unpack
from farshot.service.divi.clients import is_newer
from farshot.service.divi.documents import DiviQuery
from farshot.service.divi.histograms import NARROW, envelope
from farshot.service.large_answers import LargeAnswer, TooLarge, observables_nbytes, respond_in_chunks
from farshot.service.request_bodies import parameters_in
from farshot.wire import JSON, encode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.responses import Response

    from farshot.model import JobRecord, Observables
    from farshot.protocols import JobStore, StoredPart
    from farshot.service.context import Call


_decode = msgspec.msgpack.Decoder(list[CircuitResult]).decode
_SHOWN = 3


async def get_divi_results(call: Call) -> Response:
    """Give a page of the results of a job that is COMPLETED, which is sent as it is made where it is large.

    The client takes it for granted that a page has all the entries that it asked for.
    """
    query = parameters_in(call, DiviQuery)
    return await respond_in_chunks(call, lambda: _page(call, query), JSON)


def _page(call: Call, query: DiviQuery) -> LargeAnswer:
    record = call.job()
    if record.status is not JobStatus.COMPLETED:
        raise JobNotCompletedError(_why_not(call.parts.jobs, record))
    observables = call.parts.jobs.spec(record.id).observables
    return LargeAnswer(_pieces(call, record, observables, query), observables_nbytes(observables))


def _pieces(
    call: Call, record: JobRecord, observables: Observables | None, query: DiviQuery
) -> Iterator[bytes | TooLarge]:
    """Yield a page as JSON, an entry at a time."""
    following = query.offset + query.limit
    path = f"/api/job/{record.id}/resultsV2/?limit={query.limit}&offset={following}"
    head = {"count": record.circuits, "next": path if following < record.circuits else None}
    yield encode(head)[:-1] + b',"results":['
    left = query.limit
    for found in _entries(call, record, observables, query.offset):
        if isinstance(found, TooLarge):
            yield found
            continue
        yield (b"," if left < query.limit else b"") + encode(found)
        left -= 1
        if not left:
            break
    yield b"]}"


def _entries(
    call: Call, record: JobRecord, observables: Observables | None, start: int
) -> Iterator[dict[str, Any] | TooLarge]:
    widest = None if is_newer(call) else NARROW
    for part in call.parts.jobs.parts(record.id, start - MAX_SHARD_CIRCUITS - 1):
        if part.first + len(part.labels) <= start:
            continue
        yield TooLarge(part.nbytes)
        for position, label, result in _results(part):
            if position >= start:
                _check(record, label, result)
                terms = observables.terms_at(position) if observables else ()
                found = _outcome(result, terms, widest)
                yield {"label": label, "results": found, "metadata": metadata(result, part.attempt)}


def _results(part: StoredPart) -> Iterator[tuple[int, str, CircuitResult]]:
    for position, (label, result) in enumerate(zip(part.labels, _decode(part.results), strict=True), part.first):
        yield position, label, result


def _check(record: JobRecord, label: str, result: CircuitResult) -> None:
    """Raise where a job that is COMPLETED has lost an outcome: its programs know of none without numbers."""
    if isinstance(result.outcome, Fault):
        message = f"job {record.id}, circuit {label!r:.80}: {result.outcome.message}"
        raise JobNotCompletedError(message)


def _outcome(result: CircuitResult, terms: tuple[str, ...], widest: int | None) -> dict[str, Any]:
    """Return counts packed, or plain where they are wider than the client can unpack; or values by term."""
    outcome = result.outcome
    if isinstance(outcome, Counts):
        return envelope(outcome) if widest is None or outcome.width <= widest else dict(unpack(outcome))
    values = outcome.values if isinstance(outcome, Values) else ()
    return dict(zip(terms, values, strict=True))


def _why_not(jobs: JobStore, record: JobRecord) -> str:
    """Say what keeps the results back: the first circuits that failed, where some did."""
    reason = f"job {record.id} is {record.status}, and results are given of a job that is COMPLETED"
    if record.fault is not None:
        return f"{reason}: {record.fault.message}"
    if not record.failed:
        return reason
    return f"{reason}; {record.failed:,} of {record.circuits:,} circuits failed: {'; '.join(_faults(jobs, record))}"


def _faults(jobs: JobStore, record: JobRecord) -> Iterator[str]:
    found = (
        f"{label!r:.80}: {result.outcome.message}"
        for part in jobs.parts(record.id)
        for _, label, result in _results(part)
        if isinstance(result.outcome, Fault)
    )
    return islice(found, _SHOWN)
