"""What somebody sees who waits: a bar in a terminal and in a notebook, and soon why a service does not answer."""

import os
import pty
import socket
import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient

SLOW = """
import farshot
from farshot.testing.backends import slow_circuits
backend = farshot.LocalBackend(workers=1, polling_interval=0.05)
handle = backend.submit_circuits(slow_circuits(4))
print(backend.poll_job_status(handle, loop_until_complete=True))
"""


def drawn_by(program, folder, environment):
    """Run a program whose stderr is a terminal, and return what it drew there."""
    mine, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", program], cwd=folder, env=environment, stderr=theirs, stdout=subprocess.DEVNULL
    )
    os.close(theirs)
    drawn = b""
    try:
        while piece := os.read(mine, 4096):
            drawn += piece
    except OSError:  # the program closed its side
        pass
    os.close(mine)
    assert process.wait() == 0
    return drawn.decode()


def test_a_terminal_has_a_bar_with_an_estimate(python):
    drawn = drawn_by(SLOW, python.folder, python.environment | {"TERM": "xterm", "COLUMNS": "120"})
    assert "RUNNING" in drawn
    assert "━" in drawn
    assert "/4" in drawn
    assert "about" in drawn


def test_a_notebook_has_a_bar_too(python, monkeypatch):
    monkeypatch.setenv("FARSHOT_DATA_DIR", str(python.folder / "data"))
    shown = []
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(SLOW)])
    client = NotebookClient(notebook, timeout=120, kernel_name="python3")
    with client.setup_kernel():
        process_message = client.process_message

        def keep(message, *arguments):
            shown.append(message["content"].get("data", {}).get("text/plain", ""))
            return process_message(message, *arguments)

        client.process_message = keep
        client.execute_cell(notebook.cells[0], 0)
    bars = [text for text in shown if "/4 circuits" in text]
    assert bars
    assert all("━" in text or "─" in text for text in bars)
    assert shown[-1] == "" or "COMPLETED" in str(notebook.cells[0].outputs)


WAITING = """
import logging, sys, threading, farshot

class Heard(logging.Handler):
    def emit(self, record):
        print(record.levelname, record.getMessage(), flush=True)

logging.getLogger("farshot").addHandler(Heard())
backend = farshot.RemoteBackend(sys.argv[1], "token", retry_seconds=float(sys.argv[2]))
try:
    backend.jobs()
except farshot.ServiceError as error:
    print("ERROR", error)
"""


@pytest.fixture
def dead_port():
    """A port on which nobody listens, as long as the test holds it."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def test_a_dead_port_is_told_of_long_before_it_is_given_up(python, dead_port):
    out = python.run("-c", WAITING, f"http://127.0.0.1:{dead_port}", "6")
    first, last = out.splitlines()
    assert first.startswith(
        f"WARNING the service at http://127.0.0.1:{dead_port} cannot be reached: Connection refused ("
    )
    assert "trying again for up to 4 s more" in first or "trying again for up to 3 s more" in first
    assert last.startswith("ERROR")


def test_a_proxy_that_is_dead_is_named_and_this_machine_is_asked_without_it(python, dead_port):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        python.environment |= {name: f"http://ann:secret@127.0.0.1:{dead_port}"}
    python.environment.pop("no_proxy", None)
    python.environment.pop("NO_PROXY", None)
    out = python.run("-c", WAITING, "http://lab.invalid:8080", "3")
    told = [line for line in out.splitlines() if "cannot be reached" in line]
    assert told
    assert all(f"through the proxy http://127.0.0.1:{dead_port} (of HTTP_PROXY): " in line for line in told)
    assert "secret" not in out
    assert "proxy" not in python.run("-c", WAITING, f"http://127.0.0.1:{dead_port}", "1")
