"""Clients that hold connections open: slow heads, slow bodies, silence, and responses that nobody reads."""

import asyncio
import contextlib
import json
import signal

import pytest

from transport import PATIENCE, QUICK, SMALL, Service, get, post, rest, status

SHORT = {"header": 2.0, "body_rate": 1024, "body_window": 2.0, "idle": 2.0, "write": 2.0, "linger": 0.5}


@pytest.fixture(scope="module")
def quick():
    with Service(deadlines=QUICK, sizes=SMALL) as service:
        yield service


async def trickle(port, start, drop):
    """Send `start`, then `drop` over and over, until the service ends the connection; return what it said."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(start)
    answer = asyncio.ensure_future(reader.read())
    while not answer.done():
        writer.write(drop)
        await asyncio.wait([answer], timeout=1)
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    return await answer


async def ask_until(port, done):
    """Ask again and again on one connection; return the statuses."""
    statuses = []
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while not done.is_set():
        writer.write(b"GET /health HTTP/1.1\r\nHost: here\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert await reader.readexactly(2) == b"ok"
        statuses.append(status(head))
        await asyncio.sleep(0.05)
    writer.close()
    await writer.wait_closed()
    return statuses


async def attack(port):
    done = asyncio.Event()
    healthy = asyncio.create_task(ask_until(port, done))
    heads = [trickle(port, b"GET /health HTTP/1.1\r\nX-Slow: ", b"a") for _ in range(100)]
    bodies = [trickle(port, post("/read", "Content-Length: 9000"), b"b") for _ in range(100)]
    silent = [trickle(port, b"", b"") for _ in range(50)]
    idle = [trickle(port, b"GET /health HTTP/1.1\r\nHost: here\r\n\r\n", b"") for _ in range(50)]
    async with asyncio.timeout(PATIENCE):
        cut = await asyncio.gather(*heads, *bodies, *silent, *idle)
    done.set()
    return cut, await healthy


def test_three_hundred_slow_connections_are_cut_while_a_healthy_client_is_served():
    with Service(deadlines=SHORT) as service:
        cut, statuses = asyncio.run(attack(service.port))
        assert {status(answer) for answer in cut[:200]} == {408}
        assert set(cut[200:250]) == {b""}
        assert {(status(answer), answer[-2:]) for answer in cut[250:]} == {(200, b"ok")}
        assert len(statuses) > 1
        assert set(statuses) == {200}


def test_a_refusal_is_a_problem_and_closes(quick):
    head, body = quick.ask(b"GET /health HT").split(b"\r\n\r\n")
    assert b"connection: close" in head
    assert b"content-type: application/problem+json" in head
    assert json.loads(body)["status"] == 408


def test_blank_lines_do_not_keep_a_connection(quick):
    assert asyncio.run(trickle(quick.port, b"", b"\r\n")).startswith(b"HTTP/1.1 408")


def test_a_second_request_has_its_own_deadline(quick):
    first = b"GET /health HTTP/1.1\r\nHost: here\r\n\r\n"
    answer = asyncio.run(trickle(quick.port, first, b"G"))
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"ok" + b"HTTP/1.1 4" in answer


def test_a_body_that_trickles_in_chunks_is_cut(quick):
    answer = asyncio.run(trickle(quick.port, post("/read", "Transfer-Encoding: chunked"), b"1\r\nx\r\n"))
    assert status(answer) == 408


def test_a_client_that_is_cut_is_no_error_in_the_log(capfd):
    with Service(deadlines=QUICK) as service:
        asyncio.run(trickle(service.port, post("/read", "Content-Length: 9000"), b"x"))
        service.tell(signal.SIGTERM)
        assert service.status() == 0
    assert not capfd.readouterr().err


def test_a_body_after_an_early_answer_is_cut_too(quick):
    answer = asyncio.run(trickle(quick.port, b"POST /ignore HTTP/1.1\r\nContent-Length: 9000\r\n\r\n", b"x"))
    assert status(answer) == 401
    assert answer.count(b"HTTP/1.1") == 1


def test_a_steady_body_may_take_many_windows(quick):
    async def send():
        reader, writer = await asyncio.open_connection("127.0.0.1", quick.port)
        writer.write(post("/read", "Content-Length: 40960"))
        for _ in range(20):
            writer.write(bytes(2048))
            await asyncio.sleep(0.1)
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer

    assert asyncio.run(send()).endswith(b"\r\n\r\n40960")


def test_a_client_is_not_blamed_for_an_application_that_does_not_read(quick):
    body = bytes(900_000)
    assert quick.ask(post("/read?after=1.5", f"Content-Length: {len(body)}"), body).endswith(b"\r\n\r\n900000")


def test_a_client_may_wait_to_be_asked_for_its_body(quick):
    with quick.connect() as sock:
        sock.sendall(post("/read?after=1.5", "Content-Length: 4", "Expect: 100-continue"))
        assert sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"body")
        assert rest(sock).endswith(b"\r\n\r\n4")


def test_a_handler_may_take_longer_than_every_deadline(quick):
    assert quick.ask(get("/pause?seconds=2")).endswith(b"rested")


def test_a_client_that_does_not_read_is_cut(quick):
    with quick.connect() as sock:
        sock.sendall(get("/large?bytes=60000000"))
        quick.ask(get("/pause?seconds=2"))
        assert len(rest(sock)) < 60_000_000


def test_a_client_that_reads_steadily_gets_all(quick):
    with quick.connect() as sock:
        sock.sendall(get("/large?bytes=20000000"))
        total = 0
        while data := sock.recv(65536):
            total += len(data)
        assert total > 20_000_000
