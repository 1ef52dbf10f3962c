"""The HTTP protocol under the service: uvicorn's, with a deadline for everything that a client can hold open.

uvicorn limits the pause between two requests and nothing else, and an application is called too late to
limit the rest: it runs once the head of a request is complete. Therefore the protocol itself checks each connection
several times in a deadline, names the phase that the client keeps it in, and cuts it if the client made no
progress for as long as that phase allows. The time that the application takes is never held against the client.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from farshot.service.middleware import SAFE_HEADERS
from farshot.service.problems import KINDS
from farshot.wire import PROBLEM, Problem, encode

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterable

    from uvicorn import Config
    from uvicorn.server import ServerState

    from farshot.service.connections import Seat
    from farshot.service.problems import Kind


_SLICE_BYTES = 16 * 1024
"""Bytes parsed between two checks of the limits: a head can exceed its limit by as many."""
_MAX_UNSENT_BYTES = 64 * 1024
"""Bytes that may wait for a client to read them before the application waits too."""
_CHECKS_PER_DEADLINE = 4
"""Checks of a connection within its shortest deadline."""
_RETRY_SECONDS = 1.0
"""Seconds after which a client that was refused for want of connections may try again."""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long, in seconds, a client may keep a connection without progress."""

    header: float = 10.0
    """From the connection, or from the first byte after a finished request, until the head is complete."""
    body_rate: int = 8 * 1024
    """Bytes of a request's body that must arrive in every `body_window`, or the rest if that is less."""
    body_window: float = 10.0
    """See `body_rate`; does not run while the application does not read."""
    idle: float = 30.0
    """Between two requests of one connection."""
    write: float = 30.0
    """For a client that does not read its response."""
    linger: float = 5.0
    """For a refused client to read the refusal; all that it still sends is thrown away."""

    @property
    def tick(self) -> float:
        """The seconds between two checks of a connection."""
        shortest = min(self.header, self.body_window, self.idle, self.write, self.linger)
        return min(1.0, shortest / _CHECKS_PER_DEADLINE)


@dataclass(frozen=True, slots=True)
class Sizes:
    """The most that one request may hold."""

    head: int = 64 * 1024
    """Bytes of the request line and the headers together; also of a body's framing between two parts of it."""
    headers: int = 128
    """Headers of one request."""
    body: int = 16 * 1024 * 1024 + 64 * 1024
    """Bytes of a request's body, declared or counted."""
    pipelined: int = 8
    """Requests that may wait for the answer to an earlier one of the same connection."""


class _Phase(Enum):
    """The event that a connection waits for."""

    HEAD = auto()
    BODY = auto()
    WORK = auto()
    WRITE = auto()
    IDLE = auto()
    LINGER = auto()
    CLOSING = auto()


class _RefusedError(Exception):
    """Stops the parser after a refusal."""


def _refusal(kind: Kind, detail: str, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return a whole response, `headers` included, that closes the connection with a problem document."""
    retry = _RETRY_SECONDS if kind.name == "busy" else None
    body = encode(Problem(type=kind.uri, title=kind.title, status=kind.status, detail=detail, retry_after=retry))
    own = [
        (b"content-type", PROBLEM.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
        *([] if retry is None else [(b"retry-after", b"%d" % retry)]),
    ]
    status = HTTPStatus(kind.status)
    lines = [b"%b: %b\r\n" % header for header in [*headers, *SAFE_HEADERS, *own]]
    return b"".join([f"HTTP/1.1 {status} {status.phrase}\r\n".encode(), *lines, b"\r\n", body])


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
        """Prepare a connection; `config`, `server_state` and `app_state` are its server's. A spare seat is refused."""
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
        self._requests = 0  # with a complete head
        self._unparsed = 0  # bytes since the last that completed a head or belonged to a body
        self._body_bytes = 0  # of the present body
        self._in_body = False
        self._is_refused = False
        self._pauses = 0  # of writing
        self._progress: tuple[_Phase, object] = (_Phase.HEAD, 0)
        self._progress_time = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn types it
        """Begin to check the connection."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=_MAX_UNSENT_BYTES)  # that of TLS would be eight times this
        self._seat.end = transport.abort
        self._progress_time = self.loop.time()
        self._schedule_check()
        if self._seat.is_spare:
            self._refuse("busy", "the service has as many connections as it can: try again later")

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop checking the connection."""
        if self._timer is not None:
            self._timer.cancel()
        self._seat.leave()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Count the pause: the client reads too slowly."""
        self._pauses += 1
        super().pause_writing()

    def data_received(self, data: bytes) -> None:
        """Parse `data` in slices; throw it away after a refusal."""
        self._unset_keepalive_if_required()
        for start in range(0, len(data), _SLICE_BYTES):
            if self._is_refused or self.transport.is_closing():
                return
            self._parse(data[start : start + _SLICE_BYTES])

    def _parse(self, piece: bytes) -> None:
        self._unparsed += len(piece)
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            pass  # no other protocol is offered: the request is answered as it stands
        except httptools.HttpParserError:
            self._refuse("http", "the request cannot be parsed")
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
        """Keep a header of the head; drop one that follows a body, because the application has the head already."""
        if self._in_body:
            return
        if len(self.headers) >= self._sizes.headers:
            self._refuse_head()
            raise _RefusedError
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Start the application, unless the head announces too large a body."""
        self._check_body_size(max((int(value) for name, value in self.headers if name == b"content-length"), default=0))
        self._seat.work()
        super().on_headers_complete()
        self._requests += 1
        self._unparsed = self._body_bytes = 0
        self._in_body = True

    def on_body(self, body: bytes) -> None:
        """Count a part of a body, and hand it on within the limit."""
        self._unparsed = 0
        self._body_bytes += len(body)
        self._check_body_size(self._body_bytes)
        super().on_body(body)

    def _check_body_size(self, size: int) -> None:
        if size > self._sizes.body:
            self._refuse("too-large", f"a body may have {self._sizes.body} bytes")
            raise _RefusedError

    def on_message_complete(self) -> None:
        """End a request."""
        self._unparsed = 0
        self._in_body = False
        super().on_message_complete()
        if not self._is_working():
            self._seat.rest()

    def on_response_complete(self) -> None:
        """Begin the next request, or become idle."""
        super().on_response_complete()
        if not self._is_working() and not self._in_body:
            self._seat.rest()

    def _schedule_check(self) -> None:
        self._timer = self.loop.call_later(self._deadlines.tick, self._check_progress)

    def _check_progress(self) -> None:
        progress, now = self._measure_progress(), self.loop.time()
        phase, _ = progress
        if progress != self._progress:
            self._progress, self._progress_time = progress, now
        elif now - self._progress_time >= self._limits.get(phase, float("inf")):
            self._cut(phase)
        self._schedule_check()

    def _measure_progress(self) -> tuple[_Phase, object]:
        """Return the phase, and a value that changes with each progress of the client in it."""
        unsent = self.transport.get_write_buffer_size() // self._deadlines.body_rate
        if self.transport.is_closing():
            return _Phase.CLOSING, unsent
        if self._is_refused:
            return _Phase.LINGER, None
        if self.flow.write_paused:
            return _Phase.WRITE, (self._pauses, unsent)
        waits_for_client = self._in_body and not (self.flow.read_paused or self.cycle.waiting_for_100_continue)
        if waits_for_client:
            return _Phase.BODY, (self._requests, self._body_bytes // self._deadlines.body_rate)
        if self._is_working():
            return _Phase.WORK, self._requests
        return _Phase.HEAD if self._unparsed or not self._requests else _Phase.IDLE, self._requests

    def _is_working(self) -> bool:
        return self._requests > 0 and not self.cycle.response_complete

    def _cut(self, phase: _Phase) -> None:
        if phase is _Phase.BODY or (phase is _Phase.HEAD and self._unparsed):
            self._refuse("timeout", "the request came too slowly")
        elif phase in {_Phase.HEAD, _Phase.IDLE}:
            self.transport.close()
        else:
            self.transport.abort()

    def _refuse_head(self) -> None:
        detail = f"a head may have {self._sizes.head} bytes and {self._sizes.headers} headers"
        self._refuse("head-too-large", detail)

    def _break_off(self) -> None:
        self._is_refused = True
        self.transport.abort()

    def _refuse(self, kind: str, detail: str) -> None:
        """Answer with a problem of `KINDS` if no response was begun, and end the connection."""
        if self._is_refused:
            return
        if self.pipeline:
            self._break_off()
            return
        self._is_refused = True
        is_answered = self.cycle.response_started if self._in_body else self._is_working()
        if not is_answered:
            self.transport.write(_refusal(KINDS[kind], detail, self.server_state.default_headers))
        if self._is_working():
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()  # the client closes the connection: closing it now could destroy the answer
