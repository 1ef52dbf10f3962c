"""Answers that may be large: made a chunk at a time as the client reads, within the bytes that all readers share."""

from __future__ import annotations

import asyncio
import logging
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

from starlette.responses import Response, StreamingResponse

from farshot.errors import FarshotError
from farshot.service.context import in_thread
from farshot.service.logs import log_event

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from starlette.types import Receive, Scope, Send

    from farshot.model import JobRecord, Observables
    from farshot.service.context import Call
    from farshot.service.read_budget import Share


_log = logging.getLogger("farshot.service")
_CHANGE_WAIT_SECONDS = 10.0
_CHUNK_BYTES = 2**18
_UNCOUNTED_BYTES = 64 * 1024
"""The size up to which an answer, or a part, is not counted."""
_COPIES = 2
"""The copies of a recorded part in memory while it is written: as it was read, and decoded."""
_FIRST_WAIT_SECONDS = 5.0
"""The time that a request waits for its share before it is refused."""
_NEXT_WAIT_SECONDS = 60.0
"""The time that an answer which has begun waits for more; less than clients bear."""


class TooLarge(NamedTuple):
    """Announces among pieces that the next ones take `nbytes` of memory while they are read."""

    nbytes: int


class LargeAnswer:
    """The pieces of an answer."""

    def __init__(self, pieces: Iterator[bytes | TooLarge], base: int = 0) -> None:
        """Join `pieces`; `base` is the number of bytes that are in memory all the time."""
        self.base = base
        self.wanted = 0
        """Bytes that must be granted before the next chunk, beside the base."""
        self.is_dry = False
        """True if no pieces are left."""
        self.granted = 0
        """Bytes that the part being read may take."""
        self._pieces = pieces

    @property
    def is_last(self) -> bool:
        """True if nothing follows the pieces that are left."""
        return True

    @property
    def source(self) -> JobRecord | None:
        """The job whose changes may bring more pieces; None if no more can follow."""
        return None

    @property
    def nbytes(self) -> int:
        """The bytes to be held for the next chunk."""
        return self.base + max(self.wanted, self.granted) + 2 * _CHUNK_BYTES

    def read_new(self) -> bytes:
        """Return the first chunk of the pieces that have followed. Blocks: belongs in a thread."""
        return b""

    def continue_with(self, pieces: Iterator[bytes | TooLarge]) -> None:
        """Continue with other pieces."""
        self._pieces, self.is_dry = pieces, False

    def close(self) -> None:
        """Release the pieces: the error of a client that left would keep them until the next garbage collection."""
        self._pieces = iter(())

    def chunk(self) -> bytes:
        """Join pieces, so that few are sent, up to where more must be granted. Blocks: belongs in a thread."""
        self.granted, self.wanted = max(self.granted, self.wanted), 0
        chunk = bytearray()
        for piece in self._pieces:
            if not isinstance(piece, TooLarge):
                chunk += piece
            elif not self._may_read(piece):
                break
            if len(chunk) >= _CHUNK_BYTES:
                break
        else:
            self.is_dry, self.granted = True, 0
        return bytes(chunk)

    def _may_read(self, part: TooLarge) -> bool:
        """Return whether the granted bytes suffice for the next part, and release those beyond its need."""
        needed = _COPIES * part.nbytes if part.nbytes > _UNCOUNTED_BYTES else 0
        if needed > self.granted:
            self.wanted = needed
            return False
        self.granted = needed
        return True


def observables_nbytes(observables: Observables | None) -> int:
    """Return about how many bytes observables take."""
    if observables is None:
        return 0
    return sum(len(group) * (64 + len(group[0])) for group in observables.groups if group)


async def respond_in_chunks(call: Call, make: Callable[[], LargeAnswer], media_type: str) -> Response:
    """Return the response with the answer that `make` builds; raises `BusyError` if others read as much as may be."""

    def begin() -> tuple[LargeAnswer, bytes]:
        answer = make()
        return answer, answer.chunk()

    answer, first = await in_thread(call.service, begin)
    if answer.is_dry and answer.is_last and len(first) <= _UNCOUNTED_BYTES:
        return Response(first, media_type=media_type)
    user, service = call.user.name, call.service
    with ExitStack() as stack:
        share = service.budget.share(user)
        stack.callback(share.close)
        stack.callback(answer.close)
        if not answer.is_last:
            stack.enter_context(service.feed.waiting_slot(user))
        await share.hold(answer.nbytes, _FIRST_WAIT_SECONDS)
        return _ChunkedResponse(call, _iterate_chunks(call, answer, first, share), media_type, share, stack.pop_all())


class _ChunkedResponse(StreamingResponse):
    """Sends an answer; breaks off if its token is revoked, or its client reads too slowly while others wait."""

    def __init__(
        self, call: Call, chunks: AsyncIterator[bytes], media_type: str, share: Share, resources: ExitStack
    ) -> None:
        super().__init__(chunks, media_type=media_type)
        self._call = call
        self._share = share
        self._resources = resources

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with self._call.while_permitted(), asyncio.timeout(None) as limit:
                self._share.cut = lambda: limit.reschedule(loop.time())
                await super().__call__(scope, receive, send)
        except (TimeoutError, FarshotError) as error:
            reason = str(error) or "the client reads too slowly while others wait"
            fields = {"path": scope["path"], "user": self._share.owner, "reason": reason}
            log_event(_log, logging.WARNING, "answer-broken-off", **fields)
            scope["state"]["abort"]()  # else the client could take what was sent for the whole
            while (await receive())["type"] != "http.disconnect":
                pass
        finally:
            self._resources.close()


async def _iterate_chunks(call: Call, answer: LargeAnswer, chunk: bytes, share: Share) -> AsyncIterator[bytes]:
    """Yield a chunk and all that come after it."""
    feed, latest = call.service.feed, -1
    while True:
        if chunk:
            yield chunk
        read = answer.chunk
        if answer.is_dry:
            if answer.source is None or answer.is_last or feed.is_closed:
                return
            await share.hold(answer.base, 0)
            await feed.wait(answer.source.owner, latest, _CHANGE_WAIT_SECONDS, answer.source.id)
            latest = feed.latest(answer.source.owner)
            read = answer.read_new
        await share.hold(answer.nbytes, _NEXT_WAIT_SECONDS)
        chunk = await in_thread(call.service, read)
