"""The server of the service: uvicorn on asyncio, with its own deadlines, signals and order of stopping."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import signal
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import uvicorn
from starlette.requests import ClientDisconnect

from farshot.errors import FarshotError
from farshot.service.acceptor import Acceptor
from farshot.service.address import ListenAddress, listen, tls_context, url_of
from farshot.service.connections import Connections
from farshot.service.descriptors import bounds_within, raise_limit
from farshot.service.protocol import Deadlines, GuardedProtocol, Sizes

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable, Iterator
    from types import FrameType

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from farshot.service.connections import Bounds, Seat


_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_DRAIN_CHECK_SECONDS = 0.02
_PIECE_BYTES = 64 * 1024
"""Bytes of a response handed over before its client must have read most of them."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The limits of connections and requests, and the functions called at start and stop."""

    deadlines: Deadlines = field(default_factory=Deadlines)
    sizes: Sizes = field(default_factory=Sizes)
    bounds: Bounds | None = None
    """The most connections; None: as many as the descriptors of the process allow."""
    grace: float = 10.0
    """Seconds that requests in flight have once the service is told to stop."""
    on_ready: Callable[[str], None] = lambda _url: None
    """Called with the URL once connections are accepted."""
    on_stop: Callable[[], None] = lambda: None
    """Called once, in a thread of its own, when the service is told to stop; may wait. `serve` raises its errors."""


def guarded(app: ASGIApp) -> ASGIApp:
    """Return `app` with large responses sent in pieces and without errors for clients that left.

    Each piece is sent once the client has read most of the ones before, so that a client that reads nothing
    is noticed, and one that is merely slow is not mistaken for it.
    """

    async def run(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_pieces(message: Message) -> None:
            for piece in _pieces(message):
                await send(piece)

        with contextlib.suppress(ClientDisconnect):
            await app(scope, receive, send_pieces)

    return run


def _pieces(message: Message) -> list[Message]:
    body = memoryview(message.get("body", b""))
    if message["type"] != "http.response.body" or len(body) <= _PIECE_BYTES:
        return [message]
    pieces: list[Message] = [
        {"type": "http.response.body", "body": body[start : start + _PIECE_BYTES], "more_body": True}
        for start in range(0, len(body), _PIECE_BYTES)
    ]
    pieces[-1]["more_body"] = message.get("more_body", False)
    return pieces


class _Server(uvicorn.Server):
    """uvicorn's server on a given socket, with `GuardedProtocol` and an orderly stop."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        config = uvicorn.Config(
            guarded(app),
            http=GuardedProtocol,
            ws="none",
            lifespan="on",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=math.ceil(settings.deadlines.idle),
        )
        super().__init__(config)
        self._settings = settings
        self._stopping = asyncio.Event()

    async def run_on(self, sock: socket.socket, context: ssl.SSLContext | None) -> None:
        self._sock = sock
        self._context = context
        await self.serve()
        if self.started and not self._stopping.is_set():  # told to stop before uvicorn's loop began
            await self.shutdown()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002 -- uvicorn's signature
        self.lifespan.state["stopping"] = self._stopping
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            message = "the service did not start; its log says why"
            raise FarshotError(message)
        bounds = self._settings.bounds or bounds_within(raise_limit())
        self._acceptor = Acceptor(self._sock, Connections(bounds), self._make_protocol, self._tls_options())
        self.started = True
        self._settings.on_ready(url_of(self._sock, tls=self._context is not None))

    def _tls_options(self) -> dict[str, Any]:
        if self._context is None:
            return {}
        deadlines = self._settings.deadlines
        return {
            "ssl": self._context,
            "ssl_handshake_timeout": deadlines.header,
            "ssl_shutdown_timeout": deadlines.write,
        }

    def _make_protocol(self, seat: Seat) -> GuardedProtocol:
        rules = self._settings.deadlines, self._settings.sizes
        return GuardedProtocol(self.config, self.server_state, self.lifespan.state, rules, seat)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002 -- uvicorn's signature
        self._acceptor.close()
        self._stopping.set()
        stopped = asyncio.create_task(asyncio.to_thread(self._settings.on_stop))
        await self._drain()
        try:
            await stopped
        finally:
            await self.lifespan.shutdown()

    async def _drain(self) -> None:
        """Let requests in flight end, and abort the connections that are left after the grace."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.grace):
                while self.server_state.connections or self.server_state.tasks:
                    for connection in list(self.server_state.connections):
                        connection.shutdown()
                    await asyncio.sleep(_DRAIN_CHECK_SECONDS)
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle SIGTERM and SIGINT while the service runs; unlike uvicorn, raise none of them again afterwards."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 -- a signal handler's signature
        """Stop in order; at the second signal end the process at once."""
        if self.should_exit:
            os._exit(128 + sig)
        self.should_exit = True


def serve(app: ASGIApp, binding: ListenAddress, settings: Settings | None = None) -> None:
    """Serve `app` in this thread. If it is the main one, SIGTERM or SIGINT stops it, and a second ends the process.

    Requests and lifespan of `app` have the event `stopping` in their state. Raises `OptionError` for an address that is
    refused, `FarshotError` for a port in use or a start that failed.
    """
    server = _Server(app, settings or Settings())
    context = tls_context(binding)
    with listen(binding) as sock:
        asyncio.run(server.run_on(sock, context))
