"""Divi's own clients, unmodified, each in an environment of its own, against a real service."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from divi_environments import VERSIONS, interpreter
from serving import running_server

HERE = Path(__file__).parent
SUITE = HERE / "client"
PATIENCE = 900.0

NOT_OF_THE_SERVICE = {
    6: "a set event keeps a submission back in the client; Divi's own clients do not look at it",
}
"""Requirements that the API cannot meet or miss, and why."""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("service"), "--workers", "2") as server:
        yield server


def limited_token(server, name, *limits):
    token = server.token(name)
    server.run("user", "limit", name, *limits)
    return token


def tokens_for(server, version):
    return {
        "DIVI_TOKEN": limited_token(server, f"rich-{version}", "--shots-per-day", str(10**12)),
        "DIVI_POOR_TOKEN": limited_token(server, f"poor-{version}", "--shots-per-day", "150"),
        "DIVI_FEW_TOKEN": limited_token(server, f"few-{version}", "--queued-circuits", "1"),
        "DIVI_OTHER_TOKEN": server.token(f"other-{version}"),
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_the_client_works_in_full(server, version, capfd):
    command = [interpreter(version), "-m", "pytest", "-c", "pytest.ini", "--tb=short", "-q"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "QORO", "PYTEST"))}
    suite = subprocess.run(
        command,
        cwd=SUITE,
        env={**kept, **tokens_for(server, version), "DIVI_URL": server.url},
        timeout=PATIENCE,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    out, err = capfd.readouterr()
    assert suite.returncode == 0, out + err


def test_every_requirement_has_a_check_named_after_it():
    texts = [path.read_text(encoding="utf-8") for path in SUITE.glob("check_*.py")]
    named = {int(number) for text in texts for line in re.findall(r"def test_\w+", text) for number in _numbers(line)}
    assert named.isdisjoint(NOT_OF_THE_SERVICE)
    assert sorted(named | set(NOT_OF_THE_SERVICE)) == list(range(1, 53))


def _numbers(name):
    return re.findall(r"_r(\d\d)(?=_)", name)
