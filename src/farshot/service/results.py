"""What a job has recorded: as pages of entries, as one line an entry, or packed for a client that unpacks it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

import msgspec

from farshot.backends.entries import failure_entry, missing_fault
from farshot.dispatch.sharding import MAX_SHARD_CIRCUITS
from farshot.service.entries import part_pieces
from farshot.service.jobs import MAX_COUNT
from farshot.service.large_answers import LargeAnswer, TooLarge, observables_nbytes, respond_in_chunks
from farshot.service.request_bodies import parameters_in
from farshot.service.result_streams import lines, packed, streamed
from farshot.wire import FRAMES, JSON, NDJSON, ResultsDocument, encode

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from starlette.responses import Response

    from farshot.model import Fault, JobRecord, Observables
    from farshot.protocols import JobStore
    from farshot.service.context import Call


_Entry: TypeAlias = "tuple[int, Iterator[bytes]]"
_Found: TypeAlias = "Iterator[_Entry | TooLarge]"
_END = b'],"next":null}'
_PAGE_BYTES = 4 * 2**20
"""What a page holds before its last entry, at most."""


class ResultsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A page holds up to `limit` entries from `cursor` on. A stream holds all; with `follow` it goes on until the job
    has ended, in the order in which circuits end.
    """

    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100
    cursor: Annotated[int, msgspec.Meta(ge=0, le=MAX_COUNT)] = 0
    follow: bool = False


async def get_results(call: Call) -> Response:
    """Give the recorded results of a job, also while it runs; which form, the Accept header says.

    Counts wider than 4,096 bits are written with numbers as keys: see ResultsDocument. Where others read as many
    large results as the service can hold, the answer is 503 with Retry-After, or the stream breaks off: ask again.
    """
    query = parameters_in(call, ResultsQuery)
    accepted = call.request.headers.get("accept", "")
    if FRAMES in accepted:
        return await streamed(call, packed, FRAMES, follow=query.follow)
    if NDJSON in accepted:
        return await streamed(call, lines, NDJSON, follow=query.follow)
    ended = call.ended()
    return await respond_in_chunks(call, lambda: _page(call, ended or call.job(), query), JSON)


def _page(call: Call, record: JobRecord, query: ResultsQuery) -> LargeAnswer:
    observables = call.parts.jobs.spec(record.id).observables if not record.uploading else None
    return LargeAnswer(_pieces(call.parts.jobs, record, observables, query), observables_nbytes(observables))


def _pieces(
    jobs: JobStore, record: JobRecord, observables: Observables | None, query: ResultsQuery
) -> Iterator[bytes | TooLarge]:
    """Yield a page: as many entries as are wanted, fewer where they are large."""
    yield encode(ResultsDocument(record.id, record.status, [], None)).removesuffix(_END)
    count, size, following, after = 0, 0, None, query.cursor
    for found in _entries(jobs, record, observables, query.cursor):
        if count == query.limit or size > _PAGE_BYTES:
            following = str(after)
            break
        if isinstance(found, TooLarge):
            yield found
            continue
        yield b"," if count else b""
        position, pieces = found
        count, after = count + 1, position + 1
        for piece in pieces:
            size += len(piece)
            yield piece
    yield b'],"next":' + encode(following) + b"}"


def _entries(jobs: JobStore, record: JobRecord, observables: Observables | None, start: int) -> _Found:
    """Yield the entries from position `start` on, in order of position."""
    found = _recorded(jobs, record, observables, start)
    fault = missing_fault(record)
    return found if fault is None else _filled(jobs, record, found, start, fault)


def _recorded(jobs: JobStore, record: JobRecord, observables: Observables | None, start: int) -> _Found:
    for part in jobs.parts(record.id, start - MAX_SHARD_CIRCUITS - 1):
        if part.first + len(part.labels) > start:
            yield TooLarge(part.nbytes)
            yield from part_pieces(part, observables, start)


def _filled(jobs: JobStore, record: JobRecord, found: _Found, start: int, fault: Fault) -> _Found:
    """Yield what was found, and `fault` for every circuit between."""
    upcoming = yield from _next(found)
    for position, label in enumerate(label for labels in jobs.labels(record.id) for label in labels):
        if position < start:
            continue
        if upcoming and upcoming[0] == position:
            yield upcoming
            upcoming = yield from _next(found)
        else:
            yield position, iter([encode(failure_entry(label, fault))])


def _next(found: _Found) -> Generator[TooLarge, None, _Entry | None]:
    """Return the next entry, None at the end; what must be granted first is passed on."""
    for entry in found:
        if not isinstance(entry, TooLarge):
            return entry
        yield entry
    return None
