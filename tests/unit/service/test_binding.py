"""Where the service may listen."""

import socket
import subprocess

import pytest

from farshot.errors import FarshotError, OptionError
from farshot.service.address import ListenAddress, check_address, listen, tls_context, url_of

LOOPBACK = ["127.0.0.1", "127.8.9.10", "localhost", "::1"]
OPEN = ["0.0.0.0", "::", "192.0.2.7", "2001:db8::7"]  # noqa: S104 -- to be refused


@pytest.mark.parametrize("host", LOOPBACK)
def test_loopback_needs_no_tls(host):
    check_address(host, tls=False, insecure=False)


@pytest.mark.parametrize("host", OPEN)
def test_another_address_without_tls_is_refused_and_the_ways_out_are_named(host):
    with pytest.raises(OptionError, match=r"--tls-cert and --tls-key, or --insecure"):
        check_address(host, tls=False, insecure=False)


@pytest.mark.parametrize("host", OPEN)
@pytest.mark.parametrize("way", [{"tls": True, "insecure": False}, {"tls": False, "insecure": True}])
def test_another_address_is_served_with_tls_or_on_demand(host, way):
    check_address(host, **way)


@pytest.mark.parametrize("host", ["", "no such host", "a" * 70 + ".invalid"])
def test_a_host_without_an_address_is_refused(host):
    with pytest.raises(OptionError):
        check_address(host, tls=False, insecure=False)


def test_listening_checks_the_address_again():
    with pytest.raises(OptionError, match="--insecure"):
        listen(ListenAddress(OPEN[0], 0))


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_out_of_range_is_refused(port):
    with pytest.raises(OptionError, match="0 to 65535"):
        listen(ListenAddress(port=port))


def test_a_port_in_use_is_said_so():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(FarshotError, match=f"port {port} of 127.0.0.1 is in use"):
            listen(ListenAddress(port=port))


@pytest.mark.parametrize(("host", "start"), [("localhost", "http://127.0.0.1:"), ("::1", "http://[::1]:")])
def test_the_url_names_the_real_port(host, start):
    with listen(ListenAddress(host, 0)) as sock:
        assert url_of(sock, tls=False) == f"{start}{sock.getsockname()[1]}"
        assert url_of(sock, tls=True).startswith("https://")


def test_a_key_without_a_certificate_is_refused(tmp_path):
    with pytest.raises(OptionError, match="needs its certificate"):
        tls_context(ListenAddress(key=tmp_path / "key.pem"))


def test_a_certificate_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(OptionError, match="cannot be read"):
        tls_context(ListenAddress(certificate=tmp_path / "none.pem"))


def test_a_key_with_a_password_is_refused_instead_of_asking_the_terminal(tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-passout", "pass:secret", "-subj", "/CN=localhost"]
    subprocess.run([*request, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    with pytest.raises(OptionError, match="has a password"):
        tls_context(ListenAddress(certificate=certificate, key=key))


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A certificate and its key, in files."""
    return made_pair(tmp_path_factory.mktemp("pair"))


def made_pair(folder):
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    subprocess.run([*request, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return certificate, key


def test_a_key_file_that_cannot_be_used_is_named_with_the_reason(pair, tmp_path):
    certificate, key = pair
    assert tls_context(ListenAddress(certificate=certificate, key=key))
    locked = tmp_path / "locked.pem"
    lock = ["openssl", "rsa", "-aes128", "-passout", "pass:x", "-in", key, "-out", locked]
    subprocess.run(lock, check=True, capture_output=True)
    empty, damaged = tmp_path / "empty.pem", tmp_path / "damaged.pem"
    empty.touch()
    damaged.write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    for file, reason in (
        (tmp_path / "none.pem", "none.pem of the TLS key cannot be read: No such file"),
        (tmp_path, "cannot be read: Is a directory"),
        (empty, "empty.pem holds no TLS key in PEM form"),
        (certificate, "certificate.pem holds no TLS key in PEM form"),
        (locked, "has a password"),
        (damaged, "its key cannot be used"),
        (made_pair(tmp_path)[1], "the key is that of another certificate"),
    ):
        with pytest.raises(OptionError, match=reason):
            tls_context(ListenAddress(certificate=certificate, key=file))
