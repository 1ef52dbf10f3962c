"""TLS from the command line: a service with a certificate of its own, and clients that trust it or do not."""

import ssl
import subprocess
import urllib.request

import pytest

import farshot
from commandline import Farshot
from samples import BELL
from serving import running_server

TRUST = "SSL_CERT_FILE"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A certificate that vouches for itself, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2"]
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([*request, *names, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return certificate, key


@pytest.fixture(scope="module")
def secure(tmp_path_factory, files):
    """A service on all addresses, which only TLS permits."""
    certificate, key = map(str, files)
    folder = tmp_path_factory.mktemp("service")
    everywhere = ("--host", "0.0.0.0")  # noqa: S104 -- what TLS permits
    with running_server(folder, *everywhere, "--workers", "1", "--tls-cert", certificate, "--tls-key", key) as server:
        assert server.url == f"https://0.0.0.0:{server.port}"
        server.url = f"https://127.0.0.1:{server.port}"
        yield server


@pytest.fixture(scope="module")
def token(secure):
    return secure.token()


@pytest.fixture
def trusting(tmp_path, files, secure, token):
    """The command line of somebody who trusts the certificate."""
    client = Farshot(tmp_path)
    client.environment |= {TRUST: str(files[0]), "FARSHOT_URL": secure.url, "FARSHOT_TOKEN": token}
    return client


def test_the_service_speaks_tls_and_nothing_else(secure, files):
    context = ssl.create_default_context(cafile=files[0])
    with urllib.request.urlopen(f"{secure.url}/healthz", context=context) as response:  # noqa: S310 -- our own service
        assert response.read() == b"ok\n"
    with pytest.raises(OSError, match=r"closed|reset"):
        urllib.request.urlopen(f"http://127.0.0.1:{secure.port}/healthz")


def test_a_backend_works_where_the_certificate_is_trusted(secure, files, token, monkeypatch):
    monkeypatch.setenv(TRUST, str(files[0]))
    with farshot.RemoteBackend(secure.url, token=token) as backend:
        handle = backend.submit_circuits({f"bell{number}": BELL for number in range(3)})
        assert backend.poll_job_status(handle, loop_until_complete=True, verbose=False) is farshot.JobStatus.COMPLETED
        assert len(list(backend.job(handle.job_id).stream())) == 3


def test_commands_work_where_the_certificate_is_trusted(trusting, secure, token):
    trusting.write(bell=BELL)
    there = ("--url", secure.url, "--token", token)
    job_id = trusting.json("submit", "bell.qasm", *there)["job_id"]
    trusting("watch", job_id)
    (entry,) = trusting.json("results", job_id)["results"]
    assert set(entry["results"]) == {"00", "11"}
    trusting("login", secure.url, text=token)
    assert "knows you as ann" in " ".join(trusting("doctor", FARSHOT_URL="", FARSHOT_TOKEN="")[0].split())


def test_a_certificate_that_is_not_trusted_is_said_so_at_once(secure, token, tmp_path):
    client = Farshot(tmp_path)
    client.write(bell=BELL)
    _, err = client("submit", "bell.qasm", "--url", secure.url, "--token", token, status=1, **{TRUST: ""})
    assert err.count("\n") == 1
    assert (
        f"the service at {secure.url} cannot be trusted: its certificate was refused (self-signed certificate)" in err
    )
    assert TRUST in err
    with (
        farshot.RemoteBackend(secure.url, token=token, retry_seconds=60) as backend,
        pytest.raises(farshot.ServiceError, match=TRUST),
    ):
        backend.jobs()


def test_a_name_that_the_certificate_does_not_have_is_refused(trusting, secure, token):
    url = f"https://127.0.0.2:{secure.port}"
    _, err = trusting("jobs", "--url", url, "--token", token, status=1)
    assert "not valid for '127.0.0.2'" in err


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_a_file_of_trust_that_cannot_be_used_is_said_so(trusting, content):
    file = trusting.folder / "trust.pem"
    if content is not None:
        file.write_bytes(content)
    _, err = trusting("jobs", status=2, **{TRUST: str(file)})
    assert err.startswith(f"error: the certificates that {TRUST}")
    assert err.count("\n") == 1
