"""A disk that is full: what was not stored is said, and nothing of it is there."""

import subprocess
import sys

import pytest

from farshot.store import SqlStore, open_engine, sqlite_url
from rights import leave_out

FILL = """
import resource, sys
from pathlib import Path
from farshot.admission.batch import Request, admit
from farshot.errors import StoreError
from farshot.submission import ShardCut, Submission
from farshot.store import SqlStore, open_engine, sqlite_url

def submission(size):
    batch = admit({"c": "x" * size}, Request(target="auto", default_shots=10, seed=7))
    return Submission(batch, [ShardCut(0, 1, 1.0)])

folder, limited = Path(sys.argv[1]), sys.argv[2] == "limit"
store = SqlStore(open_engine(sqlite_url(folder)))
if limited:
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, hard))
kept = 0
try:
    while True:
        store.add(submission(60_000))
        kept += 1
except StoreError as error:
    print(type(error).__name__, str(error))
assert len(store.jobs()) == kept, "a job that was refused is there, or an accepted one is not"
assert store.faults() == []
if limited:
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
else:
    (folder / "ballast").unlink()
store.add(submission(60_000))
print(kept, len(store.jobs()))
"""


def fill(folder, how):
    process = subprocess.run(
        [sys.executable, "-c", FILL, str(folder), how], capture_output=True, text=True, timeout=60, check=False
    )
    assert process.returncode == 0, process.stderr
    refusal, counts = process.stdout.splitlines()
    kept, after = map(int, counts.split())
    assert kept > 0
    assert after == kept + 1
    store = SqlStore(open_engine(sqlite_url(folder)))
    assert len(store.jobs(limit=100)) == after
    store.close()
    return refusal


def test_a_file_that_may_not_grow(tmp_path):
    assert "is full or failing" in fill(tmp_path, "limit")


@pytest.fixture
def small_disk(tmp_path):
    """A file system of one megabyte, which only root can mount; without one, the test above says it alone."""
    mounted = subprocess.run(
        ["/bin/mount", "-t", "tmpfs", "-o", "size=1m", "farshot", tmp_path], capture_output=True, check=False
    )
    if mounted.returncode:
        leave_out("no right to mount a file system")
    (tmp_path / "ballast").write_bytes(bytes(400_000))
    yield tmp_path
    subprocess.run(["/bin/umount", tmp_path], check=True)


def test_a_disk_that_is_full(small_disk):
    assert "free some space" in fill(small_disk, "disk")
