"""What a program does with jobs of a service, and of several backends at once."""

import asyncio
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import farshot
from farshot.testing.backends import slow_circuits
from giving_up import is_heeded, later
from samples import BELL
from serving import running_server

BROKEN = BELL.replace("h q[0]", "nonsense q[0]")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("service"), "--workers", "2") as server:
        yield server


@pytest.fixture
def backend(server):
    with farshot.RemoteBackend(server.url, server.token(), retry_seconds=20) as backend:
        yield backend


def submit(backend, circuits, **options):
    return backend.job(backend.submit_circuits(circuits, **options).job_id)


def connections(port):
    """Return how many connections this process has to `port`, by the system's table."""
    mine = {str(entry.readlink()) for entry in Path("/proc/self/fd").iterdir() if entry.exists()}
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[2].endswith(f":{port:04X}") and f"socket:[{row[9]}]" in mine for row in rows)


def test_importing_farshot_brings_no_http_library():
    code = """
import sys, farshot
assert "httpx2" not in sys.modules
assert farshot.RemoteBackend
assert "sqlalchemy" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_circuits_stream_as_they_finish(backend):
    circuits = {"quick": BELL, **slow_circuits(6), "bad": BROKEN}
    job = submit(backend, circuits)
    arrivals = {entry["label"]: (time.monotonic(), entry) for entry in job.stream()}
    ended = time.monotonic()
    assert set(arrivals) == set(circuits)
    assert min(at for at, _ in arrivals.values()) < ended - 0.3
    assert arrivals["bad"][1]["error"]["code"] == "parse"
    assert sorted(map(str, (entry for _, entry in arrivals.values()))) == sorted(map(str, job.result(partial=True)))


def test_a_stream_ends_within_a_tenth_of_a_second(backend):
    job = submit(backend, slow_circuits(40))
    assert is_heeded(lambda event: list(job.stream(cancellation_event=event)))
    job.cancel()


def test_a_cancelled_job_streams_what_will_never_run(backend):
    job = submit(backend, slow_circuits(20))
    with later(0.3, job.cancel):
        entries = list(job.stream())
    assert len({entry["label"] for entry in entries}) == len(entries) == 20
    assert {entry["error"]["code"] for entry in entries if "error" in entry} == {"cancelled"}


def test_many_jobs_are_awaited_over_one_connection(server, backend):
    jobs = [submit(backend, {f"c{number}": BELL}) for number in range(30)]
    jobs += [submit(backend, slow_circuits(3))]
    waiting = threading.Thread(target=farshot.gather, args=(jobs,))
    waiting.start()
    time.sleep(0.5)
    assert connections(server.port) <= 3
    waiting.join()


def test_gather_keeps_the_order_of_its_jobs(backend):
    jobs = [submit(backend, {**slow_circuits(2), "first": BELL}), submit(backend, {"second": BELL, "bad": BROKEN})]
    slow, quick = farshot.gather([*jobs, jobs[0]])[:2]
    assert slow[-1]["label"] == "first"
    assert [sorted(entry) for entry in quick] == [["label", "metadata", "results"], ["error", "label"]]


def test_jobs_of_several_backends_are_given_as_they_end(backend, tmp_path):
    with farshot.LocalBackend(data_dir=tmp_path, workers=1) as local:
        slow = submit(backend, slow_circuits(20))
        quick, embedded = submit(backend, {"bell": BELL}, priority=9), submit(local, {"bell": BELL})
        found = farshot.as_completed([slow, quick, embedded])
        assert {next(found), next(found)} == {quick, embedded}
        slow.cancel()
        assert list(found) == [slow]


def test_waiting_for_several_has_an_end(backend, tmp_path):
    job = submit(backend, slow_circuits(20))
    with farshot.LocalBackend(data_dir=tmp_path, workers=0) as local:
        queued = submit(local, {"bell": BELL})
        for jobs in ([job], [job, queued]):
            with pytest.raises(farshot.PollingTimeoutError):
                list(farshot.as_completed(jobs, timeout=0.3))
    with pytest.raises(farshot.PollingTimeoutError):
        job.wait(timeout=0.2)
    job.cancel()


def test_jobs_can_be_awaited(backend):
    async def run():
        jobs = [submit(backend, {f"c{number}": BELL}, shots=10) for number in range(12)]
        slow = submit(backend, slow_circuits(20))
        found = await asyncio.gather(*jobs)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(slow, 0.2)
        slow.cancel()
        return found, await slow

    found, cancelled = asyncio.run(run())
    assert [sum(entries[0]["results"].values()) for entries in found] == [10] * 12
    assert "cancelled" in {entry["error"]["code"] for entry in cancelled if "error" in entry}


def test_an_embedded_job_streams_too(tmp_path):
    with farshot.LocalBackend(data_dir=tmp_path, workers=2) as local:
        job = submit(local, {"quick": BELL, **slow_circuits(4), "bad": BROKEN})
        entries = list(job.stream())
        assert len(entries) == 6
        assert sorted(map(str, entries)) == sorted(map(str, job.result(partial=True)))
        cancelled = submit(local, slow_circuits(10))
        cancelled.cancel()
        assert len(list(cancelled.stream())) == 10


def test_a_wait_hears_that_its_job_was_ended_elsewhere(server, backend):
    job = submit(backend, slow_circuits(30))
    with farshot.RemoteBackend(server.url, server.token()) as other, later(0.5, other.job(job.id).cancel):
        began = time.monotonic()
        assert job.wait(timeout=180) is farshot.JobStatus.CANCELLED
        assert time.monotonic() - began < 2


def test_a_wrong_token_is_an_access_error(server):
    with (
        farshot.RemoteBackend(server.url, "nonsense") as backend,
        pytest.raises(farshot.AccessError, match="farshot token create"),
    ):
        backend.jobs()


def test_a_service_and_a_token_are_needed(tmp_path):
    code = "import farshot; farshot.RemoteBackend()"
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path)}
    for given, expected in (({}, "FARSHOT_URL"), ({"FARSHOT_URL": "http://lab:1"}, "no token for http://lab:1")):
        ran = subprocess.run(
            [sys.executable, "-c", code], env=environment | given, capture_output=True, text=True, check=False
        )
        assert expected in ran.stderr.splitlines()[-1]


def test_the_environment_names_the_service(server, tmp_path):
    code = "import farshot; print(len(farshot.RemoteBackend().jobs(limit=1)))"
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path), "FARSHOT_URL": server.url}
    environment["FARSHOT_TOKEN"] = server.token()
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() in {"0", "1"}


def test_labels_keys_and_texts_of_any_letters_travel(backend):
    circuits = {"ü \n\t'\"<>/..": BELL, "lone": BELL + "// \ud800\n"}
    key = "k ü/%\n"
    job = submit(backend, circuits, key=key, tag="näme")
    assert submit(backend, circuits, key=key, tag="näme").id == job.id
    job.wait(timeout=60)
    entries = job.result(partial=True)
    assert [entry["label"] for entry in entries] == list(circuits)
    assert [found.id for found in backend.jobs(tag="näme")] == [job.id]


@pytest.mark.parametrize("name", ["", ".", "..", "../jobs", "a/b", "?x=1", "\ud800", "x" * 5000])
def test_an_odd_id_names_no_job(backend, name):
    with pytest.raises(farshot.FarshotError):
        backend.job(name)
