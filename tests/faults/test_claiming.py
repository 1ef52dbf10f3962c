"""What is claimed as it is submitted: never more than the workers can take, and given back when they end."""

import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing

import pytest

import farshot
from farshot.testing.backends import slow_circuits
from samples import BELL

THREADS = 8


def leased(folder):
    with closing(sqlite3.connect(folder / "farshot.sqlite3")) as connection:
        return connection.execute("SELECT count(*) FROM shards WHERE status = 'LEASED'").fetchone()[0]


def submit_from_many_threads(backend):
    handles = []
    threads = [
        threading.Thread(target=lambda: handles.append(backend.submit_circuits(slow_circuits(3))))
        for _ in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return handles


@pytest.mark.parametrize("workers", [1, 2])
def test_no_more_is_claimed_than_there_is_room_for(tmp_path, workers):
    with farshot.LocalBackend(data_dir=tmp_path, workers=workers) as backend:
        handles = submit_from_many_threads(backend)
        assert len(handles) == THREADS
        assert leased(tmp_path) == 2 * workers
        for handle in handles:
            backend.cancel_job(handle)
        handle = backend.submit_circuits({"bell": BELL})
        assert backend.poll_job_status(handle, loop_until_complete=True, verbose=False) == "COMPLETED"


def test_what_was_claimed_is_given_back_by_a_backend_that_is_closed(tmp_path):
    with farshot.LocalBackend(data_dir=tmp_path, workers=1) as backend:
        submit_from_many_threads(backend)
    assert leased(tmp_path) == 0


def test_who_submits_without_end_keeps_nobody_from_results(tmp_path):
    with farshot.LocalBackend(data_dir=tmp_path, workers=1) as backend:
        first = backend.submit_circuits(slow_circuits(1))
        ended = threading.Event()

        def submit():
            while not ended.is_set():
                backend.submit_circuits({"bell": BELL})

        threads = [threading.Thread(target=submit) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        try:
            assert backend.wait(first.job_id, timeout=180) == "COMPLETED"
        finally:
            ended.set()
            for thread in threads:
                thread.join()


def test_jobs_that_many_threads_submit_all_end(tmp_path):
    with farshot.LocalBackend(data_dir=tmp_path, workers=2) as backend:
        ended = []

        def submit_and_wait():
            for _ in range(10):
                handle = backend.submit_circuits({"bell": BELL})
                ended.append(backend.poll_job_status(handle, loop_until_complete=True, verbose=False))

        threads = [threading.Thread(target=submit_and_wait) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert ended == ["COMPLETED"] * 10 * THREADS


def test_a_signal_handler_may_close_the_backend_in_the_middle_of_a_submission(tmp_path):
    program = f"""
import signal, sys, farshot
backend = farshot.LocalBackend(data_dir={str(tmp_path)!r}, workers=1)
def stop(*_):
    backend.close()
    sys.exit(7)
signal.signal(signal.SIGTERM, stop)
print("ready", flush=True)
while True:
    backend.submit_circuits({{"bell": {BELL!r}}})
"""
    for pause in (0.3, 0.301, 0.302, 0.303):
        with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as running:
            assert running.stdout.readline() == b"ready\n"
            threading.Timer(pause, running.send_signal, [signal.SIGTERM]).start()
            assert running.wait(timeout=60) == 7
        assert leased(tmp_path) == 0


def test_submissions_that_are_interrupted_leave_nothing_waiting(tmp_path):
    program = f"""
import random, signal, farshot
def interrupt(*_):
    raise KeyboardInterrupt
signal.signal(signal.SIGALRM, interrupt)
with farshot.LocalBackend(data_dir={str(tmp_path)!r}, workers=1) as backend:
    backend.wait(backend.submit_circuits({{"bell": {BELL!r}}}).job_id)
    interrupts = 0
    for _ in range(300):
        try:
            signal.setitimer(signal.ITIMER_REAL, random.uniform(0.0003, 0.004))
            backend.submit_circuits({{"bell": {BELL!r}}})
            signal.setitimer(signal.ITIMER_REAL, 0)
        except KeyboardInterrupt:
            interrupts += 1
    for job in backend.jobs(limit=1000):
        job.wait(timeout=8)
    print(interrupts)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 20
