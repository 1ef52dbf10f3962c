"""Processes that die while a job runs."""

import os
import subprocess
import sys
import time

import pytest

import farshot
from farshot.executors.local import LocalExecutor
from farshot.testing.backends import slow_circuits
from processes import is_alive, kill_worker, workers_of

COIN = "OPENQASM 3.0;qubit q;bit c;c = measure q;"
SUBMIT = """
import sys, farshot
from farshot.testing.backends import slow_circuits
backend = farshot.LocalBackend(data_dir=sys.argv[1], workers=2, shots=100, seed=4)
handle = backend.submit_circuits(slow_circuits(60, 17))
print(handle.job_id, flush=True)
backend.poll_job_status(handle, loop_until_complete=True, verbose=False)
"""


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """The counts of an undisturbed run."""
    with farshot.LocalBackend(data_dir=tmp_path_factory.mktemp("calm"), shots=100, seed=4) as backend:
        handle = backend.submit_circuits(slow_circuits(60, 17))
        backend.poll_job_status(handle, loop_until_complete=True, verbose=False)
        return counts(backend, handle)


def counts(backend, handle):
    return {entry["label"]: entry["results"] for entry in backend.get_job_results(handle).results}


def test_a_killed_worker_costs_nothing(tmp_path, expected):
    executor = LocalExecutor(2)
    with farshot.LocalBackend(data_dir=tmp_path, executor=executor, shots=100, seed=4) as backend:
        handle = backend.submit_circuits(slow_circuits(60, 17))
        _, first = kill_worker(executor)
        kill_worker(executor, first.__ne__)
        assert backend.poll_job_status(handle, loop_until_complete=True, verbose=False) == "COMPLETED"
        assert counts(backend, handle) == expected


def test_what_a_killed_program_accepted_is_finished_by_the_next_one(tmp_path, expected):
    program = subprocess.Popen([sys.executable, "-c", SUBMIT, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    handle = farshot.ExecutionResult(job_id=program.stdout.readline().strip())
    with farshot.LocalBackend(data_dir=tmp_path, workers=0) as looking:
        while not looking.record(handle.job_id).done:
            assert program.poll() is None
    program.kill()
    program.communicate()
    with farshot.LocalBackend(data_dir=tmp_path, workers=2) as backend:
        assert backend.poll_job_status(handle, loop_until_complete=True, verbose=False) == "COMPLETED"
        assert counts(backend, handle) == expected
        attempts = {entry["metadata"]["attempt"] for entry in backend.get_job_results(handle).results}
        assert attempts == {1, 2}


def test_two_programs_share_one_job(tmp_path, expected):
    program = subprocess.Popen([sys.executable, "-c", SUBMIT, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    handle = farshot.ExecutionResult(job_id=program.stdout.readline().strip())
    with farshot.LocalBackend(data_dir=tmp_path, workers=2) as backend:
        assert backend.poll_job_status(handle, loop_until_complete=True, verbose=False) == "COMPLETED"
        assert counts(backend, handle) == expected
    program.communicate(timeout=60)
    assert program.returncode == 0


def test_a_cancelled_worker_is_replaced_before_there_is_work_again(tmp_path):
    with farshot.LocalBackend(data_dir=tmp_path, workers=1, shots=100) as backend:
        cancelled = _cancel_what_runs(backend)
        wait_until(lambda: not is_alive(cancelled))
        wait_until(lambda: any(is_alive(pid) for pid in workers_of(os.getpid())))


def test_closing_right_after_a_cancel_leaves_no_worker(tmp_path):
    with farshot.LocalBackend(data_dir=tmp_path, workers=1, shots=100) as backend:
        _cancel_what_runs(backend)
    assert not [pid for pid in workers_of(os.getpid()) if is_alive(pid)]


def _cancel_what_runs(backend):
    """Cancel a job while its worker is in native code, and return that worker."""
    handle = backend.submit_circuits({"coin": COIN, **slow_circuits(1, 25)})
    wait_until(lambda: backend.record(handle.job_id).done)
    (pid,) = workers_of(os.getpid())
    assert backend.cancel_job(handle).status_code == 200
    return pid


def wait_until(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
