"""A service that cannot work for a while: it says why, loses nothing, goes on by itself, and can be stopped."""

import json
import os
import shutil
import signal
import sqlite3
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest

import farshot
from farshot.testing.backends import slow_circuits
from processes import until, workers_of
from samples import BELL
from serving import Server

PACKAGE = Path(farshot.__file__).parent


@pytest.fixture
def shadow(tmp_path):
    """A folder whose packages come before those that are installed."""
    folder = tmp_path / "shadow"
    folder.mkdir()
    return folder


@pytest.fixture
def server(tmp_path, shadow):
    folder = tmp_path / "service"
    folder.mkdir()
    server = Server(folder, "--workers", "1", "--grace", "1s")
    server.environment["PYTHONPATH"] = str(shadow)
    server.start()
    yield server
    if server.process.poll() is None:
        server.kill()


def ask(server, path, token=None, method="GET"):
    """Return the status and the text of an answer."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(server.url + path, headers=headers, method=method)  # noqa: S310 -- our own service
    try:
        with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310 -- our own service
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def says(server, text):
    status, answer = ask(server, "/readyz")
    return status == 503 and text in json.loads(answer)["detail"]


def is_ready(server):
    return ask(server, "/readyz") == (200, "ready\n")


def log_of(server):
    return (server.folder / "serve.log").read_text()


def kill_workers(server):
    for pid in workers_of(server.process.pid):
        os.kill(pid, signal.SIGKILL)


def break_simulator(shadow):
    (shadow / "prism_q.py").write_text("raise ModuleNotFoundError('an upgrade is under way')\n")


def upgrade(shadow):
    shutil.copytree(PACKAGE, shadow / "farshot", ignore=shutil.ignore_patterns("__pycache__"))
    (shadow / "farshot" / "version.py").write_text('__version__ = "99.0"\n')


def mend(shadow):
    for found in shadow.iterdir():
        shutil.rmtree(found) if found.is_dir() else found.unlink()


@pytest.mark.parametrize(
    ("harm", "part", "text"),
    [(break_simulator, "workers", "an upgrade is under way"), (upgrade, "package", "99.0")],
)
def test_workers_that_cannot_be_started_are_said_so_and_start_again_by_themselves(server, shadow, harm, part, text):
    """Also where the package was upgraded: no circuit is blamed, the jobs wait."""
    token = server.token()
    with farshot.RemoteBackend(server.url, token) as backend:
        harm(shadow)
        kill_workers(server)
        jobs = [backend.job(backend.submit_circuits({"bell": BELL}).job_id) for _ in range(3)]
        kill_workers(server)
        until(lambda: says(server, part))
        assert says(server, text)
        waiting = backend.job(backend.submit_circuits({"bell": BELL}).job_id)
        assert waiting.status == "PENDING"
        mend(shadow)
        assert {job.wait(60) for job in [*jobs, waiting]} == {"COMPLETED"}
    until(lambda: is_ready(server))
    assert log_of(server).count("worker-start-failed") == 1
    assert log_of(server).count("worker-start-works") == 1
    server.stop()
    assert server.process.returncode == 0


def test_a_store_that_another_process_keeps_locked_is_said_so_and_waited_for(server):
    token = server.token()
    with closing(sqlite3.connect(server.folder / "farshot.sqlite3", timeout=60, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        until(lambda: says(server, "store"))
        until(lambda: "trouble" in log_of(server))
        other.execute("ROLLBACK")
    until(lambda: is_ready(server))
    with farshot.RemoteBackend(server.url, token) as backend:
        assert backend.job(backend.submit_circuits({"bell": BELL}).job_id).wait(60) == "COMPLETED"
    assert "Traceback" not in log_of(server)


def test_a_service_whose_store_never_answers_ends_when_it_is_told_to(server):
    with closing(sqlite3.connect(server.folder / "farshot.sqlite3", timeout=60, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        until(lambda: says(server, "store"))
        server.process.terminate()
        server.process.wait(30)
    server.process.stdout.close()
    assert server.process.returncode in {0, 1}


def by_signal(server, _admin):
    server.process.send_signal(signal.SIGUSR1)


def by_call(server, admin):
    path = "resume" if says(server, "drain") else "drain"
    assert ask(server, f"/v1/admin/{path}", admin, "POST")[0] == 200


@pytest.mark.parametrize("turn", [by_signal, by_call])
def test_an_operator_has_no_new_work_begun_and_then_has(server, turn):
    admin = server.token("root", "--admin")
    with farshot.RemoteBackend(server.url, server.token()) as backend:
        running = backend.job(backend.submit_circuits(slow_circuits(1, 21)).job_id)
        until(lambda: running.status == "RUNNING")
        turn(server, admin)
        until(lambda: says(server, "drain"))
        waiting = backend.job(backend.submit_circuits({"bell": BELL}).job_id)
        assert running.wait(60) == "COMPLETED"
        until(lambda: "farshot_held_shards 0.0" in ask(server, "/metrics", admin)[1])
        assert 'farshot_trouble{part="drain"} 1.0' in ask(server, "/metrics", admin)[1]
        assert waiting.status == "PENDING"
        turn(server, admin)
        assert waiting.wait(60) == "COMPLETED"
    assert is_ready(server)


def test_only_an_admin_has_no_new_work_begun(server):
    token = server.token()
    for path in ("drain", "resume"):
        assert ask(server, f"/v1/admin/{path}", token, "POST")[0] == 403
    assert is_ready(server)
