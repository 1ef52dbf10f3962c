"""The results of a job that is COMPLETED, page by page, in a form that the client can read."""

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
from farshot.service.divi.documents import DiviQuery
from farshot.service.divi.histograms import MAX_QH1_BITS, envelope
from farshot.service.divi.jobs import is_newer
from farshot.service.large_answers import LargeAnswer, TooLarge, flowing, weight
from farshot.service.request_bodies import parameters_in
from farshot.wire import JSON, encode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.responses import Response

    from farshot.model import JobRecord, Observables
    from farshot.protocols import JobStore, StoredPart
    from farshot.service.context import Call


_decode = msgspec.msgpack.Decoder(list[CircuitResult]).decode
_MAX_NAMED_FAULTS = 3


async def get_divi_results(call: Call) -> Response:
    """Answer with a page of the results of a job that is COMPLETED; a large page is sent as it is made.

    The client relies on a page having all the entries that it asked for.
    """
    query = parameters_in(call, DiviQuery)
    return await flowing(call, lambda: _page(call, query), JSON)


def _page(call: Call, query: DiviQuery) -> LargeAnswer:
    record = call.job()
    if record.status is not JobStatus.COMPLETED:
        raise JobNotCompletedError(_refusal(call.parts.jobs, record))
    observables = call.parts.jobs.spec(record.id).observables
    return LargeAnswer(_pieces(call, record, observables, query), weight(observables))


def _pieces(
    call: Call, record: JobRecord, observables: Observables | None, query: DiviQuery
) -> Iterator[bytes | TooLarge]:
    """Yield a page as JSON, an entry at a time."""
    following = query.offset + query.limit
    path = f"/api/job/{record.id}/resultsV2/?limit={query.limit}&offset={following}"
    head = {"count": record.circuits, "next": path if following < record.circuits else None}
    yield encode(head)[:-1] + b',"results":['
    left = query.limit
    for entry in _entries(call, record, observables, query.offset):
        if isinstance(entry, TooLarge):
            yield entry
            continue
        yield (b"," if left < query.limit else b"") + encode(entry)
        left -= 1
        if not left:
            break
    yield b"]}"


def _entries(
    call: Call, record: JobRecord, observables: Observables | None, start: int
) -> Iterator[dict[str, Any] | TooLarge]:
    max_width = None if is_newer(call) else MAX_QH1_BITS
    for part in call.parts.jobs.parts(record.id, start - MAX_SHARD_CIRCUITS - 1):
        if part.first + len(part.labels) <= start:
            continue
        yield TooLarge(part.nbytes)
        for position, label, result in _results(part):
            if position < start:
                continue
            if isinstance(result.outcome, Fault):  # a damaged result; the client knows no result without numbers
                message = f"job {record.id}, circuit {label!r:.80}: {result.outcome.message}"
                raise JobNotCompletedError(message)
            terms = observables.terms_at(position) if observables else ()
            numbers = _numbers(result, terms, max_width)
            yield {"label": label, "results": numbers, "metadata": metadata(result, part.attempt)}


def _results(part: StoredPart) -> Iterator[tuple[int, str, CircuitResult]]:
    for position, (label, result) in enumerate(zip(part.labels, _decode(part.results), strict=True), part.first):
        yield position, label, result


def _numbers(result: CircuitResult, terms: tuple[str, ...], max_width: int | None) -> dict[str, Any]:
    """Return values by term, or counts: packed, or plain if they are wider than the client can unpack."""
    outcome = result.outcome
    if isinstance(outcome, Counts):
        return envelope(outcome) if max_width is None or outcome.width <= max_width else dict(unpack(outcome))
    values = outcome.values if isinstance(outcome, Values) else ()
    return dict(zip(terms, values, strict=True))


def _refusal(jobs: JobStore, record: JobRecord) -> str:
    """Return the reason why there are no results yet or at all, with the first circuits that failed."""
    reason = f"job {record.id} is {record.status}, and results are given of a job that is COMPLETED"
    if record.fault is not None:
        return f"{reason}: {record.fault.message}"
    if not record.failed:
        return reason
    faults = (
        f"{label!r:.80}: {result.outcome.message}"
        for part in jobs.parts(record.id)
        for _, label, result in _results(part)
        if isinstance(result.outcome, Fault)
    )
    first = "; ".join(islice(faults, _MAX_NAMED_FAULTS))
    return f"{reason}; {record.failed:,} of {record.circuits:,} circuits failed: {first}"
