"""A disk that fills: new work is refused in time, and deleting works when nothing is left."""

import json
import os
import subprocess
import sys
from contextlib import suppress

import pytest

from farshot.errors import StoreError, StoreFullError
from farshot.store import SqlStore, open_engine, sqlite_url
from farshot.testing.stores.values import make_submission
from rights import leave_out

MEGABYTE = 2**20


@pytest.fixture
def disk(tmp_path):
    """A file system of 24 MB of its own, which only root can mount."""
    mounted = subprocess.run(
        ["/bin/mount", "-t", "tmpfs", "-o", "size=24m", "farshot", tmp_path], capture_output=True, check=False
    )
    if mounted.returncode:
        leave_out("no right to mount a file system")
    yield tmp_path
    subprocess.run(["/bin/umount", tmp_path], check=True)


@pytest.fixture
def store(disk):
    store = SqlStore(open_engine(sqlite_url(disk / "data")))
    yield store
    store.close()


def fill(disk, leave):
    """Have only so many bytes left."""
    left = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
    (disk / f"ballast{leave}").write_bytes(bytes(max(0, left - leave)))


def farshot(disk, *arguments, status=0):
    environment = {**os.environ, "FARSHOT_DATA_DIR": str(disk / "data"), "COLUMNS": "200"}
    process = subprocess.run(
        [sys.executable, "-m", "farshot", *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert process.returncode == status, process.stderr
    return process.stdout + process.stderr


def test_new_work_is_refused_before_results_have_no_room(disk, store):
    store.add(make_submission())
    fill(disk, MEGABYTE)
    with pytest.raises(StoreFullError, match="farshot store compact"):
        store.add(make_submission())
    _, claimed, (refused,) = store.exchange([], "me", 1, submissions=[make_submission()])
    assert isinstance(refused, StoreFullError)
    (shard,) = claimed
    assert store.renew([shard.lease]) == []
    assert len(store.jobs()) == 1
    (disk / f"ballast{MEGABYTE}").unlink()
    store.add(make_submission())


def test_deleting_works_where_no_byte_is_left_and_its_space_comes_back(disk, store):
    for _ in range(40):
        job = store.add(make_submission(circuits=400, shard=10))
        store.cancel(job.id)
    kept = store.add(make_submission())
    with suppress(OSError):
        fill(disk, 0)
    with pytest.raises(StoreError):
        store.cancel(kept.id)
    store.close()
    assert json.loads(farshot(disk, "jobs", "prune", "--older-than", "0s", "--yes", "--json")) == {"deleted": 40}
    before = (disk / "data" / "farshot.sqlite3").stat().st_size
    assert "given back" in farshot(disk, "store", "compact")
    assert (disk / "data" / "farshot.sqlite3").stat().st_size < before / 2
    again = SqlStore(open_engine(sqlite_url(disk / "data")))
    assert [job.id for job in again.jobs()] == [kept.id]
    assert again.faults() == []
    again.close()


def test_doctor_says_before_that_the_disk_is_full_soon(disk):
    (disk / "data").mkdir(mode=0o700)
    found = json.loads(farshot(disk, "doctor", "--json", status=1))
    (space,) = [check for check in found["checks"] if check["name"] == "free space"]
    assert not space["ok"]
    assert "full soon" in space["detail"]
    assert "farshot jobs prune" in space["advice"]
