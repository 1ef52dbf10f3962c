"""The results of a job as one stream, which may follow the job to its end."""

from __future__ import annotations

from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from starlette.responses import Response, StreamingResponse

from farshot.backends.entries import failure_entry, json_entry, missing_fault, part_entries
from farshot.backends.gaps import gaps
from farshot.service.parts import in_thread
from farshot.wire import GapFrame, HeadFrame, PartFrame, TailFrame, encode, encode_frame

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator
    from typing import TypeAlias

    from farshot.model import Observables
    from farshot.service.parts import Call
    from farshot.wire import Frame

    Form: TypeAlias = Callable[[Observables | None, Frame], Iterator[bytes]]

__all__ = ["lines", "packed", "streamed"]

_WAIT = 10.0
_CHUNK = 2**18


class _Reading:
    """What a stream reads of a job. Its methods wait for the store: they belong in a thread."""

    def __init__(self, call: Call, form: Form, *, follow: bool) -> None:
        """With `follow` parts come in order of time and until the job has ended; else what there is, in order."""
        self._call = call
        self._jobs = call.parts.jobs
        self._follow = follow
        self._seq = 0
        self._spans: list[tuple[int, int]] = []
        """The positions [first, end) of all that was given."""
        self.record = call.job()
        observables = None if self.record.uploading else self._jobs.spec(self.record.id).observables
        self._form = partial(form, observables)
        self._pieces = self._formed(chain([HeadFrame(observables)], self._frames()))

    @property
    def is_last(self) -> bool:
        """Whether nothing follows the pieces that are left."""
        return not self._follow or self.record.status.is_terminal

    def look(self) -> bytes:
        """Look again at a job that is followed, and return the first chunk of what is new."""
        self.record = self._call.job()
        self._pieces = self._formed(self._frames())
        return self.chunk()

    def chunk(self) -> bytes:
        """Join pieces, for a large stream is not sent in many small ones; less than `_CHUNK` is all there is."""
        chunk = bytearray()
        for piece in self._pieces:
            chunk += piece
            if len(chunk) >= _CHUNK:
                break
        return bytes(chunk)

    def _formed(self, frames: Iterable[Frame]) -> Iterator[bytes]:
        return chain.from_iterable(map(self._form, frames))

    def _frames(self) -> Iterator[Frame]:
        """Yield what is recorded and was not given; where nothing will follow, what is missing and the tail."""
        job_id = self.record.id
        for part in self._jobs.recorded(job_id, self._seq) if self._follow else self._jobs.parts(job_id):
            self._seq = max(self._seq, part.seq)
            self._spans.append((part.first, part.first + len(part.labels)))
            yield PartFrame(part.first, part.attempt, part.labels, part.results)
        if not self.is_last:
            return
        fault = missing_fault(self.record)
        if fault is not None:
            yield from gaps(self._jobs.labels(job_id), self._spans, fault)
        yield TailFrame(self.record.status)


async def streamed(call: Call, form: Form, media_type: str, *, follow: bool) -> Response:
    """Answer with the results of a job in a form, in one piece where they are few; see `_Reading` for `follow`."""
    reading, first = await in_thread(call.service, partial(_begin, call, form, follow=follow))
    if reading.is_last and len(first) < _CHUNK:
        return Response(first, media_type=media_type)
    return StreamingResponse(_chunks(call, reading, first), media_type=media_type)


def _begin(call: Call, form: Form, *, follow: bool) -> tuple[_Reading, bytes]:
    reading = _Reading(call, form, follow=follow)
    return reading, reading.chunk()


async def _chunks(call: Call, reading: _Reading, chunk: bytes) -> AsyncIterator[bytes]:
    """Yield a chunk and all that come after it."""
    feed, seen = call.service.feed, -1
    while True:
        if chunk:
            yield chunk
        if len(chunk) >= _CHUNK:
            chunk = await in_thread(call.service, reading.chunk)
        elif reading.is_last or feed.is_closed:
            return
        else:
            await feed.wait(reading.record.owner, seen, _WAIT)
            seen = feed.latest(reading.record.owner)
            chunk = await in_thread(call.service, reading.look)


def packed(_observables: Observables | None, frame: Frame) -> Iterator[bytes]:
    """Yield a frame of `farshot.wire`, for a client that unpacks it."""
    yield encode_frame(frame)


def lines(observables: Observables | None, frame: Frame) -> Iterator[bytes]:
    """Yield NDJSON, an entry a line."""
    if isinstance(frame, PartFrame):
        for _, entry in part_entries(frame, observables):
            yield encode(json_entry(entry)) + b"\n"
    elif isinstance(frame, GapFrame):
        for label in frame.labels:
            yield encode(failure_entry(label, frame.fault)) + b"\n"
