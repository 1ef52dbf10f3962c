"""Large requests are answered by a process of their own, which may die at any time."""

import asyncio
import base64
import contextlib
import gzip
import os
import signal
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from callers import People
from farshot.accounts import NO_LIMITS, Quota
from farshot.service.context import Limits
from farshot.service.loader import Loader
from farshot.service.loader_process import Plan
from farshot.store import open_engine, sqlite_url
from farshot.wire import PACKED, encode, pack
from processes import loader_of
from samples import BELL
from serving import Server, running_server

CIRCUITS = {f"c{number}": BELL + "//" + "x" * 4000 for number in range(80)}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("service"), "--workers", "1") as server:
        yield server


@pytest.fixture(scope="module")
def ann(server):
    with people(server) as ann:
        yield ann


@contextlib.contextmanager
def people(server, **rights):
    known = People(server)
    yield known(**rights)
    known.close()


def folder_of(loader):
    return Path(Path(f"/proc/{loader}/cmdline").read_bytes().split(b"\0")[-2].decode()).parent


def started(server, ann):
    """Have the loader started; return its id once a request went through it."""
    while (loader := loader_of(server.process.pid)) is None or not processor_time_grew(loader, ann):
        check(ann, ann.submit(CIRCUITS, shots=10))
    return loader


def processor_time_grew(loader, ann):
    before = processor_time(loader)
    check(ann, ann.submit(CIRCUITS, shots=10))
    return (folder_of(loader) / "loader").exists() and processor_time(loader) > before


def processor_time(pid):
    return sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]))


def check(ann, job):
    results = ann.results(job["job_id"])
    assert set(results) == set(CIRCUITS)
    assert all(sum(counts.values()) == 10 and set(counts) <= {"00", "11"} for counts in results.values())


def gone(pid):
    while Path(f"/proc/{pid}").exists() and ") Z " not in Path(f"/proc/{pid}/stat").read_text():
        time.sleep(0.01)


def test_a_large_request_is_answered_as_a_small_one(server, ann):
    started(server, ann)
    first = ann.submit(CIRCUITS, key="same", shots=10)
    again = ann.post("/v1/jobs", json={"circuits": CIRCUITS, "shots": 10}, headers={"Idempotency-Key": "same"})
    assert (again.status_code, again.json()["job_id"]) == (200, first["job_id"])
    assert again.headers["location"] == f"/v1/jobs/{first['job_id']}"
    other = ann.post("/v1/jobs", json={"circuits": CIRCUITS, "shots": 11}, headers={"Idempotency-Key": "same"})
    assert (other.status_code, other.json()["type"]) == (409, "/problems/key-conflict")
    wrong = ann.post("/v1/jobs", json={"circuits": CIRCUITS, "shots": -1})
    assert (wrong.status_code, wrong.json()["type"]) == (400, "/problems/body")
    assert "problem=key-conflict" in (server.folder / "serve.log").read_text(encoding="utf-8")
    check(ann, first)


def post_packed(user, **document):
    return user.post("/v1/jobs", content=pack(document), headers={"Content-Type": PACKED})


def test_a_batch_that_is_quick_to_read_is_not_passed_on(server, ann):
    loader = started(server, ann)
    os.kill(loader, signal.SIGSTOP)
    try:
        answer = post_packed(ann, circuits=CIRCUITS, shots=10)
        assert answer.status_code == 201
        check(ann, answer.json())
    finally:
        os.kill(loader, signal.SIGCONT)


def test_one_of_many_circuits_is_passed_on_once_it_was_read(server, ann):
    loader = started(server, ann)
    before = processor_time(loader)
    body = pack({"circuits": dict.fromkeys(map(str, range(3000)), BELL), "shots": 1})
    headers = {"Content-Type": PACKED, "Idempotency-Key": "packed"}
    answers = [ann.post("/v1/jobs", content=body, headers=headers) for _ in range(2)]
    assert [(answer.status_code, answer.json()["circuits"]) for answer in answers] == [(201, 3000), (200, 3000)]
    assert processor_time(loader) > before


def test_parts_arrive_through_it(server, ann):
    started(server, ann)
    job = ann.post("/v1/jobs", json={"upload": True, "shots": 10}).json()
    put = ann.put(f"/v1/jobs/{job['job_id']}/parts/0", json={"circuits": CIRCUITS})
    assert (put.status_code, put.json()["circuits"]) == (200, len(CIRCUITS))
    assert ann.post(f"/v1/jobs/{job['job_id']}/finalize", json={"circuits": len(CIRCUITS)}).status_code == 200
    check(ann, job)


def test_what_it_refuses_again_and_again_is_held_back_as_well(server, ann):
    started(server, ann)
    with people(server, quota=Quota(queued_circuits=1)) as eve:
        for _ in range(60):
            assert eve.post("/v1/jobs", json={"circuits": {"a": BELL, "b": BELL}}).status_code == 429
        assert eve.post("/v1/jobs", json={"circuits": CIRCUITS}).status_code == 429


def packed(text):
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def sent(user, circuits):
    """Return what sends a job of so many shots as it has circuits."""
    return partial(user.post, "/v1/jobs", json={"circuits": circuits, "shots": 1})


def put_last(user, circuits):
    """Return what makes a job of Divi's whole with one call."""
    job = user.post("/api/job/init/", json={"job_type": "EXECUTE", "tag": "t", "use_packing": False}).json()["job_id"]
    texts = {label: packed(text) for label, text in circuits.items()}
    call = {"mode": "append", "finalized": "true", "circuits": texts, "shots": 1}
    return partial(user.post, f"/api/job/{job}/add_circuits/", json=call)


def finalized(user, circuits):
    """Return what makes a job whole whose parts are there."""
    job = user.submit(upload=True, shots=1)["job_id"]
    assert user.put(f"/v1/jobs/{job}/parts/0", json={"circuits": circuits}).status_code == 200
    return partial(user.post, f"/v1/jobs/{job}/finalize")


def shots_of(user):
    return user.get("/v1/me").json()["usage"]["shots_per_day"]


def test_large_and_small_requests_at_once_pass_no_limit_of_their_user(server, ann):
    """Two processes answer them."""
    started(server, ann)
    small = dict(list(CIRCUITS.items())[:10])
    with people(server, quota=Quota(shots_per_day=115)) as few:
        kinds = [way(few, circuits) for way in (sent, put_last, finalized) for circuits in (CIRCUITS, small)]
        with ThreadPoolExecutor(len(kinds)) as pool:
            answers = list(pool.map(lambda request: request(), kinds * 2))
        used = shots_of(few)
        accepted = [job["circuits"] for job in few.get("/v1/jobs").json()["jobs"] if not job["uploading"]]
    assert {answer.status_code for answer in answers} <= {200, 201, 429}
    assert 0 < used == sum(accepted) <= 115


def test_a_loader_that_is_killed_is_replaced(server, ann):
    loader = started(server, ann)
    os.kill(loader, signal.SIGKILL)
    gone(loader)
    while (answer := ann.post("/v1/jobs", json={"circuits": CIRCUITS, "shots": 10})).status_code == 503:
        assert answer.headers["retry-after"]  # its death was not known yet
    check(ann, answer.json())  # of the service itself
    assert started(server, ann) != loader


@pytest.mark.parametrize("end", [Server.stop, Server.kill])
def test_it_ends_with_the_service(tmp_path, end):
    with running_server(tmp_path, "--workers", "1") as server, people(server) as ann:
        loader = started(server, ann)
        folder = folder_of(loader)
        end(server)
        gone(loader)
        assert not folder.exists()


def test_a_loader_that_cannot_start_is_said_once(caplog):
    async def live():
        loader = Loader(b"no plan", print)
        while not caplog.records:
            assert not loader.serves()
            await asyncio.sleep(0.01)
        assert not loader.serves()
        await loader.close()

    asyncio.run(live())
    assert [record.getMessage() for record in caplog.records] == ["loader-failed"]


def test_one_that_is_being_started_is_not_waited_for(tmp_path, caplog):
    """It waits for the store, which is held by another program."""
    url = sqlite_url(tmp_path)
    plan = Plan(url=str(url), limits=Limits(), quota=NO_LIMITS, targets=[], log_format="text")

    async def live():
        loader = Loader(encode(plan), print)
        async with asyncio.timeout(30):
            assert not loader.serves()
            await asyncio.sleep(1)
            await loader.close()
        assert loader.pid is None

    open_engine(url).dispose()
    with contextlib.closing(sqlite3.connect(url.database)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        asyncio.run(live())
    assert not caplog.records
