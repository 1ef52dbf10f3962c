"""How the service runs and stops: uvicorn on asyncio, with our deadlines and our signals."""

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
from farshot.service.connections import Connections, bounds_within, raise_limit
from farshot.service.protocol import Deadlines, GuardedProtocol, Sizes

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable, Iterator
    from types import FrameType

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from farshot.service.connections import Bounds, Seat


_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_LOOK = 0.02
_PIECE = 64 * 1024
"""Bytes of a response handed over before its client must have read most of them."""


def _nothing() -> None:
    pass


def _ignore(_url: str) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Settings:
    """What a client may take, and who hears of start and stop."""

    deadlines: Deadlines = field(default_factory=Deadlines)
    sizes: Sizes = field(default_factory=Sizes)
    bounds: Bounds | None = None
    """How many connections there may be; None: as many as the descriptors of the process allow."""
    grace: float = 10.0
    """Seconds that requests in flight have once the service is told to stop."""
    on_ready: Callable[[str], None] = _ignore
    """Called with the URL once connections are accepted."""
    on_stop: Callable[[], None] = _nothing
    """Called once, in a thread of its own, when the service is told to stop; may wait. What it raises, `run` raises."""


def guarded(app: ASGIApp) -> ASGIApp:
    """Return `app` as the transport wants it: large responses in pieces, and silent about clients that left.

    Each piece is sent once the client has read most of what came before, so that a client that reads nothing
    is noticed, and an honest slow one is not mistaken for it.
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
    if message["type"] != "http.response.body" or len(body) <= _PIECE:
        return [message]
    starts = range(0, len(body), _PIECE)
    pieces: list[Message] = [
        {"type": "http.response.body", "body": body[start : start + _PIECE], "more_body": True} for start in starts
    ]
    pieces[-1]["more_body"] = message.get("more_body", False)
    return pieces


class _Server(uvicorn.Server):
    """uvicorn's server on a socket of ours: it starts with our protocol and stops in our order."""

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

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002 -- ours is known
        self.lifespan.state["stopping"] = self._stopping
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            message = "the service did not start; its log says why"
            raise FarshotError(message)
        self._acceptor = self._accept()
        self.started = True
        self._settings.on_ready(url_of(self._sock, tls=self._context is not None))

    def _accept(self) -> Acceptor:
        bounds = self._settings.bounds or bounds_within(raise_limit())
        return Acceptor(self._sock, Connections(bounds), self._protocol, self._tls())

    def _tls(self) -> dict[str, Any]:
        deadlines = self._settings.deadlines
        if self._context is None:
            return {}
        return {
            "ssl": self._context,
            "ssl_handshake_timeout": deadlines.header,
            "ssl_shutdown_timeout": deadlines.write,
        }

    def _protocol(self, seat: Seat) -> GuardedProtocol:
        return GuardedProtocol(
            self.config,
            self.server_state,
            self.lifespan.state,
            (self._settings.deadlines, self._settings.sizes),
            seat,
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002 -- ours is known
        self._acceptor.close()
        self._stopping.set()
        stopped = asyncio.create_task(asyncio.to_thread(self._settings.on_stop))
        await self._drain()
        try:
            await stopped
        finally:
            await self.lifespan.shutdown()

    async def _drain(self) -> None:
        """Let requests in flight end, and end what is left after the grace."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.grace):
                await self._until_quiet()
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    async def _until_quiet(self) -> None:
        while self.server_state.connections or self.server_state.tasks:
            for connection in list(self.server_state.connections):
                connection.shutdown()
            await asyncio.sleep(_LOOK)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle our signals while the service runs; unlike uvicorn's, raise none of them again afterwards."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 -- what a signal's handler is given
        """Stop in order; at the second signal end the process at once."""
        if self.should_exit:
            os._exit(128 + sig)
        self.should_exit = True


class Listener:
    """An application on a socket. It runs in the thread that calls `run`, until a signal or `stop`."""

    def __init__(self, app: ASGIApp, binding: ListenAddress, settings: Settings | None = None) -> None:
        """Prepare to serve `app`; its requests and its lifespan find the event `stopping` in their state."""
        self._binding = binding
        self._server = _Server(app, settings or Settings())

    def run(self) -> None:
        """Serve until told to stop: SIGTERM and SIGINT do so where this is the main thread, a second one ends at once.

        Raises `OptionError` for a binding that is refused, `FarshotError` for a port in use or a start that failed.
        """
        context = tls_context(self._binding)
        with listen(self._binding) as sock:
            asyncio.run(self._server.run_on(sock, context))

    def stop(self) -> None:
        """Begin to stop. May be called in any thread, and more than once."""
        self._server.should_exit = True


def serve(app: ASGIApp, binding: ListenAddress, settings: Settings | None = None) -> None:
    """Serve `app` in this thread until a signal says to stop; see `Listener.run`."""
    Listener(app, binding, settings).run()
