"""A service that is told to stop, and one that cannot start."""

import signal
import socket

import pytest

from farshot.errors import FarshotError
from farshot.service.address import ListenAddress
from farshot.service.server import Settings, serve
from transport import PATIENCE, Service, get, rest


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_long_polls_with_an_answer_and_the_service_with_status_0(number):
    with Service(grace=PATIENCE) as service, service.connect() as sock, service.connect():
        sock.sendall(get("/wait"))
        assert service.line() == "waiting"
        service.tell(number)
        assert rest(sock).endswith(b"stopping")
        assert [service.line(), service.line()] == ["on_stop", "returned"]
        assert service.status() == 0


def test_a_request_that_does_not_end_has_only_the_grace():
    with Service(grace=0.3) as service, service.connect() as sock:
        sock.sendall(get("/stuck"))
        assert service.line() == "waiting"
        service.tell(signal.SIGTERM)
        assert rest(sock) == b""
        assert [service.line(), service.line()] == ["on_stop", "returned"]
        assert service.status() == 0


def test_a_second_signal_ends_at_once():
    with Service(grace=3600) as service, service.connect() as sock:
        sock.sendall(get("/stuck"))
        assert service.line() == "waiting"
        service.tell(signal.SIGTERM)
        assert service.line() == "on_stop"
        service.tell(signal.SIGTERM)
        assert service.status() == 128 + signal.SIGTERM


def test_a_port_in_use_ends_the_start_before_the_application_starts():
    async def never(_scope, _receive, _send):
        raise AssertionError

    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(FarshotError, match="in use"):
        serve(never, ListenAddress(port=taken.getsockname()[1]))


def test_an_application_that_does_not_start_is_said_so():
    async def broken(_scope, _receive, send):
        await send({"type": "lifespan.startup.failed", "message": "no store"})

    with pytest.raises(FarshotError, match="did not start"):
        serve(broken, ListenAddress(port=0), Settings())
