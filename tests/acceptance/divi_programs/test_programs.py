"""Programs of Divi, unmodified but for their backend, each in a process with a release of Divi of its own."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from divi_environments import VERSIONS, interpreter
from serving import running_server

HERE = Path(__file__).parent


class Host:
    """Runs programs with a release of Divi, each in a process of its own; see `host.py`."""

    def __init__(self, version, folder):
        self.version = version
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "FARSHOT", "QORO"))}
        self.process = subprocess.Popen(
            [interpreter(version), str(HERE / "host.py")],
            cwd=folder,
            env=kept,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, command, folder, **settings):
        """Return what a program prints in a folder that has its store, too."""
        name, *arguments = command.split()
        own = {"FARSHOT_DATA_DIR": str(folder / "data"), "FARSHOT_CONFIG_DIR": str(folder / "config")}
        told = {
            "program": str(HERE / f"{name}.py"),
            "arguments": arguments,
            "folder": str(folder),
            "environment": {**own, **settings},
            "print": str(folder / "printed"),
        }
        self.process.stdin.write(json.dumps(told) + "\n")
        self.process.stdin.flush()
        status = self.process.stdout.readline()
        printed = (folder / "printed").read_text()
        assert status == "0\n", printed
        return json.loads(printed.splitlines()[-1])

    def close(self):
        """End, with a program that has not."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()


@pytest.fixture(scope="module", params=VERSIONS)
def divi(request, tmp_path_factory):
    host = Host(request.param, tmp_path_factory.mktemp("host"))
    yield host
    host.close()


of_the_newest = pytest.mark.parametrize(
    "divi", VERSIONS if os.environ.get("FARSHOT_CAMPAIGN") == "1" else VERSIONS[:1], indirect=True, scope="module"
)
"""Programs that every release runs alike, and the older one in a campaign only."""


@pytest.mark.parametrize("command", ["surface", "cancelled exact"], ids=str.split)
def test_a_program(divi, command, tmp_path):
    assert divi.run(command, tmp_path)


@of_the_newest
@pytest.mark.parametrize("command", ["qaoa", "vqe", "ensemble", "cancelled sampled"], ids=str.split)
def test_another_program(divi, command, tmp_path):
    assert divi.run(command, tmp_path)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("service"), "--workers", "2") as server:
        yield server


def run_over_a_service(divi, server, command, folder):
    token = server.token(f"{command}-{divi.version}".replace(" ", "-"))
    assert divi.run(command, folder, FARSHOT_URL=server.url, FARSHOT_TOKEN=token)


def test_a_program_over_a_service(divi, server, tmp_path):
    run_over_a_service(divi, server, "remote", tmp_path)


@of_the_newest
@pytest.mark.parametrize("command", ["cloud", "cancelled sampled cloud", "cancelled exact cloud"])
def test_another_program_over_a_service(divi, server, command, tmp_path):
    run_over_a_service(divi, server, command, tmp_path)
