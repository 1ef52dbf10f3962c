"""Whose connection is begun with next, where many come at once."""

import asyncio
import contextlib
import socket

from farshot.service.acceptor import Acceptor
from farshot.service.connections import Bounds, Connections


def connected(port, address):
    sock = socket.socket()
    sock.bind((address, 0))
    sock.connect(("127.0.0.1", port))
    return sock


def begun(clients, bounds):
    """Return the addresses of so many clients in the order in which a service began with them."""
    order, ended = [], []

    class Protocol(asyncio.Protocol):
        def connection_made(self, transport):
            order.append(transport.get_extra_info("peername")[0])
            transport.close()

        def connection_lost(self, error):
            ended.append(error)

    async def serve(sock):
        acceptor = Acceptor(sock, Connections(bounds), lambda _seat: Protocol(), {})
        async with asyncio.timeout(30):
            while len(ended) < len(clients):  # noqa: ASYNC110 -- of the system's
                await asyncio.sleep(0)
        acceptor.close()

    with socket.create_server(("127.0.0.1", 0), backlog=512) as sock, contextlib.ExitStack() as stack:
        for address in clients:
            stack.enter_context(contextlib.closing(connected(sock.getsockname()[1], address)))
        asyncio.run(serve(sock))
    return order


def test_each_address_has_its_turn():
    order = begun(["127.0.0.1"] * 200 + ["127.0.0.2"] * 3, Bounds(total=1000, each=500))
    assert max(place for place, address in enumerate(order) if address == "127.0.0.2") < 8


def test_more_than_may_wait_are_accepted_as_there_is_room():
    assert len(begun(["127.0.0.1"] * 200, Bounds(total=1000, each=500, waiting=16))) == 200
