"""Accepting connections within bounds, fairly among addresses, and quietly when file descriptors run out.

asyncio's own server accepts whatever comes, and without free descriptors it tries, and logs, two thousand times a
second. It also starts with every newcomer before it does anything else. Here requests that are being answered go on,
newcomers are started one of each address in turn, and those of a crowd a few at a time.
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


_MAX_ACCEPTED_AT_ONCE = 256
"""Connections accepted before the event loop does something else."""
_MAX_STARTED_AT_ONCE = 8
"""Connections started before the event loop does something else: one takes about half a millisecond."""
_CROWD_PAUSE_SECONDS = 0.02
"""The pause between two looks at waiting connections of which all belong to a crowd."""
_CROWD_FRACTION = 8
"""A crowd has at most one in so many of the connections that may wait."""
_SHORTAGE_PAUSE_SECONDS = 0.25
"""The pause in accepting when the system has no descriptor or memory for a connection."""
_MAX_SHED = 16
"""Idle connections ended in such a shortage."""

_log = logging.getLogger("farshot.service")


class Acceptor:
    """Accepts the connections of a listening socket. Belongs to one event loop."""

    def __init__(
        self,
        sock: socket.socket,
        connections: Connections,
        make_protocol: Callable[[Seat], asyncio.Protocol],
        tls: Mapping[str, Any],
    ) -> None:
        """Serve each connection with what `make_protocol` returns; `tls` holds asyncio's arguments for TLS, if any."""
        self._sock = sock
        self._connections = connections
        self._make_protocol = make_protocol
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self._pause: asyncio.TimerHandle | None = None
        self._opening: set[asyncio.Task[None]] = set()
        self._waiting: OrderedDict[str, deque[tuple[socket.socket, str]]] = OrderedDict()
        self._waiting_count = 0
        self._admission: asyncio.Handle | None = None
        self._shortage_log = ThrottledLog(_log, logging.ERROR, "no-connection-accepted")
        self._refusal_log = ThrottledLog(_log, logging.WARNING, "connections-refused")
        sock.setblocking(False)  # noqa: FBT003 -- as the method has it
        self._resume()

    def close(self) -> None:
        """Accept no more connections; those already started go on."""
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
        for _ in range(_MAX_ACCEPTED_AT_ONCE):
            try:
                connection, (address, *_) = self._sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._pause_accepting(error)
                return
            self._enqueue(connection, address)
            self._schedule_admission()
            if self._waiting_count >= self._connections.max_waiting:
                self._loop.remove_reader(self._sock)
                return

    def _enqueue(self, connection: socket.socket, address: str) -> None:
        """Let a connection wait; too large a crowd loses the one that has waited longest: few clients stay so long."""
        network = network_of(address)
        waiting = self._waiting.setdefault(network, deque())
        waiting.append((connection, address))
        self._waiting_count += 1
        is_excessive = len(waiting) > self._connections.max_waiting // _CROWD_FRACTION
        if is_excessive and self._connections.is_crowd(network):
            waiting.popleft()[0].close()
            self._waiting_count -= 1

    def _schedule_admission(self) -> None:
        if self._admission is None:
            self._admission = self._loop.call_soon(self._admit_some)

    def _admit_some(self) -> None:
        """Start a few waiting connections, one of each address in turn."""
        self._admission = None
        has_started = False
        for _ in range(_MAX_STARTED_AT_ONCE):
            network = next(filter(self._connections.may_begin, self._waiting), None)
            if network is None:
                break
            has_started = True
            waiting = self._waiting.pop(network)
            self._waiting_count -= 1
            self._admit(*waiting.popleft())
            if waiting:
                self._waiting[network] = waiting
        if self._waiting and has_started:
            self._schedule_admission()
        elif self._waiting:
            self._admission = self._loop.call_later(_CROWD_PAUSE_SECONDS, self._admit_some)
        if self._waiting_count < self._connections.max_waiting and self._pause is None:
            self._resume()

    def _pause_accepting(self, error: OSError) -> None:
        """Wait a little for descriptors or memory, and end some idle connections."""
        self._shortage_log.add(reason=error.strerror)
        for _ in range(_MAX_SHED):
            self._connections.shed()
        self._loop.remove_reader(self._sock)
        self._pause = self._loop.call_later(_SHORTAGE_PAUSE_SECONDS, self._resume)

    def _admit(self, connection: socket.socket, address: str) -> None:
        seat = self._connections.take(address, connection.close)
        if seat is None or seat.is_spare:
            self._refusal_log.add(client=address)
        if seat is None:
            connection.close()
            return
        connection.setblocking(False)  # noqa: FBT003 -- as the method has it
        task = self._loop.create_task(self._open(connection, seat))
        seat.end = task.cancel
        self._opening.add(task)
        task.add_done_callback(partial(self._finish_opening, connection))

    def _finish_opening(self, connection: socket.socket, task: asyncio.Task[None]) -> None:
        self._opening.discard(task)
        if task.cancelled():  # maybe before it began
            connection.close()

    async def _open(self, connection: socket.socket, seat: Seat) -> None:
        try:
            await self._loop.connect_accepted_socket(partial(self._make_protocol, seat), connection, **self._tls)
        except OSError:  # of a client that left, or that speaks no TLS
            seat.leave()
        except BaseException:
            seat.leave()
            raise
