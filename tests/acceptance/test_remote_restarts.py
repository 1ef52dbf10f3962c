"""A service that is killed in the middle of things and started again: nobody who uses it notices."""

import threading
import time

import pytest

import farshot
from farshot.testing.backends import slow_circuits
from samples import BELL
from serving import running_server


@pytest.fixture
def server(tmp_path):
    with running_server(tmp_path, "--workers", "1") as server:
        yield server


@pytest.fixture
def backend(server):
    with farshot.RemoteBackend(server.url, server.token(), retry_seconds=30) as backend:
        yield backend


def in_background(work):
    """Run `work` in a thread; return a call that waits for what it gives."""
    found = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()

    def outcome():
        thread.join(120)
        return found[0]

    return outcome


def restart(server, pause=0.5):
    server.kill()
    time.sleep(pause)
    server.start()


def test_a_poll_outlives_a_restart(server, backend):
    handle = backend.submit_circuits(slow_circuits(4))
    polled = in_background(lambda: backend.poll_job_status(handle, loop_until_complete=True, verbose=False))
    time.sleep(0.5)
    restart(server)
    assert polled() is farshot.JobStatus.COMPLETED
    assert len(backend.get_job_results(handle).results) == 4


def test_a_submission_outlives_a_restart(server, backend):
    server.kill()
    submitted = in_background(lambda: backend.submit_circuits({"bell": BELL}))
    time.sleep(0.5)
    server.start()
    assert submitted().job_id
    assert len(backend.jobs()) == 1


def test_submissions_around_a_kill_make_one_job_each(server, backend):
    handles = []
    submitted = in_background(
        lambda: handles.extend(backend.submit_circuits({f"c{number}": BELL}, shots=1) for number in range(150))
    )
    time.sleep(0.5)
    restart(server)
    submitted()
    ids = [handle.job_id for handle in handles]
    assert len(set(ids)) == 150
    assert {job.id for job in backend.jobs(limit=500)} == set(ids)


def test_an_upload_outlives_a_restart(server):
    circuits = {f"c{number}": f"// {'x' * 65_000}\n{BELL}" for number in range(20 * 16)}
    restarted = []

    def on_upload(sent, _total):
        if sent and not restarted:
            restarted.append(sent)
            restart(server, 0)

    with farshot.RemoteBackend(server.url, server.token(), retry_seconds=30, on_upload=on_upload) as backend:
        handle = backend.submit_circuits(circuits, shots=1)
        assert restarted[0] < len(circuits)
        assert backend.poll_job_status(handle, loop_until_complete=True, verbose=False) is farshot.JobStatus.COMPLETED
        assert [entry["label"] for entry in backend.get_job_results(handle).results] == list(circuits)


def test_a_fetch_outlives_a_restart(server, backend):
    handle = backend.submit_circuits({f"c{number}": BELL for number in range(3000)}, shots=100, seed=1)
    backend.poll_job_status(handle, loop_until_complete=True, verbose=False)
    expected = backend.get_job_results(handle).results
    server.kill()
    fetched = in_background(lambda: backend.get_job_results(handle))
    time.sleep(0.5)
    server.start()
    assert fetched().results == expected


def test_a_stream_outlives_a_restart_and_gives_each_circuit_once(server, backend):
    circuits = {**{f"c{number}": BELL for number in range(200)}, **slow_circuits(5)}
    job = backend.job(backend.submit_circuits(circuits).job_id)
    streamed = in_background(lambda: [entry["label"] for entry in job.stream()])
    time.sleep(1)
    restart(server)
    labels = streamed()
    assert len(labels) == len(circuits)
    assert set(labels) == set(circuits)


def test_many_waits_outlive_several_restarts(server, backend):
    jobs = [backend.job(backend.submit_circuits(slow_circuits(1)).job_id) for _ in range(8)]
    gathered = in_background(lambda: farshot.gather(jobs))
    for _ in range(3):
        time.sleep(0.7)
        restart(server, 0.2)
    assert [len(entries) for entries in gathered()] == [1] * 8


def test_a_service_that_stays_away_is_told_to_everybody_who_waits(server):
    with farshot.RemoteBackend(server.url, server.token(), retry_seconds=1) as backend:
        job = backend.job(backend.submit_circuits(slow_circuits(50)).job_id)
        failures = []

        def wait():
            try:
                job.wait()
            except farshot.ServiceError as error:
                failures.append(str(error))

        threads = [threading.Thread(target=wait) for _ in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        server.kill()
        for thread in threads:
            thread.join(20)
        assert len(failures) == 3
        server.start()
        job.cancel()
        assert job.wait(timeout=180) is farshot.JobStatus.CANCELLED


def test_closing_ends_whoever_waits(server):
    others = set(threading.enumerate())
    backend = farshot.RemoteBackend(server.url, server.token())
    job = backend.job(backend.submit_circuits(slow_circuits(50)).job_id)
    failures = []

    def wait():
        try:
            job.wait()
        except farshot.ServiceError as error:
            failures.append(str(error))

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(0.5)
    backend.close()
    thread.join(30)
    assert failures == ["the backend is closed"]
    for left in set(threading.enumerate()) - others:
        left.join(30)
        assert not left.is_alive(), left.name
