"""A disk that fills: new work is refused in time, and deleting works when nothing is left."""

import json
import os
import signal
import subprocess
import urllib.error
import urllib.request
from contextlib import suppress

import pytest

import commands
import farshot
from commands import KEPT
from farshot.errors import StoreError, StoreFullError
from farshot.store import SqlStore, open_engine, sqlite_url
from farshot.store.uploads import SqlUploads
from farshot.testing.stores.values import make_draft, make_part, make_submission
from processes import until
from rights import leave_out
from samples import BELL
from serving import running_server

MEGABYTE = 2**20
LARGE = 300_000


@pytest.fixture
def disk(tmp_path):
    """A file system of 24 MB of its own, which only root can mount."""
    mounted = subprocess.run(
        ["/bin/mount", "-t", "tmpfs", "-o", "size=24m", "farshot", tmp_path], capture_output=True, check=False
    )
    if mounted.returncode:
        leave_out("no right to mount a file system")
    yield tmp_path
    until(lambda: subprocess.run(["/bin/umount", tmp_path], check=False).returncode == 0)  # workers end in a moment


@pytest.fixture
def store(disk):
    store = SqlStore(open_engine(sqlite_url(disk / "data")))
    yield store
    store.close()


def fill(disk, leave):
    """Have only so many bytes left."""
    left = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
    (disk / f"ballast{leave}").write_bytes(bytes(max(0, left - leave)))


def run(disk, *arguments, status=0):
    environment = {**KEPT, "FARSHOT_DATA_DIR": str(disk / "data"), "COLUMNS": "200"}
    process = commands.run(*arguments, environment=environment)
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


def test_no_part_of_an_upload_comes_past_that_and_what_is_known_is_known_still(disk):
    engine = open_engine(sqlite_url(disk / "data"))
    uploads, draft, submission = SqlUploads(engine), make_draft("ada", "begun"), make_submission(key="made")
    store = SqlStore(engine)
    begun, made = uploads.open(draft), store.add(submission)
    fill(disk, MEGABYTE)
    part = make_part(0, ["a"])
    for refused in (
        lambda: uploads.open(make_draft("ada", "new")),
        lambda: uploads.put(begun.id, part),
        lambda: uploads.complete(begun.id, part, submission.batch.spec, 1),
    ):
        with pytest.raises(StoreFullError):
            refused()
    assert uploads.open(draft).id == begun.id
    assert store.add(submission).id == made.id
    assert [job.id for job in store.exchange([], "me", 0, submissions=[submission]).added] == [made.id]
    store.close()


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
    assert json.loads(run(disk, "jobs", "prune", "--older-than", "0s", "--yes", "--json")) == {"deleted": 40}
    before = (disk / "data" / "farshot.sqlite3").stat().st_size
    assert "given back" in run(disk, "store", "compact")
    assert (disk / "data" / "farshot.sqlite3").stat().st_size < before / 2
    again = SqlStore(open_engine(sqlite_url(disk / "data")))
    assert [job.id for job in again.jobs()] == [kept.id]
    assert again.faults() == []
    again.close()


def test_doctor_says_before_that_the_disk_is_full_soon(disk):
    (disk / "data").mkdir(mode=0o700)
    found = json.loads(run(disk, "doctor", "--json", status=1))
    (space,) = [check for check in found["checks"] if check["name"] == "free space"]
    assert not space["ok"]
    assert "full soon" in space["detail"]
    assert "farshot jobs prune" in space["advice"]


def answer(server, path, token, body=None, method=None):
    """Ask, and return the status of the answer and its text or problem."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(server.url + path, data, headers, method=method)  # noqa: S310 -- our own service
    try:
        with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def test_a_service_refuses_new_work_serves_reads_and_goes_on_once_there_is_room(disk):
    (disk / "data").mkdir()
    with running_server(disk / "data", "--workers", "1") as server:
        token = server.token("ann")
        with farshot.RemoteBackend(server.url, token) as backend:
            done, kept = backend.submit_circuits({"bell": BELL}), backend.submit_circuits({"bell": BELL}, key="kept")
            assert {backend.job(job).wait(60) for job in (done, kept)} == {"COMPLETED"}
            server.process.send_signal(signal.SIGUSR1)
            until(lambda: "drain" in str(answer(server, "/readyz", token)))
            waiting = backend.submit_circuits({"bell": BELL})
            begun = json.loads(answer(server, "/v1/jobs", token, {"upload": True})[1])["job_id"]
            fill(disk, MEGABYTE)
            server.process.send_signal(signal.SIGUSR1)

            status, problem = answer(server, "/readyz", token)
            assert status == 503
            assert "disk: the disk of the store" in problem["detail"]
            for body in ({"circuits": {"bell": BELL}}, {"circuits": {"bell": BELL + " " * LARGE}}, {"upload": True}):
                status, problem = answer(server, "/v1/jobs", token, body)
                assert (status, problem["type"]) == (507, "/problems/store-full")
            status, problem = answer(server, f"/v1/jobs/{begun}/parts/0", token, {"circuits": {"bell": BELL}}, "PUT")
            assert (status, problem["type"]) == (507, "/problems/store-full")
            with pytest.raises(StoreFullError, match="nothing was stored"):
                backend.submit_circuits({"bell": BELL})

            assert backend.submit_circuits({"bell": BELL}, key="kept") == kept
            assert backend.job(waiting).wait(60) == "COMPLETED"
            assert backend.job(done).result().counts("bell")
            assert answer(server, "/v1/me", token)[0] == answer(server, "/healthz", token)[0] == 200

            (disk / f"ballast{MEGABYTE}").unlink()
            assert answer(server, "/readyz", token)[0] == 200
            assert backend.job(backend.submit_circuits({"bell": BELL})).wait(60) == "COMPLETED"
