"""More connections than a service can have: idle ones make room, those at work do not, and nothing runs out."""

import contextlib
import json
import socket

import httpx2
import pytest

from samples import BELL
from serving import Server
from transport import Service, get, rest, status

FEW = {"total": 8, "each": 6, "spare": 2}
REQUEST = b"GET /health HTTP/1.1\r\nHost: here\r\n\r\n"
DESCRIPTORS = 256


@pytest.fixture
def small():
    with Service(bounds=FEW) as service:
        yield service


def answered(sock):
    """Ask on a connection that is kept."""
    sock.sendall(REQUEST)
    answer = sock.recv(65536)
    while not answer.endswith(b"ok"):
        answer += sock.recv(65536)
    return status(answer)


def is_ended(sock):
    with contextlib.suppress(ConnectionResetError):
        return sock.recv(1) == b""
    return True


def busy(service, stack):
    """Return a connection whose request is being answered."""
    sock = stack.enter_context(service.connect())
    sock.sendall(get("/wait"))
    assert service.line() == "waiting"
    return sock


def test_the_connection_that_never_asked_makes_room_first(small):
    with contextlib.ExitStack() as stack:
        used = stack.enter_context(small.connect())
        assert answered(used) == 200
        silent = [stack.enter_context(small.connect()) for _ in range(40)]
        assert all(map(is_ended, silent[:-5]))
        assert answered(used) == 200
        assert small.ask(get("/health")).endswith(b"ok")


def test_whoever_is_being_answered_stays_and_the_surplus_is_refused(small):
    with contextlib.ExitStack() as stack:
        for _ in range(FEW["each"]):
            busy(small, stack)
        refused = small.ask(get("/health"))
        head, body = refused.split(b"\r\n\r\n")
        assert status(head) == 503
        assert b"retry-after: 1" in head
        assert json.loads(body)["type"] == "/problems/busy"
        assert json.loads(body)["retry_after"] == 1
        assert rest(stack.enter_context(small.connect())).startswith(b"HTTP/1.1 503")
    while not (answer := small.ask(get("/health"))).endswith(b"ok"):
        assert not answer or status(answer) == 503  # until the service has seen that the others left


def test_places_are_given_back(small):
    for _ in range(5 * FEW["total"]):
        assert small.ask(get("/health")).endswith(b"ok")
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(small.connect()) for _ in range(FEW["each"])]
        assert [answered(sock) for sock in held] == [200] * FEW["each"]


def asked(client, method, path, **given):
    """Ask until there is an answer: some of an address of so many connections are refused, or closed without a word."""
    while True:
        with contextlib.suppress(httpx2.TransportError):
            response = client.request(method, path, **given)
            if response.status_code != 503:
                return response


def test_descriptors_are_left_for_the_service_however_many_connect(tmp_path):
    """Idle connections without a token, four times as many as the process has descriptors."""
    server = Server(tmp_path, "--workers", "1")
    server.start(before=["prlimit", f"--nofile={DESCRIPTORS}"])
    token = server.token()
    try:
        with contextlib.ExitStack() as stack:
            for _ in range(4 * DESCRIPTORS):
                stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=60))
            headers = {"Authorization": f"Bearer {token}"}
            client = stack.enter_context(httpx2.Client(base_url=server.url, headers=headers, timeout=60))
            key = {"Idempotency-Key": "one"}
            job = asked(client, "POST", "/v1/jobs", json={"circuits": {"bell": BELL}}, headers=key).json()
            while job["finished_at"] is None:
                query = {"after": job["cursor"], "wait": 10}
                job = asked(client, "GET", f"/v1/jobs/{job['job_id']}", params=query).json()
            assert job["status"] == "COMPLETED"
            assert asked(client, "GET", "/readyz").status_code == 200
        assert "Too many open files" not in (tmp_path / "serve.log").read_text()
    finally:
        server.stop()
