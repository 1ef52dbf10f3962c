"""Answers that may be large: made a chunk at a time as the client reads, within the bytes that all readers share."""

from __future__ import annotations

import asyncio
import logging
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

from starlette.responses import Response, StreamingResponse

from farshot.errors import FarshotError
from farshot.service.context import in_thread
from farshot.service.logs import tell

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from starlette.types import Receive, Scope, Send

    from farshot.model import JobRecord, Observables
    from farshot.service.context import Call
    from farshot.service.read_budget import Share


_log = logging.getLogger("farshot.service")
_WAIT = 10.0
_CHUNK = 2**18
_SMALL = 64 * 1024
"""Bytes of an answer, or of a part, that is not counted."""
_COPIES = 2
"""How often what was recorded is in memory while it is written: as it was read, and what was decoded of it."""
_PATIENCE = 5.0
"""Seconds that a request waits for its share before it is refused."""
_PATIENCE_BEGUN = 60.0
"""Seconds that an answer which has begun waits for more; less than clients bear."""


class TooLarge(NamedTuple):
    """Says that what follows takes so many bytes of memory while it is read."""

    nbytes: int


class LargeAnswer:
    """The pieces of an answer. `chunk` waits for the store: it belongs in a thread."""

    def __init__(self, pieces: Iterator[bytes | TooLarge], base: int = 0) -> None:
        """Join `pieces`; `base` is what is in memory all the time."""
        self.base = base
        self.wanted = 0
        """Bytes that must be granted before the next chunk, beside the base."""
        self.is_dry = False
        """Whether there are no pieces left."""
        self.granted = 0
        """Bytes that what is being read may take."""
        self._pieces = pieces

    @property
    def is_last(self) -> bool:
        """Whether nothing follows the pieces that are left."""
        return True

    @property
    def source(self) -> JobRecord | None:
        """The job whose changes may bring more, where something may follow."""
        return None

    def look(self) -> bytes:
        """Return the first chunk of what followed."""
        return b""

    def go_on(self, pieces: Iterator[bytes | TooLarge]) -> None:
        """Continue with other pieces."""
        self._pieces, self.is_dry = pieces, False

    def close(self) -> None:
        """Let go of what is being read: errors of a client that left would keep it until garbage is looked for."""
        self._pieces = iter(())

    def chunk(self) -> bytes:
        """Join pieces, for a large answer is not sent in many small ones, up to where more must be granted."""
        self.granted, self.wanted = max(self.granted, self.wanted), 0
        chunk = bytearray()
        for piece in self._pieces:
            if not isinstance(piece, TooLarge):
                chunk += piece
            elif not self._may_read(piece):
                break
            if len(chunk) >= _CHUNK:
                break
        else:
            self.is_dry, self.granted = True, 0
        return bytes(chunk)

    def _may_read(self, part: TooLarge) -> bool:
        """Whether what was granted suffices for what follows; what is beyond it is given back."""
        needed = _COPIES * part.nbytes if part.nbytes > _SMALL else 0
        if needed > self.granted:
            self.wanted = needed
            return False
        self.granted = needed
        return True


def weight(observables: Observables | None) -> int:
    """Return about how many bytes observables take."""
    if observables is None:
        return 0
    return sum(len(group) * (64 + len(group[0])) for group in observables.groups if group)


async def flowing(call: Call, make: Callable[[], LargeAnswer], media_type: str) -> Response:
    """Answer with what `make` returns, in one piece where it is small.

    Raises `BusyError` where others read as much as may be read at a time.
    """
    flow, first = await in_thread(call.service, lambda: _begin(make))
    if flow.is_dry and flow.is_last and len(first) <= _SMALL:
        return Response(first, media_type=media_type)
    user, service = call.user.name, call.service
    with ExitStack() as stack:
        share = service.budget.share(user)
        stack.callback(share.close)
        stack.callback(flow.close)
        if not flow.is_last:
            stack.enter_context(service.feed.place(user))
        await share.hold(_held(flow), _PATIENCE)
        return _Answer(call, _chunks(call, flow, first, share), media_type, share, stack.pop_all())


def _begin(make: Callable[[], LargeAnswer]) -> tuple[LargeAnswer, bytes]:
    flow = make()
    return flow, flow.chunk()


def _held(flow: LargeAnswer) -> int:
    return flow.base + max(flow.wanted, flow.granted) + 2 * _CHUNK


class _Answer(StreamingResponse):
    """Sends a flow; breaks off where its token is revoked, or its client reads too slowly while others wait."""

    def __init__(
        self, call: Call, chunks: AsyncIterator[bytes], media_type: str, share: Share, held: ExitStack
    ) -> None:
        super().__init__(chunks, media_type=media_type)
        self._call = call
        self._share = share
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with self._call.while_permitted(), asyncio.timeout(None) as limit:
                self._share.cut = lambda: limit.reschedule(loop.time())
                await super().__call__(scope, receive, send)
        except (TimeoutError, FarshotError) as error:
            reason = str(error) or "the client reads too slowly while others wait"
            tell(_log, logging.WARNING, "answer-broken-off", path=scope["path"], user=self._share.owner, reason=reason)
            await _break_off(scope, receive)
        finally:
            self._held.close()


async def _break_off(scope: Scope, receive: Receive) -> None:
    """End the connection, so that nobody takes what was sent for the whole."""
    scope["state"]["abort"]()
    while (await receive())["type"] != "http.disconnect":
        pass


async def _chunks(call: Call, flow: LargeAnswer, chunk: bytes, share: Share) -> AsyncIterator[bytes]:
    """Yield a chunk and all that come after it."""
    feed, seen = call.service.feed, -1
    while True:
        if chunk:
            yield chunk
        if not flow.is_dry:
            await share.hold(_held(flow), _PATIENCE_BEGUN)
            chunk = await in_thread(call.service, flow.chunk)
        elif flow.source is None or flow.is_last or feed.is_closed:
            return
        else:
            await share.hold(flow.base, 0)
            await feed.wait(flow.source.owner, seen, _WAIT, flow.source.id)
            seen = feed.latest(flow.source.owner)
            await share.hold(_held(flow), _PATIENCE_BEGUN)
            chunk = await in_thread(call.service, flow.look)
