"""A service whose PostgreSQL has a disk that fills: new work is refused, reads and deleting go on, and so does work."""

import os
import shutil
import signal
import subprocess
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

import commands
import farshot
from commands import KEPT
from farshot.errors import StoreFullError
from processes import until
from rights import leave_out
from samples import BELL
from serving import StoreServer

LARGE = {f"c{number}": f"{BELL}// {os.urandom(2000).hex()}" for number in range(200)}
WIDE = {
    f"wide{number}": 'OPENQASM 2.0; include "qelib1.inc"; qreg q[14]; creg c[14]; h q; measure q -> c;'
    for number in range(20)
}


@pytest.fixture
def disk():
    """A file system of 32 MB of the server's own, which only root can mount."""
    folder = Path(tempfile.mkdtemp(prefix="farshot-full-"))
    mounted = subprocess.run(
        ["/bin/mount", "-t", "tmpfs", "-o", "size=32m", "farshot", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        leave_out("no right to mount a file system")
    shutil.chown(folder, "postgres")
    yield folder
    subprocess.run(["/bin/umount", folder], check=True)
    folder.rmdir()


@pytest.fixture
def administration(postgres):
    """A connection beside the stores."""
    engine = create_engine(make_url(postgres).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.fixture
def small(disk, postgres, administration):
    """A database on that disk; what is copied into it is written by the checkpoint."""
    for statement in (
        f"CREATE TABLESPACE small LOCATION '{disk}'",
        "CREATE DATABASE small TABLESPACE small",
        "CHECKPOINT",
    ):
        administration.execute(text(statement))
    yield make_url(postgres).set(database="small").render_as_string()
    for statement in ("DROP DATABASE small WITH (FORCE)", "DROP TABLESPACE small"):
        administration.execute(text(statement))


@pytest.fixture
def server(tmp_path, small):
    server = StoreServer(tmp_path, small, "--workers", "1", "--grace", "1s")
    server.start()
    yield server
    server.kill()


def trouble(server):
    try:
        with urllib.request.urlopen(f"{server.url}/readyz", timeout=60):  # noqa: S310 -- our own service
            return ""
    except urllib.error.HTTPError as error:
        return error.read().decode()


def vacuum(small):
    """Do what the server does by itself once a minute."""
    engine = create_engine(make_url(small).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("VACUUM"))
    engine.dispose()


def prune(small, *options):
    asked = ("--store", small, "--older-than", "0s", "--yes", *options)
    done = commands.run("jobs", "prune", *asked, environment=KEPT)
    assert done.returncode == 0, done.stderr
    return done.stdout


def fill_up(backend):
    """Submit until that is refused, on a service that begins no work; return how many were accepted."""
    for accepted in range(1000):
        try:
            backend.submit_circuits(LARGE)
        except StoreFullError as error:
            assert "nothing was stored" in str(error)  # noqa: PT017 -- the others are accepted
            return accepted
    raise AssertionError


def drain(server):
    server.process.send_signal(signal.SIGUSR1)
    until(lambda: "drain" in trouble(server))


def test_new_work_is_refused_and_all_goes_on_once_there_is_room(server, disk):
    with farshot.RemoteBackend(server.url, server.token("ann")) as backend:
        done = backend.job(backend.submit_circuits({"bell": BELL}).job_id)
        assert done.wait(60) == "COMPLETED"
        drain(server)
        waiting = backend.job(backend.submit_circuits(WIDE, shots=10**6).job_id)
        (disk / "ballast").write_bytes(bytes(8 * 2**20))
        accepted = fill_up(backend)
        assert len(backend.jobs()) == 2 + accepted
        assert done.result().counts("bell")

        server.process.send_signal(signal.SIGUSR1)
        until(lambda: "store:" in trouble(server))
        (disk / "ballast").unlink()
        assert waiting.wait(60) == "COMPLETED"
        until(lambda: not trouble(server))
        assert backend.job(backend.submit_circuits({"bell": BELL})).wait(60) == "COMPLETED"


def test_deleting_works_where_no_byte_is_left_and_makes_room(server, small):
    with farshot.RemoteBackend(server.url, server.token("ann")) as backend:
        assert {backend.job(backend.submit_circuits(LARGE)).wait(60) for _ in range(3)} == {"COMPLETED"}
        drain(server)
        vacuum(small)
        assert prune(small, "--dry-run") == "3 jobs would be deleted\n"
        accepted = fill_up(backend)
        assert prune(small) == "3 jobs deleted\n"
        vacuum(small)
        backend.submit_circuits(LARGE)
        assert len(backend.jobs()) == accepted + 1
