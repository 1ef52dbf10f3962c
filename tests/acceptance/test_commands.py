"""A command that the tests' host forks is as one that was just started by an interpreter of its own."""

import os
from pathlib import Path

import pytest

from commands import KEPT, start
from samples import BELL

MORE_THAN_A_PIPE_HOLDS = " " * 2**18
SAYS = ("SigBlk", "SigIgn", "Umask", "NoNewPrivs")


def look(process):
    """Return what the system says of a process that has got as far as to wait for its input."""
    seen = Path(f"/proc/{process.pid}")
    status = dict(line.split(":", 1) for line in (seen / "status").read_text().splitlines())
    return {
        "descriptors": sorted(name.name for name in (seen / "fd").iterdir()),
        "folder": (seen / "cwd").readlink(),
        "alone": os.getsid(process.pid) == process.pid,
        **{name: said for name, said in status.items() if name.startswith(SAYS)},
    }


@pytest.mark.parametrize("alone", [False, True])
def test_a_command_inherits_nothing_of_its_host(tmp_path, alone):
    environment, seen = {**KEPT, "FARSHOT_DATA_DIR": str(tmp_path / "data")}, []
    for before in ((), ("/usr/bin/env",)):
        options = {"folder": tmp_path, "environment": environment, "alone": alone, "before": before}
        process = start("submit", "-", **options)
        process.stdin.write(BELL + MORE_THAN_A_PIPE_HOLDS)
        process.stdin.flush()  # it reads
        seen.append(look(process))
        process.communicate("", timeout=180)
        assert process.returncode == 0
    assert seen[0] == seen[1]
