"""Requests that would fill the service: bodies, heads and trailers above their caps, floods."""

import pytest

from transport import QUICK, SMALL, Service, get, post, rest, status


@pytest.fixture(scope="module")
def quick():
    with Service(deadlines=QUICK, sizes=SMALL) as service:
        yield service


@pytest.mark.parametrize("length", [1_000_001, 10**15])
def test_a_declared_body_above_the_cap_is_refused_before_it_is_sent(quick, length):
    assert status(quick.ask(post("/read", f"Content-Length: {length}"))) == 413


def test_a_client_that_sends_too_much_can_still_read_why(quick):
    assert status(quick.ask(post("/read", "Content-Length: 1500000"), bytes(1_500_000))) == 413


def test_a_chunked_body_is_counted(quick):
    chunk = b"10000\r\n" + bytes(65536) + b"\r\n"
    assert status(quick.ask(post("/read", "Transfer-Encoding: chunked"), chunk * 20)) == 413


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"a" * 200_000,
        b"GET / HTTP/1.1\r\nX-Long: " + b"a" * 200_000,
        b"GET / HTTP/1.1\r\n" + b"X-Many: 1\r\n" * 51 + b"\r\n",
    ],
    ids=["line", "header", "number"],
)
def test_a_head_above_the_cap_is_refused(quick, head):
    assert status(quick.ask(head)) == 431


def test_a_trailer_above_the_cap_is_refused(quick):
    body = b"1\r\nx\r\n0\r\nX-Trailer: " + b"a" * 200_000
    assert status(quick.ask(post("/read", "Transfer-Encoding: chunked"), body)) == 431


def test_a_trailer_does_not_become_a_header(quick):
    body = b"1\r\nx\r\n0\r\nAuthorization: Bearer other\r\n\r\n"
    answer = quick.ask(post("/headers", "Transfer-Encoding: chunked"), body)
    assert answer.endswith(b"host,connection,transfer-encoding")


def test_what_is_no_http_is_refused(quick):
    assert status(quick.ask(b"\x16\x03\x01\x02\x00")) == 400


def test_a_flood_of_pipelined_requests_is_cut(quick):
    with quick.connect() as sock:
        sock.sendall(b"GET /pause?seconds=1 HTTP/1.1\r\nHost: here\r\n\r\n" * 20)
        assert b"rested" not in rest(sock)


def test_a_few_pipelined_requests_are_answered(quick):
    few = b"GET /pause?seconds=0 HTTP/1.1\r\nHost: here\r\n\r\n" * 2
    assert quick.ask(few, get("/health")).count(b"HTTP/1.1 200") == 3


def test_no_answer_names_the_server(quick):
    head = quick.ask(get("/health")).lower()
    assert b"\r\nserver:" not in head
    assert b"\r\ndate:" in head
