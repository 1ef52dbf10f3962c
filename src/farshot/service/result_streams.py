"""The results of a job as one stream, which may follow the job to its end."""

from __future__ import annotations

from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from farshot.backends.entries import failure_entry, missing_fault
from farshot.backends.gaps import gaps
from farshot.service.entries import part_pieces
from farshot.service.large_answers import LargeAnswer, TooLarge, observables_nbytes, respond_in_chunks
from farshot.wire import GapFrame, HeadFrame, PartFrame, TailFrame, encode, frame_pieces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import TypeAlias

    from starlette.responses import Response

    from farshot.model import JobRecord, Observables
    from farshot.service.context import Call
    from farshot.wire import Frame

    Form: TypeAlias = Callable[[Observables | None, Frame], Iterator[bytes]]


class _Stream(LargeAnswer):
    """All results of a job. With `follow` parts come in order of time and until the job has ended; else what there
    is, in order.
    """

    def __init__(self, call: Call, record: JobRecord, form: Form, *, follow: bool) -> None:
        self._call = call
        self._jobs = call.parts.jobs
        self._follow = follow
        self._seq = 0
        self._spans: list[tuple[int, int]] = []
        """The positions [first, end) of all that was given."""
        self.record = record
        observables = None if self.record.uploading else self._jobs.spec(self.record.id).observables
        self._form = partial(form, observables)
        super().__init__(self._formed(chain([HeadFrame(observables)], self._frames())), observables_nbytes(observables))

    @property
    def is_last(self) -> bool:
        """Whether nothing follows the pieces that are left."""
        return not self._follow or self.record.status.is_terminal

    @property
    def source(self) -> JobRecord:
        """The job."""
        return self.record

    def read_new(self) -> bytes:
        """Look again at a job that is followed, and return the first chunk of what is new."""
        self.record = self._call.job()
        self.continue_with(self._formed(self._frames()))
        return self.chunk()

    def _formed(self, frames: Iterable[Frame | TooLarge]) -> Iterator[bytes | TooLarge]:
        for frame in frames:
            if isinstance(frame, TooLarge):
                yield frame
            else:
                yield from self._form(frame)

    def _frames(self) -> Iterator[Frame | TooLarge]:
        """Yield what is recorded and was not given; where nothing will follow, what is missing and the tail."""
        job_id = self.record.id
        for part in self._jobs.recorded(job_id, self._seq) if self._follow else self._jobs.parts(job_id):
            yield TooLarge(part.nbytes)
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
    """Answer with the results of a job in a form, in one piece where they are few; see `_Stream` for `follow`."""
    ended = call.ended()
    return await respond_in_chunks(call, lambda: _Stream(call, ended or call.job(), form, follow=follow), media_type)


def packed(_observables: Observables | None, frame: Frame) -> Iterator[bytes]:
    """Yield a frame of `farshot.wire`, for a client that unpacks it."""
    return frame_pieces(frame)


def lines(observables: Observables | None, frame: Frame) -> Iterator[bytes]:
    """Yield NDJSON, an entry a line."""
    if isinstance(frame, PartFrame):
        for _, pieces in part_pieces(frame, observables):
            yield from pieces
            yield b"\n"
    elif isinstance(frame, GapFrame):
        for label in frame.labels:
            yield encode(failure_entry(label, frame.fault)) + b"\n"
