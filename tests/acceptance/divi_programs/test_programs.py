"""Programs of Divi, unmodified but for their backend, each in a process with a release of Divi of its own."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from divi_environments import VERSIONS, interpreter
from serving import running_server

HERE = Path(__file__).parent
PATIENCE = 600.0


@pytest.fixture(params=VERSIONS)
def divi(request, tmp_path):
    def run(*command, **settings):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "FARSHOT", "QORO"))}
        own = {"FARSHOT_DATA_DIR": str(tmp_path / "data"), "FARSHOT_CONFIG_DIR": str(tmp_path / "config")}
        ended = subprocess.run(
            [interpreter(request.param), *command],
            cwd=tmp_path,
            env={**kept, **own, **settings},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    run.version = request.param
    return run


@pytest.mark.parametrize(
    "command", ["surface", "qaoa", "vqe", "ensemble", "cancelled exact", "cancelled sampled"], ids=str.split
)
def test_a_program(divi, command):
    name, *arguments = command.split()
    assert json.loads(divi(str(HERE / f"{name}.py"), *arguments).splitlines()[-1])


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("service"), "--workers", "2") as server:
        yield server


@pytest.mark.parametrize("command", ["remote", "cloud", "cancelled sampled cloud", "cancelled exact cloud"])
def test_a_program_over_a_service(divi, server, command):
    name, *arguments = command.split()
    token = server.token(f"{command}-{divi.version}".replace(" ", "-"))
    out = divi(str(HERE / f"{name}.py"), *arguments, FARSHOT_URL=server.url, FARSHOT_TOKEN=token)
    assert json.loads(out.splitlines()[-1])
