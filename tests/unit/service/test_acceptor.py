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


def test_a_crowd_keeps_nobody_else_from_being_begun_with():
    order, transports = [], []

    class Protocol(asyncio.Protocol):
        def connection_made(self, transport):
            order.append(transport.get_extra_info("peername")[0])
            transports.append(transport)

    async def serve(sock, come):
        bounds = Bounds(total=1000, each=500, waiting=80, crowd=4, arrivals=1)
        acceptor = Acceptor(sock, Connections(bounds), lambda _seat: Protocol(), {})
        come("127.0.0.1", 4)
        async with asyncio.timeout(30):
            while len(order) < 4:  # noqa: ASYNC110 -- of the system's
                await asyncio.sleep(0)
            crowd = come("127.0.0.1", 60)
            come("127.0.0.2", 3)
            while order.count("127.0.0.2") < 3 or sum(map(has_ended, crowd)) < 40:  # noqa: ASYNC110 -- as above
                await asyncio.sleep(0)
        acceptor.close()
        for transport in transports:
            transport.abort()
        await asyncio.sleep(0)

    with socket.create_server(("127.0.0.1", 0), backlog=512) as sock, contextlib.ExitStack() as stack:

        def come(address, count):
            new = (connected(sock.getsockname()[1], address) for _ in range(count))
            return [stack.enter_context(contextlib.closing(each)) for each in new]

        asyncio.run(serve(sock, come))
    assert order.count("127.0.0.1") < 20


def has_ended(sock):
    """Whether the other side closed a connection."""
    try:
        return not sock.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True
