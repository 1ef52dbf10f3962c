"""The results of a job as one stream, which may follow the job to its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from farshot.backends.entries import failure_entry, missing_fault, part_entries
from farshot.service.parts import in_thread
from farshot.wire import Frame, GapFrame, HeadFrame, PartFrame, TailFrame, encode, encode_frame

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence

    from farshot.model import Fault, JobRecord, Observables
    from farshot.protocols import JobStore
    from farshot.service.parts import Call

__all__ = ["gaps", "lines", "packed"]

_WAIT = 10.0
_CHUNK = 2**18


@dataclass(slots=True)
class _Sent:
    """What a stream has given: the number of the last part, and the positions [first, end) of all."""

    seq: int = 0
    spans: list[tuple[int, int]] = field(default_factory=list)


async def packed(call: Call, record: JobRecord, *, follow: bool) -> AsyncIterator[bytes]:
    """Yield the results of a job as frames of `farshot.wire`."""
    observables = await in_thread(call.service, partial(_observables, call.parts.jobs, record))
    yield encode_frame(HeadFrame(observables))
    async for piece in _stream(call, record, _packed, follow=follow):
        yield piece


async def lines(call: Call, record: JobRecord, *, follow: bool) -> AsyncIterator[bytes]:
    """Yield the results of a job as NDJSON, an entry a line."""
    observables = await in_thread(call.service, partial(_observables, call.parts.jobs, record))
    async for piece in _stream(call, record, partial(_lines_of, observables), follow=follow):
        yield piece


def _observables(jobs: JobStore, record: JobRecord) -> Observables | None:
    return None if record.uploading else jobs.spec(record.id).observables


def _packed(frame: Frame) -> Iterator[bytes]:
    yield encode_frame(frame)


def _lines_of(observables: Observables | None, frame: Frame) -> Iterator[bytes]:
    if isinstance(frame, PartFrame):
        for _, entry in part_entries(frame, observables):
            yield encode(entry) + b"\n"
    elif isinstance(frame, GapFrame):
        for label in frame.labels:
            yield encode(failure_entry(label, frame.fault)) + b"\n"


async def _stream(
    call: Call, record: JobRecord, form: Callable[[Frame], Iterator[bytes]], *, follow: bool
) -> AsyncIterator[bytes]:
    """Yield all frames of a job in a form; with `follow` those that come later too."""
    sent, feed, seen = _Sent(), call.service.feed, -1
    while True:
        pieces = chain.from_iterable(map(form, _frames(call.parts.jobs, record, sent, follow=follow)))
        while chunk := await in_thread(call.service, partial(_chunk, pieces)):
            yield chunk
        if not follow or record.status.is_terminal or feed.is_closed:
            return
        await feed.wait(record.owner, seen, _WAIT)
        seen = feed.latest(record.owner)
        record = await in_thread(call.service, call.job)


def _chunk(pieces: Iterator[bytes]) -> bytes:
    """Join pieces, so that a large stream is not handed on in many small ones."""
    chunk = bytearray()
    for piece in pieces:
        chunk += piece
        if len(chunk) >= _CHUNK:
            break
    return bytes(chunk)


def _frames(jobs: JobStore, record: JobRecord, sent: _Sent, *, follow: bool) -> Iterator[Frame]:
    """Yield what is recorded and was not sent; where nothing will follow, what is missing and the tail."""
    for part in jobs.recorded(record.id, sent.seq) if follow else jobs.parts(record.id):
        sent.seq = max(sent.seq, part.seq)
        sent.spans.append((part.first, part.first + len(part.labels)))
        yield PartFrame(part.first, part.attempt, part.labels, part.results)
    if follow and not record.status.is_terminal:
        return
    fault = missing_fault(record)
    if fault is not None:
        yield from gaps(jobs.labels(record.id), sent.spans, fault)
    yield TailFrame(record.status)


def gaps(shards: Iterable[Sequence[str]], spans: Iterable[tuple[int, int]], fault: Fault) -> Iterator[GapFrame]:
    """Yield the circuits in none of `spans`, shard by shard; `shards` are the labels of each."""
    ordered = iter(sorted(spans))
    span = next(ordered, None)
    start = 0
    for labels in shards:
        position, end = start, start + len(labels)
        while position < end:
            if span is not None and span[0] <= position:
                position = max(position, min(end, span[1]))
                span = next(ordered, None) if span[1] <= position else span
                continue
            stop = end if span is None else min(end, span[0])
            yield GapFrame(position, tuple(labels[position - start : stop - start]), fault)
            position = stop
        start = end
