"""The life of a backend: closed while somebody waits, forked, its workers lost while they start."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

import farshot
from farshot.testing.backends import slow_circuits
from processes import until, workers_of
from samples import BELL

CIRCUITS = {"bell": BELL}


def test_a_closed_backend_says_so_and_takes_no_work(tmp_path):
    backend = farshot.LocalBackend(data_dir=tmp_path, workers=1)
    handle = backend.submit_circuits(CIRCUITS)
    backend.close()
    backend.close()
    for ask in (backend.submit_circuits, backend.poll_job_status, backend.get_job_results, backend.cancel_job):
        with pytest.raises(farshot.ExecutorError, match="closed"):
            ask(CIRCUITS if ask == backend.submit_circuits else handle)
    with farshot.LocalBackend(data_dir=tmp_path, workers=1) as other:
        assert other.poll_job_status(handle, loop_until_complete=True, verbose=False) == "COMPLETED"


@pytest.mark.parametrize("seconds", [0.0, 0.02, 0.05, 0.1])
def test_closing_a_backend_whose_workers_still_start_is_no_trouble(tmp_path, caplog, seconds):
    for _ in range(3):
        with farshot.LocalBackend(data_dir=tmp_path, workers=2) as backend:
            backend.cancel_job(backend.submit_circuits(CIRCUITS))
            time.sleep(seconds)
    assert caplog.messages == []


def test_whoever_waits_hears_that_the_backend_was_closed(tmp_path):
    backend = farshot.LocalBackend(data_dir=tmp_path, workers=1)
    handle = backend.submit_circuits(slow_circuits(20))
    heard = []

    def wait():
        with pytest.raises(farshot.ExecutorError, match="closed"):
            backend.poll_job_status(handle, loop_until_complete=True, verbose=False)
        heard.append(True)

    waiting = threading.Thread(target=wait)
    waiting.start()
    until(lambda: backend.record(handle.job_id).status == "RUNNING")
    backend.close()
    waiting.join(timeout=180)
    assert heard


def test_a_forked_process_leaves_the_work_of_its_parent_alone(tmp_path):
    program = f"""
import os, sys, farshot
from farshot.testing.backends import slow_circuits
with farshot.LocalBackend(data_dir={str(tmp_path)!r}, workers=1) as backend:
    handle = backend.submit_circuits(slow_circuits(2))
    while backend.poll_job_status(handle) != "RUNNING":
        pass
    if os.fork() == 0:
        try:
            backend.jobs()
        except farshot.ExecutorError as error:
            print("forked" in str(error), flush=True)
        sys.exit(0)
    os.wait()
    print(backend.poll_job_status(handle, loop_until_complete=True, verbose=False))
    print({{entry["metadata"]["attempt"] for entry in backend.get_job_results(handle).results}})
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.split("\n")[:3] == ["True", "COMPLETED", "{1}"], done.stderr


def test_a_worker_killed_while_it_starts_is_replaced(tmp_path):
    with farshot.LocalBackend(data_dir=tmp_path, workers=1) as backend:
        handle = backend.submit_circuits(CIRCUITS)
        until(lambda: workers_of(os.getpid()))
        os.kill(workers_of(os.getpid())[0], signal.SIGKILL)
        assert backend.poll_job_status(handle, loop_until_complete=True, verbose=False) == "COMPLETED"


def test_a_cancel_stops_the_work_also_while_its_worker_starts(tmp_path):
    with farshot.LocalBackend(data_dir=tmp_path, workers=1) as backend:
        for _ in range(4):
            for slow in [backend.submit_circuits(slow_circuits(40, 22)) for _ in range(2)]:
                backend.cancel_job(slow)
            quick = backend.job(backend.submit_circuits(CIRCUITS).job_id)
            assert quick.wait(timeout=60) == "COMPLETED"


def test_workers_start_below_a_limit_of_the_system(tmp_path):
    program = f"""
import resource, farshot
resource.setrlimit(resource.RLIMIT_AS, (4 * 2**30, 4 * 2**30))
with farshot.LocalBackend(data_dir={str(tmp_path)!r}, workers=1) as backend:
    handle = backend.submit_circuits({CIRCUITS!r})
    print(backend.poll_job_status(handle, loop_until_complete=True, verbose=False))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout == "COMPLETED\n", done.stderr


def test_a_wait_that_is_given_up_ends_its_thread(tmp_path):
    async def give_up(job):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(job, 0.3)

    with farshot.LocalBackend(data_dir=tmp_path, workers=1) as backend:
        job = backend.job(backend.submit_circuits(slow_circuits(200)).job_id)
        asyncio.run(give_up(job))
        with pytest.raises(farshot.PollingTimeoutError):
            job.wait(timeout=0.1)
        assert not job.status.is_terminal
        job.cancel()


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"circuit_timeout": None}, TypeError),
        ({"circuit_timeout": -1}, ValueError),
        ({"memory_limit": "1G"}, TypeError),
        ({"memory_limit": 0}, ValueError),
        ({"polling_interval": 0}, ValueError),
        ({"max_retries": 0}, ValueError),
        ({"workers": -1}, ValueError),
        ({"workers": 1.5}, TypeError),
        ({"shots": 0}, ValueError),
        ({"target": 5}, TypeError),
        ({"target": ""}, ValueError),
        ({"seed": "x"}, TypeError),
    ],
)
def test_wrong_options_are_refused_at_once(tmp_path, options, kind):
    with pytest.raises(kind):
        farshot.LocalBackend(data_dir=tmp_path / "store", **options)


@pytest.mark.parametrize("handle", [None, b"id", 7, farshot.ExecutionResult(job_id=[5])])
def test_what_is_no_handle_is_a_type_error(tmp_path, handle):
    with farshot.LocalBackend(data_dir=tmp_path) as backend:
        for ask in (backend.poll_job_status, backend.get_job_results, backend.cancel_job):
            with pytest.raises(TypeError):
                ask(handle)


@pytest.mark.parametrize("name", ["a?b=c", "a%20b", "a b", "ä#1", "a&b;c"])
def test_a_data_folder_may_have_any_name(tmp_path, name):
    with farshot.LocalBackend(data_dir=tmp_path / name, workers=0) as backend:
        backend.submit_circuits(CIRCUITS)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name / "farshot.sqlite3").stat().st_mode & 0o777 == 0o600
