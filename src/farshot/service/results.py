"""What a job has recorded: as pages of entries, as one line an entry, or packed for a client that unpacks it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from farshot.backends.entries import failure_entry, json_entry, missing_fault, part_entries
from farshot.dispatch.sharding import MAX_SHARD_CIRCUITS
from farshot.service.bodies import parameters_in
from farshot.service.jobs import MOST, answer
from farshot.service.parts import in_thread
from farshot.service.streams import lines, packed, streamed
from farshot.wire import FRAMES, NDJSON, ResultsDocument, encode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.responses import Response

    from farshot.model import Fault, JobRecord
    from farshot.protocols import JobStore
    from farshot.service.parts import Call

__all__ = ["ResultsQuery", "get_results"]

_Entry = tuple[int, dict[str, Any]]
_PAGE_BYTES = 4 * 2**20
"""What a page holds before its last entry, at most."""


class ResultsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A page holds up to `limit` entries from `cursor` on. A stream holds all; with `follow` it goes on until the job
    has ended, in the order in which circuits end.
    """

    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100
    cursor: Annotated[int, msgspec.Meta(ge=0, le=MOST)] = 0
    follow: bool = False


async def get_results(call: Call) -> Response:
    """Give the recorded results of a job, also while it runs; which form, the Accept header says."""
    query = parameters_in(call, ResultsQuery)
    accepted = call.request.headers.get("accept", "")
    if FRAMES in accepted:
        return await streamed(call, packed, FRAMES, follow=query.follow)
    if NDJSON in accepted:
        return await streamed(call, lines, NDJSON, follow=query.follow)
    return await in_thread(call.service, lambda: answer(_page(call, query)))


def _page(call: Call, query: ResultsQuery) -> ResultsDocument:
    """Return a page: as many entries as are wanted, fewer where they are large."""
    jobs, record = call.parts.jobs, call.job()
    entries: list[Any] = []
    size = 0
    for position, entry in _entries(jobs, record, query.cursor):
        if len(entries) == query.limit or size > _PAGE_BYTES:
            return ResultsDocument(record.id, record.status, entries, str(position))
        entries.append(msgspec.Raw(encode(json_entry(entry))))
        size += len(entries[-1])
    return ResultsDocument(record.id, record.status, entries, None)


def _entries(jobs: JobStore, record: JobRecord, start: int) -> Iterator[_Entry]:
    """Yield the entries from position `start` on, in order of position."""
    observables = jobs.spec(record.id).observables if not record.uploading else None
    found = (
        entry
        for part in jobs.parts(record.id, start - MAX_SHARD_CIRCUITS - 1)
        for entry in part_entries(part, observables)
        if entry[0] >= start
    )
    fault = missing_fault(record)
    return found if fault is None else _filled(jobs, record, found, start, fault)


def _filled(jobs: JobStore, record: JobRecord, found: Iterator[_Entry], start: int, fault: Fault) -> Iterator[_Entry]:
    """Yield what was found, and `fault` for every circuit between."""
    upcoming = next(found, None)
    for position, label in enumerate(label for labels in jobs.labels(record.id) for label in labels):
        if position < start:
            continue
        if upcoming and upcoming[0] == position:
            yield upcoming
            upcoming = next(found, None)
        else:
            yield position, failure_entry(label, fault)
