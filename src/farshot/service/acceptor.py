"""How connections are accepted: within bounds, and quietly where descriptors run out.

asyncio's own server accepts whatever comes, and where there are no descriptors left it tries, and logs, two thousand
times a second. It also begins with all who came before it does anything else: here those whose requests are being
answered go on, and of newcomers each address has its turn, those of a crowd a few at a time.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from functools import partial
from typing import TYPE_CHECKING, Any

from farshot.service.connections import network_of
from farshot.service.logs import ThrottledLog

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping

    from farshot.service.connections import Connections, Seat


_AT_ONCE = 256
"""Connections accepted before the event loop does something else."""
_BEGUN_AT_ONCE = 8
"""Connections begun with before it does: one costs it about half a millisecond."""
_LULL = 0.02
"""Seconds until those are looked at again who came in a crowd."""
_SHARE = 8
"""A crowd has at most the eighth part of those that may wait."""
_PAUSE = 0.25
"""Seconds without accepting where the system has no descriptor or memory for a connection."""
_SHED = 16

_log = logging.getLogger("farshot.service")


class Acceptor:
    """Accepts the connections of a listening socket. Belongs to one event loop."""

    def __init__(
        self,
        sock: socket.socket,
        connections: Connections,
        make: Callable[[Seat], asyncio.Protocol],
        tls: Mapping[str, Any],
    ) -> None:
        """Serve each connection with the protocol that `make` returns; `tls` is what asyncio needs for it, if any."""
        self._sock = sock
        self._connections = connections
        self._make = make
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self._pause: asyncio.TimerHandle | None = None
        self._opening: set[asyncio.Task[None]] = set()
        self._waiting: OrderedDict[str, deque[tuple[socket.socket, str]]] = OrderedDict()
        self._held = 0
        self._admission: asyncio.Handle | None = None
        self._short = ThrottledLog(_log, logging.ERROR, "no-connection-accepted")
        self._full = ThrottledLog(_log, logging.WARNING, "connections-refused")
        sock.setblocking(False)  # noqa: FBT003 -- as the method has it
        self._resume()

    def close(self) -> None:
        """Accept no more; what is accepted goes on."""
        if self._pause is not None:
            self._pause.cancel()
        if self._admission is not None:
            self._admission.cancel()
        self._loop.remove_reader(self._sock)
        for waiting in self._waiting.values():
            for connection, _ in waiting:
                connection.close()
        self._waiting.clear()

    def _resume(self) -> None:
        self._pause = None
        self._loop.add_reader(self._sock, self._accept)

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                connection, (address, *_) = self._sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._rest(error)
                return
            self._hold(connection, address)
            self._admit_soon()
            if self._held >= self._connections.most_waiting:
                self._loop.remove_reader(self._sock)
                return

    def _hold(self, connection: socket.socket, address: str) -> None:
        """Let a connection wait; of a crowd that is too large the one that waited longest goes: few stay so long."""
        network = network_of(address)
        waiting = self._waiting.setdefault(network, deque())
        waiting.append((connection, address))
        self._held += 1
        if len(waiting) > self._connections.most_waiting // _SHARE and self._connections.is_crowd(network):
            waiting.popleft()[0].close()
            self._held -= 1

    def _admit_soon(self) -> None:
        if self._admission is None:
            self._admission = self._loop.call_soon(self._admit_some)

    def _admit_some(self) -> None:
        """Begin with a few of those who wait, one of each address in turn."""
        self._admission = None
        begun = 0
        while begun < _BEGUN_AT_ONCE and (network := self._next()) is not None:
            begun += 1
            waiting = self._waiting.pop(network)
            self._held -= 1
            self._admit(*waiting.popleft())
            if waiting:
                self._waiting[network] = waiting
        if self._waiting and begun:
            self._admit_soon()
        elif self._waiting:
            self._admission = self._loop.call_later(_LULL, self._admit_some)
        if self._held < self._connections.most_waiting and self._pause is None:
            self._resume()

    def _next(self) -> str | None:
        """Return the network whose turn it is; None where nobody waits but those who came in a crowd."""
        return next((network for network in self._waiting if self._connections.may_begin(network)), None)

    def _rest(self, error: OSError) -> None:
        """Wait a little for what is missing, and let go of connections that are idle."""
        self._short.tell(reason=error.strerror)
        for _ in range(_SHED):
            self._connections.shed()
        self._loop.remove_reader(self._sock)
        self._pause = self._loop.call_later(_PAUSE, self._resume)

    def _admit(self, connection: socket.socket, address: str) -> None:
        seat = self._connections.take(address, connection.close)
        if seat is None or seat.is_spare:
            self._full.tell(client=address)
        if seat is None:
            connection.close()
            return
        connection.setblocking(False)  # noqa: FBT003 -- as the method has it
        task = self._loop.create_task(self._open(connection, seat))
        seat.end = task.cancel
        self._opening.add(task)
        task.add_done_callback(partial(self._opened, connection))

    def _opened(self, connection: socket.socket, task: asyncio.Task[None]) -> None:
        self._opening.discard(task)
        if task.cancelled():  # maybe before it began
            connection.close()

    async def _open(self, connection: socket.socket, seat: Seat) -> None:
        try:
            await self._loop.connect_accepted_socket(partial(self._make, seat), connection, **self._tls)
        except OSError:  # of a client that left, or that speaks no TLS
            seat.leave()
        except BaseException:
            seat.leave()
            raise
