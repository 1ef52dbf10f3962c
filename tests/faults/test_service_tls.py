"""The same deadlines under TLS."""

import contextlib
import ssl
import subprocess

import pytest

from transport import QUICK, Service, get, rest, status


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2"]
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([*request, *names, "-keyout", path, "-out", path], check=True, capture_output=True)
    return path


@pytest.fixture(scope="module")
def secure(certificate):
    with Service(deadlines=QUICK, certificate=str(certificate)) as service:
        yield service


@contextlib.contextmanager
def privately(service, certificate):
    context = ssl.create_default_context(cafile=certificate)
    with service.connect() as plain, context.wrap_socket(plain, server_hostname="localhost") as sock:
        yield sock


@pytest.fixture
def private(secure, certificate):
    with privately(secure, certificate) as sock:
        yield sock


def test_tls_answers_under_https(secure, private):
    assert secure.url.startswith("https://127.0.0.1:")
    private.sendall(get("/health"))
    assert rest(private).endswith(b"ok")


def test_a_slow_head_is_cut_under_tls(private):
    private.sendall(b"GET /health HT")
    assert status(rest(private)) == 408


def test_a_handshake_that_never_comes_is_cut(secure):
    with secure.connect() as sock:
        assert rest(sock) == b""


def test_a_large_response_passes_tls(private):
    private.sendall(get("/large?bytes=5000000"))
    assert len(rest(private)) > 5_000_000


def answered(secure, certificate, request):
    """Return the answer on a connection of its own; a request that a busy machine sent too late is sent anew."""
    while True:
        with contextlib.suppress(ssl.SSLError, ConnectionError), privately(secure, certificate) as other:
            other.sendall(request)
            if (found := rest(other)).startswith(b"HTTP/1.1 200 "):
                return found


def test_a_client_that_does_not_read_is_cut_under_tls(secure, certificate, private):
    private.sendall(get("/large?bytes=60000000"))
    assert answered(secure, certificate, get("/pause?seconds=2")).endswith(b"rested")
    assert len(rest(private)) < 60_000_000
