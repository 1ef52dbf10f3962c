"""The recorded results of a job: as pages of entries, as one line an entry, or packed for a client that unpacks it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

import msgspec

from farshot.backends.entries import failure_entry, missing_fault
from farshot.dispatch.sharding import MAX_SHARD_CIRCUITS
from farshot.service.entries import part_pieces
from farshot.service.jobs import MOST
from farshot.service.large_answers import LargeAnswer, TooLarge, flowing, weight
from farshot.service.request_bodies import parameters_in
from farshot.service.result_streams import json_lines, packed_pieces, stream_results
from farshot.wire import FRAMES, JSON, NDJSON, ResultsDocument, encode

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from starlette.responses import Response

    from farshot.model import Fault, JobRecord, Observables
    from farshot.protocols import JobStore
    from farshot.service.context import Call


_Entry: TypeAlias = "tuple[int, Iterator[bytes]]"
"""The position of an entry, and its JSON in pieces."""
_Entries: TypeAlias = "Iterator[_Entry | TooLarge]"
_END = b'],"next":null}'
_MAX_PAGE_BYTES = 4 * 2**20
"""The most that a page holds before its last entry."""


class ResultsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A page holds up to `limit` entries from `cursor` on. A stream holds all; with `follow` it goes on until the job
    has ended, in the order in which circuits end.
    """

    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100
    cursor: Annotated[int, msgspec.Meta(ge=0, le=MOST)] = 0
    follow: bool = False


async def get_results(call: Call) -> Response:
    """Give the recorded results of a job, also while it runs; which form, the Accept header says.

    Counts wider than 4,096 bits are written with numbers as keys: see ResultsDocument. Where others read as many
    large results as the service can hold, the answer is 503 with Retry-After, or the stream breaks off: ask again.
    """
    query = parameters_in(call, ResultsQuery)
    accepted = call.request.headers.get("accept", "")
    if FRAMES in accepted:
        return await stream_results(call, packed_pieces, FRAMES, follow=query.follow)
    if NDJSON in accepted:
        return await stream_results(call, json_lines, NDJSON, follow=query.follow)
    ended = call.ended()
    return await flowing(call, lambda: _page(call, ended or call.job(), query), JSON)


def _page(call: Call, record: JobRecord, query: ResultsQuery) -> LargeAnswer:
    observables = call.parts.jobs.spec(record.id).observables if not record.uploading else None
    return LargeAnswer(_pieces(call.parts.jobs, record, observables, query), weight(observables))


def _pieces(
    jobs: JobStore, record: JobRecord, observables: Observables | None, query: ResultsQuery
) -> Iterator[bytes | TooLarge]:
    """Yield a page as JSON: `limit` entries, or fewer if they are large."""
    yield encode(ResultsDocument(record.id, record.status, [], None)).removesuffix(_END)
    count, size, following, after = 0, 0, None, query.cursor
    for entry in _entries(jobs, record, observables, query.cursor):
        if count == query.limit or size > _MAX_PAGE_BYTES:
            following = str(after)
            break
        if isinstance(entry, TooLarge):
            yield entry
            continue
        yield b"," if count else b""
        position, pieces = entry
        count, after = count + 1, position + 1
        for piece in pieces:
            size += len(piece)
            yield piece
    yield b'],"next":' + encode(following) + b"}"


def _entries(jobs: JobStore, record: JobRecord, observables: Observables | None, start: int) -> _Entries:
    """Yield the entries from position `start` on, in order of position."""
    recorded = _recorded_entries(jobs, record, observables, start)
    fault = missing_fault(record)
    return recorded if fault is None else _fill_gaps(jobs, record, recorded, start, fault)


def _recorded_entries(jobs: JobStore, record: JobRecord, observables: Observables | None, start: int) -> _Entries:
    for part in jobs.parts(record.id, start - MAX_SHARD_CIRCUITS - 1):
        if part.first + len(part.labels) > start:
            yield TooLarge(part.nbytes)
            yield from part_pieces(part, observables, start)


def _fill_gaps(jobs: JobStore, record: JobRecord, recorded: _Entries, start: int, fault: Fault) -> _Entries:
    """Yield the recorded entries, and `fault` for every circuit that has none."""
    upcoming = yield from _next_entry(recorded)
    for position, label in enumerate(label for labels in jobs.labels(record.id) for label in labels):
        if position < start:
            continue
        if upcoming and upcoming[0] == position:
            yield upcoming
            upcoming = yield from _next_entry(recorded)
        else:
            yield position, iter([encode(failure_entry(label, fault))])


def _next_entry(entries: _Entries) -> Generator[TooLarge, None, _Entry | None]:
    """Return the next entry, None at the end; each `TooLarge` before it is passed on."""
    for entry in entries:
        if not isinstance(entry, TooLarge):
            return entry
        yield entry
    return None
