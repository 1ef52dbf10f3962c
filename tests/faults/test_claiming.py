"""What is claimed as it is submitted: never more than the workers can take, and given back when they end."""

import sqlite3
import threading
from contextlib import closing

import pytest

import farshot
from farshot.testing.backends import slow_circuits
from processes import until
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
        assert 0 < leased(tmp_path) <= 4 * workers
        until(lambda: leased(tmp_path) == 2 * workers)
        for handle in handles:
            backend.cancel_job(handle)
        handle = backend.submit_circuits({"bell": BELL})
        assert backend.poll_job_status(handle, loop_until_complete=True, verbose=False) == "COMPLETED"


def test_what_was_claimed_is_given_back_by_a_backend_that_is_closed(tmp_path):
    with farshot.LocalBackend(data_dir=tmp_path, workers=1) as backend:
        submit_from_many_threads(backend)
    assert leased(tmp_path) == 0


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
