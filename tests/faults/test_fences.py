"""What a worker can reach: it runs what strangers wrote. One simulator tries everything, as if it were taken over."""

import json
import os
import socket
from contextlib import closing
from pathlib import Path

import pytest

import farshot
from farshot.worker.supervisor import ENVIRONMENT_VARIABLE, Child, worker_environment
from samples import BELL


@pytest.fixture
def child():
    with closing(Child(2**30)) as child:
        child.await_ready()
        yield child


def status_of(child, name):
    lines = Path(f"/proc/{child.pid}/status").read_text().splitlines()
    return next(line.split(":")[1].strip() for line in lines if line.startswith(name))


def test_a_worker_has_no_privileges_and_gets_none(child):
    assert status_of(child, "NoNewPrivs") == "1"
    assert status_of(child, "Seccomp:") == "2"
    assert {int(status_of(child, name), 16) for name in ("CapEff", "CapPrm", "CapInh", "CapAmb", "CapBnd")} == {0}


def test_a_worker_leaves_no_core(child):
    limits = Path(f"/proc/{child.pid}/limits").read_text()
    assert limits.split("Max core file size")[1].split()[:2] == ["0", "0"]


def test_a_worker_holds_its_pipes_and_its_board_and_nothing_else(tmp_path):
    with (tmp_path / "secret").open("w") as secret, socket.socket() as connection:
        os.set_inheritable(secret.fileno(), True)  # noqa: FBT003 -- as the system's call has it
        os.set_inheritable(connection.fileno(), True)  # noqa: FBT003 -- as the system's call has it
        with closing(Child(2**30)) as child:
            child.await_ready()
            held = [str(found.readlink()) for found in Path(f"/proc/{child.pid}/fd").iterdir()]
    kinds = {"/dev/null", "pipe", "/memfd", "/tmp"}  # noqa: S108 -- where its messages to people go
    assert {next((kind for kind in kinds if path.startswith(kind)), path) for path in held} == kinds
    assert not [path for path in held if "secret" in path or "socket" in path]


def test_a_worker_sees_what_it_needs_of_the_environment_and_what_is_named():
    given = {
        "PATH": "/bin",
        "LC_ALL": "C",
        "PYTHONPATH": "/x",
        "FARSHOT_TOKEN": "secret",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "PGPASSWORD": "secret",
        "FARSHOT_SERVER_STORE": "secret",
        "SIM_LICENCE": "kept",
        ENVIRONMENT_VARIABLE: "SIM_LICENCE",
    }
    seen = worker_environment(given, 2**30)
    assert "secret" not in seen.values()
    assert {name: seen[name] for name in ("PATH", "LC_ALL", "PYTHONPATH", "SIM_LICENCE")} == {
        "PATH": "/bin",
        "LC_ALL": "C",
        "PYTHONPATH": "/x",
        "SIM_LICENCE": "kept",
    }


DEEDS = """
import json, os, socket, subprocess, sys
DEEDS = {
    "reads a file of the system": lambda: open("/etc/passwd").read(),
    "reads a file of the user": lambda: open(SECRET).read(),
    "reads the environment of its parent": lambda: open(f"/proc/{os.getppid()}/environ", "rb").read(),
    "writes": lambda: open("/tmp/written", "w"),
    "writes beside": lambda: open(__file__ + ".new", "w"),
    "removes": lambda: os.remove(__file__),
    "connects": lambda: socket.create_connection(("127.0.0.1", 9)),
    "listens": lambda: socket.socket(socket.AF_UNIX),
    "sends a packet": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
    "runs a program": lambda: subprocess.run(["/bin/true"]),
    "stops its parent": lambda: os.kill(os.getppid(), 19),
}

def tried():
    found = {}
    for name, deed in DEEDS.items():
        try:
            deed()
            found[name] = "done"
        except OSError as error:
            found[name] = "refused"
    return found
"""


def test_a_simulator_that_was_taken_over_reaches_nothing(tmp_path, monkeypatch):
    """Every circuit's error carries what the simulator could do."""
    shadow, secret = tmp_path / "shadow", tmp_path / "secret"
    shadow.mkdir()
    secret.write_text("secret")
    (shadow / "deeds.py").write_text(f"SECRET = {str(secret)!r}\n{DEEDS}")
    (shadow / "sitecustomize.py").write_text(
        "import sys\n"
        "if '-m' in sys.orig_argv and 'farshot.worker' in sys.orig_argv:\n"
        "    import json, deeds, farshot.worker.run as run\n"
        "    right = run.run_circuit\n"
        "    def run_circuit(router, target, task, tell):\n"
        "        if b'taken over' in task.source.encode():\n"
        "            raise RuntimeError(json.dumps(deeds.tried()))\n"
        "        return right(router, target, task, tell)\n"
        "    run.run_circuit = run_circuit\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(shadow))
    with farshot.LocalBackend(data_dir=tmp_path / "data", workers=1) as backend:
        job = backend.submit_circuits({"bad": BELL + "// taken over\n", "good": BELL})
        assert backend.poll_job_status(job, loop_until_complete=True, verbose=False) == "FAILED"
        bad, good = backend.get_job_results(job, partial=True).results
    assert sum(good["results"].values()) == 1000
    found = json.loads(bad["error"]["message"].partition(": ")[2])
    assert set(found.values()) == {"refused"}, found
