"""The HTTP protocol under the service: uvicorn's, with a deadline for whatever a client can hold open.

uvicorn limits the pause between two requests and nothing else, and an application is called too late to
limit the rest: it runs once the head of a request is complete. So the protocol itself looks at each connection
several times in a deadline, names the phase that the client keeps it in, and cuts it when the client made no
progress for as long as that phase allows. What the application takes time for is never the client's fault.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from farshot.service.protocol_answers import BODY_TOO_LARGE, BUSY, HEAD_TOO_LARGE, NOT_HTTP, TOO_SLOW, refusal

if TYPE_CHECKING:
    import asyncio

    from uvicorn import Config
    from uvicorn.server import ServerState

    from farshot.service.connections import Seat
    from farshot.service.problems import Kind


_SLICE = 16 * 1024
"""Bytes parsed between two looks at the caps: what a head can exceed its cap by."""
_UNSENT = 64 * 1024
"""Bytes that may wait for a client to read them before the application waits too."""
_LOOKS = 4
"""Looks at a connection within its shortest deadline."""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long, in seconds, a client may keep a connection without progress."""

    header: float = 10.0
    """From the connection, or from the first byte after a finished request, until the head is complete."""
    body_rate: int = 8 * 1024
    """Bytes of a request's body, or what is left of it, that must arrive in every `body_window`."""
    body_window: float = 10.0
    """See `body_rate`; stands still while the application does not read."""
    idle: float = 30.0
    """Between two requests of one connection."""
    write: float = 30.0
    """For a client that does not read its response."""
    linger: float = 5.0
    """For a refused client to read the refusal, while what it still sends is thrown away."""

    @property
    def tick(self) -> float:
        """Return the seconds between two looks at a connection."""
        shortest = min(self.header, self.body_window, self.idle, self.write, self.linger)
        return min(1.0, shortest / _LOOKS)


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much one request may hold."""

    head: int = 64 * 1024
    """Bytes of the request line and the headers together; also of a body's framing between two parts of it."""
    headers: int = 128
    """Headers of one request."""
    body: int = 16 * 1024 * 1024 + 64 * 1024
    """Bytes of a request's body, declared or counted."""
    pipelined: int = 8
    """Requests that may wait for the answer to an earlier one of the same connection."""


class _Phase(Enum):
    """What a connection waits for."""

    HEAD = auto()
    BODY = auto()
    WORK = auto()
    WRITE = auto()
    IDLE = auto()
    LINGER = auto()
    CLOSING = auto()


class _RefusedError(Exception):
    """Stops the parser after a refusal."""


class GuardedProtocol(HttpToolsProtocol):
    """One connection that no client can hold open for nothing, or fill without bound."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        rules: tuple[Deadlines, Sizes],
        seat: Seat,
    ) -> None:
        """Prepare a connection of the server whose parts are given; on a spare seat it is refused."""
        super().__init__(config, server_state, app_state)
        self._deadlines, self._sizes = deadlines, _ = rules
        self._seat = seat
        self._limits = {
            _Phase.HEAD: deadlines.header,
            _Phase.BODY: deadlines.body_window,
            _Phase.WRITE: deadlines.write,
            _Phase.IDLE: deadlines.idle,
            _Phase.LINGER: deadlines.linger,
            _Phase.CLOSING: deadlines.write,
        }
        self._requests = 0  # whose head was complete
        self._unparsed = 0  # bytes since the last that completed a head or belonged to a body
        self._body = 0  # bytes of the present body
        self._in_body = False
        self._refused = False
        self._pauses = 0
        self._seen: tuple[_Phase, object] = (_Phase.HEAD, 0)
        self._since = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn types it
        """Begin to look at the connection."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=_UNSENT)  # that of TLS would be eight times this
        self._seat.end = transport.abort
        self._since = self.loop.time()
        self._look_later()
        if self._seat.is_spare:
            self._refuse(BUSY, "the service has as many connections as it can: try again later")

    def connection_lost(self, exc: Exception | None) -> None:
        """Cease to look at the connection."""
        if self._timer is not None:
            self._timer.cancel()
        self._seat.leave()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Note that the client is behind with its reading."""
        self._pauses += 1
        super().pause_writing()

    def data_received(self, data: bytes) -> None:
        """Parse `data` in slices; throw it away after a refusal."""
        self._unset_keepalive_if_required()
        for start in range(0, len(data), _SLICE):
            if self._refused or self.transport.is_closing():
                return
            self._parse(data[start : start + _SLICE])

    def _parse(self, piece: bytes) -> None:
        self._unparsed += len(piece)
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            pass  # no other protocol is offered: the request is answered as it stands
        except httptools.HttpParserError:
            self._refuse(NOT_HTTP, "the request cannot be parsed")
        if self._unparsed > self._sizes.head:
            self._refuse_head()

    def on_message_begin(self) -> None:
        """Begin a request, unless too many wait already."""
        if len(self.pipeline) >= self._sizes.pipelined:
            self._break_off()
            raise _RefusedError
        self._unparsed = max(1, self._unparsed)  # a head may begin behind a body, in one piece with it
        super().on_message_begin()
        self.scope["state"] |= {"abort": self.transport.abort, "give_way": self._seat.give_way}

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header of the head; one that follows a body is dropped, for the application has the others."""
        if self._in_body:
            return
        if len(self.headers) >= self._sizes.headers:
            self._refuse_head()
            raise _RefusedError
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Start the application, unless the head announces too large a body."""
        if self._declared() > self._sizes.body:
            self._refuse_body()
            raise _RefusedError
        self._seat.work()
        super().on_headers_complete()
        self._requests += 1
        self._unparsed = self._body = 0
        self._in_body = True

    def _declared(self) -> int:
        return max((int(value) for name, value in self.headers if name == b"content-length"), default=0)

    def on_body(self, body: bytes) -> None:
        """Count a part of a body, and hand it on within the cap."""
        self._unparsed = 0
        self._body += len(body)
        if self._body > self._sizes.body:
            self._refuse_body()
            raise _RefusedError
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End a request."""
        self._unparsed = 0
        self._in_body = False
        super().on_message_complete()
        if not self._is_working():
            self._seat.rest()

    def on_response_complete(self) -> None:
        """Go on to the next request, or be idle."""
        super().on_response_complete()
        if not self._is_working() and not self._in_body:
            self._seat.rest()

    def _look_later(self) -> None:
        self._timer = self.loop.call_later(self._deadlines.tick, self._look)

    def _look(self) -> None:
        seen, now = self._progress(), self.loop.time()
        if seen != self._seen:
            self._seen, self._since = seen, now
        elif now - self._since >= self._limits.get(seen[0], float("inf")):
            self._cut(seen[0])
        self._look_later()

    def _progress(self) -> tuple[_Phase, object]:
        """Return the phase, and a value that changes whenever the client gets on with it."""
        if self.transport.is_closing():
            return _Phase.CLOSING, self._unsent()
        if self._refused:
            return _Phase.LINGER, None
        if self.flow.write_paused:
            return _Phase.WRITE, (self._pauses, self._unsent())
        return self._progress_of_request()

    def _progress_of_request(self) -> tuple[_Phase, object]:
        if self._in_body and not self._is_held():
            return _Phase.BODY, (self._requests, self._body // self._deadlines.body_rate)
        if self._is_working():
            return _Phase.WORK, self._requests
        if self._unparsed or not self._requests:
            return _Phase.HEAD, self._requests
        return _Phase.IDLE, self._requests

    def _unsent(self) -> int:
        return self.transport.get_write_buffer_size() // self._deadlines.body_rate

    def _is_held(self) -> bool:
        """Whether the body waits for the application, not for the client."""
        return self.flow.read_paused or self.cycle.waiting_for_100_continue

    def _is_working(self) -> bool:
        return self._requests > 0 and not self.cycle.response_complete

    def _cut(self, phase: _Phase) -> None:
        if phase is _Phase.BODY or (phase is _Phase.HEAD and self._unparsed):
            self._refuse(TOO_SLOW, "the request came too slowly")
        elif phase in {_Phase.HEAD, _Phase.IDLE}:
            self.transport.close()
        else:
            self.transport.abort()

    def _refuse_body(self) -> None:
        self._refuse(BODY_TOO_LARGE, f"a body may have {self._sizes.body} bytes")

    def _refuse_head(self) -> None:
        detail = f"a head may have {self._sizes.head} bytes and {self._sizes.headers} headers"
        self._refuse(HEAD_TOO_LARGE, detail)

    def _break_off(self) -> None:
        self._refused = True
        self.transport.abort()

    def _refuse(self, kind: Kind, detail: str) -> None:
        """Answer with a problem if no response was begun, and end the connection."""
        if self._refused:
            return
        if self.pipeline:
            self._break_off()
            return
        self._refused = True
        if self._can_answer():
            self.transport.write(refusal(kind, detail, self.server_state.default_headers))
        self._leave()

    def _can_answer(self) -> bool:
        if self._in_body:
            return not self.cycle.response_started
        return not self._is_working()

    def _leave(self) -> None:
        """Say that no more will come, and let the client find out: closing now could destroy the answer."""
        if self._is_working():
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
