"""The results of a job as one stream, which may follow the job to its end."""

from __future__ import annotations

from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from farshot.backends.entries import failure_entry, missing_fault
from farshot.backends.stored_results import gaps
from farshot.service.entries import part_pieces
from farshot.service.large_answers import LargeAnswer, TooLarge, flowing, weight
from farshot.wire import GapFrame, HeadFrame, PartFrame, TailFrame, encode, frame_pieces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import TypeAlias

    from starlette.responses import Response

    from farshot.model import JobRecord, Observables
    from farshot.service.context import Call
    from farshot.wire import Frame

    FrameEncoder: TypeAlias = Callable[[Observables | None, Frame], Iterator[bytes]]


class _Stream(LargeAnswer):
    """All results of a job: with `follow` in order of time until the job has ended, else those recorded so far, in
    order of position.
    """

    def __init__(self, call: Call, record: JobRecord, encoder: FrameEncoder, *, follow: bool) -> None:
        self._call = call
        self._jobs = call.parts.jobs
        self._follow = follow
        self._seq = 0
        self._spans: list[tuple[int, int]] = []
        """The positions [first, end) of all parts that were sent."""
        self._record = record
        observables = None if record.uploading else self._jobs.spec(record.id).observables
        self._encode = partial(encoder, observables)
        super().__init__(self._encode_frames(chain([HeadFrame(observables)], self._frames())), weight(observables))

    @property
    def is_last(self) -> bool:
        return not self._follow or self._record.status.is_terminal

    @property
    def source(self) -> JobRecord:
        return self._record

    def look(self) -> bytes:
        self._record = self._call.job()
        self.go_on(self._encode_frames(self._frames()))
        return self.chunk()

    def _encode_frames(self, frames: Iterable[Frame | TooLarge]) -> Iterator[bytes | TooLarge]:
        for frame in frames:
            if isinstance(frame, TooLarge):
                yield frame
            else:
                yield from self._encode(frame)

    def _frames(self) -> Iterator[Frame | TooLarge]:
        """Yield the recorded parts that were not sent yet; after the last one also the gaps and the tail."""
        job_id = self._record.id
        for part in self._jobs.recorded(job_id, self._seq) if self._follow else self._jobs.parts(job_id):
            yield TooLarge(part.nbytes)
            self._seq = max(self._seq, part.seq)
            self._spans.append((part.first, part.first + len(part.labels)))
            yield PartFrame(part.first, part.attempt, part.labels, part.results)
        if not self.is_last:
            return
        fault = missing_fault(self._record)
        if fault is not None:
            yield from gaps(self._jobs.labels(job_id), self._spans, fault)
        yield TailFrame(self._record.status)


async def stream_results(call: Call, encoder: FrameEncoder, media_type: str, *, follow: bool) -> Response:
    """Answer with the results of a job as a stream, or in one piece if they are few; see `_Stream` for `follow`."""
    ended = call.ended()
    return await flowing(call, lambda: _Stream(call, ended or call.job(), encoder, follow=follow), media_type)


def packed_pieces(_observables: Observables | None, frame: Frame) -> Iterator[bytes]:
    """Yield a frame of `farshot.wire` in pieces, for a client that unpacks it."""
    return frame_pieces(frame)


def json_lines(observables: Observables | None, frame: Frame) -> Iterator[bytes]:
    """Yield the entries of a frame as NDJSON, one a line."""
    if isinstance(frame, PartFrame):
        for _, pieces in part_pieces(frame, observables):
            yield from pieces
            yield b"\n"
    elif isinstance(frame, GapFrame):
        for label in frame.labels:
            yield encode(failure_entry(label, frame.fault)) + b"\n"
