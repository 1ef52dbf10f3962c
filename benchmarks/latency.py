"""What one circuit and one start cost: `python benchmarks/latency.py`.

A warm job of one circuit, from submit to results, beside two bare commits of the same database, as many as it
makes, in the same run; the import, and the help page of the command line.
"""

from __future__ import annotations

import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import farshot

if TYPE_CHECKING:
    from collections.abc import Callable

BELL = 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[2];\ncreg c[2];\nh q[0];\ncx q[0],q[1];\nmeasure q -> c;\n'
ROUNDS = 100


def milliseconds(call: Callable[[], object]) -> float:
    """Time one call."""
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000


def one_circuit(backend: farshot.LocalBackend) -> None:
    """Submit, wait, fetch."""
    handle = backend.submit_circuits({"bell": BELL})
    backend.poll_job_status(handle, loop_until_complete=True, verbose=False)
    backend.get_job_results(handle)


def bare_commit(connection: sqlite3.Connection) -> None:
    """Write one small row durably, as the store does."""
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT INTO bare VALUES (1)")
    connection.execute("COMMIT")


def jobs_and_commits(folder: str) -> tuple[float, float]:
    """Return the median milliseconds of a warm job and of a bare commit, measured in turns."""
    bare = sqlite3.connect(Path(folder) / "bare.sqlite3", isolation_level=None)
    bare.execute("PRAGMA journal_mode = TRUNCATE")
    bare.execute("PRAGMA synchronous = FULL")
    bare.execute("CREATE TABLE bare (value INTEGER)")
    with farshot.LocalBackend(data_dir=folder) as backend:
        for _ in range(5):
            one_circuit(backend)
        jobs, commits = [], []
        for _ in range(ROUNDS):
            jobs.append(milliseconds(lambda: one_circuit(backend)))
            commits.append(milliseconds(lambda: bare_commit(bare)))
    return statistics.median(jobs), statistics.median(commits)


def start(*arguments: str) -> float:
    """Return the median milliseconds of a whole interpreter run."""
    return statistics.median(
        milliseconds(lambda: subprocess.run([sys.executable, *arguments], check=True, capture_output=True))
        for _ in range(11)
    )


def main() -> None:
    """Print all of it."""
    with tempfile.TemporaryDirectory() as folder:
        job, commit = jobs_and_commits(folder)
    print(f"warm one-circuit job      {job:7.2f} ms")
    print(f"two bare commits          {2 * commit:7.2f} ms")
    print(f"beyond them               {job - 2 * commit:7.2f} ms")
    empty = start("-c", "pass")
    print(f"import farshot            {start('-c', 'import farshot') - empty:7.0f} ms beyond an empty interpreter")
    print(f"farshot --help            {start('-m', 'farshot', '--help'):7.0f} ms, interpreter included")


if __name__ == "__main__":
    main()
