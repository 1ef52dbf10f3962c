"""A service whose PostgreSQL goes silent: its machine answers, its processes do not."""

import json
import os
import signal
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

import farshot
from farshot.store import open_engine
from farshot.store.postgres_connection import PatientConnection
from farshot.store.transactions import Transactions
from processes import children_of, until
from samples import BELL
from serving import StoreServer


@pytest.fixture
def server(tmp_path, url):
    server = StoreServer(tmp_path, url, "--workers", "1", "--grace", "1s")
    server.start()
    yield server
    if server.process.poll() is None:
        server.kill()


@contextmanager
def frozen(url):
    """Stop every process of the server of a database meanwhile."""
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:  # its process is there as long as the connection is
        backend = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        status = Path(f"/proc/{backend}/status").read_text()
    engine.dispose()
    parent = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("PPid"))
    stopped = [parent, *children_of(parent)]
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in reversed(stopped):
            os.kill(pid, signal.SIGCONT)


def trouble(server):
    try:
        with urllib.request.urlopen(f"{server.url}/readyz", timeout=60):  # noqa: S310 -- our own service
            return None
    except urllib.error.HTTPError as error:
        return json.loads(error.read())["detail"]


def test_a_silent_server_is_said_so_and_work_goes_on_once_it_speaks(server, url):
    token = server.token()
    with frozen(url):
        until(lambda: "store" in (trouble(server) or ""))
        until(lambda: " trouble " in log_of(server))
    until(lambda: trouble(server) is None)
    with farshot.RemoteBackend(server.url, token) as backend:
        assert backend.job(backend.submit_circuits({"bell": BELL}).job_id).wait(60) == "COMPLETED"


def test_a_service_whose_server_is_silent_ends_when_it_is_told_to(server, url):
    with frozen(url):
        until(lambda: "store" in (trouble(server) or ""))
        server.process.terminate()
        server.process.wait(30)
    server.process.stdout.close()


def test_a_server_that_says_nothing_is_given_up(url, monkeypatch):
    monkeypatch.setattr(PatientConnection, "max_silence_seconds", 0.5)
    engine = open_engine(url)
    with pytest.raises(farshot.StoreError, match="said nothing"), Transactions(engine).read() as connection:
        connection.execute(text("SELECT pg_sleep(30)"))
    with Transactions(engine).read() as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1
    engine.dispose()


def log_of(server):
    return (server.folder / "serve.log").read_text()
