"""Whoever waits for a long circuit reads what runs it, by which method, and about how long: before it is done."""

import os
import pty
import subprocess
import sys
from contextlib import contextmanager

import pytest

import farshot
from commandline import KEPT, Farshot, heavy, wait_until
from serving import running_server

LONG = heavy(24, 800)
MINUTES = {"prism": 10, "aer": 40}
"""How long that takes at least, by what is said of it."""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("service"), "--workers", "1") as server:
        yield server


@pytest.fixture
def here(tmp_path):
    """The store of this machine, on which whoever watches works."""
    return Farshot(tmp_path)


@pytest.fixture
def there(server, tmp_path):
    """A user of a service."""
    command = Farshot(tmp_path)
    command.environment |= {"FARSHOT_URL": server.url, "FARSHOT_TOKEN": server.token()}
    return command


@contextmanager
def watching(command, job_id):
    """Watch a job at a terminal meanwhile; yield what waits until a text is drawn there."""
    mine, theirs = pty.openpty()
    arguments = [sys.executable, "-m", "farshot", "watch", job_id]
    environment = {**KEPT, **command.environment, "TERM": "xterm", "COLUMNS": "160"}
    process = subprocess.Popen(arguments, cwd=command.folder, env=environment, stderr=theirs, stdout=subprocess.DEVNULL)
    os.close(theirs)
    drawn = bytearray()

    def draw(wanted):
        while wanted not in drawn:
            drawn.extend(os.read(mine, 4096))

    try:
        yield draw
    finally:
        process.kill()
        process.wait()
        os.close(mine)


@pytest.mark.parametrize(("place", "target", "simulator"), [("here", "aer", "aer"), ("there", "auto", "prism")])
def test_a_long_circuit_says_how_it_is_run(request, place, target, simulator):
    command = request.getfixturevalue(place)
    command.write(long=LONG)
    job_id = command.json("submit", "long.qasm", "--target", target)["job_id"]
    with watching(command, job_id) as draw:
        draw(f"{simulator} statevector, about".encode())
        shown = command.json("status", job_id)
        out, _ = command("status", job_id, COLUMNS="160")
    (running,) = shown["running"]
    assert (shown["status"], shown["done"]) == ("RUNNING", 0)
    assert (running["simulator"], running["method"]) == (simulator, "statevector")
    assert running["seconds"] > 60 * MINUTES[simulator]
    assert 0 < shown["remaining"]["low"] < shown["remaining"]["seconds"] < running["seconds"]
    assert f"{simulator} statevector, about" in out
    command("cancel", job_id)


@pytest.fixture
def backends(server, tmp_path):
    """One on this machine and one of a service."""
    with (
        farshot.LocalBackend(data_dir=tmp_path, workers=1) as local,
        farshot.RemoteBackend(server.url, server.token()) as remote,
    ):
        yield local, remote


@pytest.mark.parametrize(("target", "simulator"), [("auto", "prism"), ("aer", "aer")])
def test_a_program_reads_how_its_job_is_run(backends, target, simulator):
    local, remote = backends
    for backend in (local, remote):
        job = backend.run(LONG, target=target)
        wait_until(lambda job=job: job.outlook.running)
        (running,) = job.outlook.running
        assert (running.simulator, running.method) == (simulator, "statevector")
        assert job.outlook.seconds < running.seconds
        if backend is remote:
            (document,) = remote.document(job).running
            assert (document.simulator, document.method) == (simulator, "statevector")
        job.cancel()
        assert job.outlook.running == ()
