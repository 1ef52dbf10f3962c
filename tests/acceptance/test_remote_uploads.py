"""Submissions that are large, that are given up, and that break off."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

import farshot
from commandline import wait_until
from farshot.testing.backends import slow_circuits
from giving_up import is_heeded, seconds_until_raised
from processes import workers_of
from samples import BELL
from serving import free_port, running_server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("service"), "--workers", "2") as server:
        yield server


@pytest.fixture
def alone(tmp_path):
    with running_server(tmp_path, "--workers", "1") as server:
        yield server


def open_backend(server, name, **options):
    return farshot.RemoteBackend(server.url, server.token(name), **{"retry_seconds": 20, **options})


def bells(count):
    return {f"c{number}": BELL for number in range(count)}


def large(megabytes):
    padding = "// " + "x" * 65_000 + "\n"
    return {f"c{number}": padding + BELL for number in range(megabytes * 16)}


def test_a_validation_is_given_up_at_once_and_leaves_no_process(server):
    circuits = bells(50_000)
    with open_backend(server, "validating") as backend:
        assert is_heeded(
            lambda event: backend.submit_circuits(circuits, validate=True, cancellation_event=event, shots=1)
        )
        wait_until(lambda: not workers_of(os.getpid()))
        assert backend.jobs() == []


def test_what_a_service_may_run_all_the_same_is_no_fault_of_a_validation(server):
    greek = 'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit \N{GREEK SMALL LETTER ALPHA};\nbit c;\n'
    greek += "h \N{GREEK SMALL LETTER ALPHA};\nc = measure \N{GREEK SMALL LETTER ALPHA};\n"
    circuits = {"not for prism-q": greek, "broken": BELL.replace("h q", "nonsense q")}
    with open_backend(server, "wide") as backend, pytest.raises(farshot.CircuitsInvalidError) as caught:
        backend.submit_circuits(circuits, validate=True, target="prism")
    assert list(caught.value.faults) == ["broken"]


def test_a_large_batch_travels_in_parts(server):
    told = []
    with open_backend(server, "large", on_upload=lambda *progress: told.append(progress)) as backend:
        handle = backend.submit_circuits(bells(45_000), shots=1, target="prism:stabilizer")
        assert backend.record(handle.job_id).circuits == 45_000
        backend.cancel_job(handle)
    assert told == sorted(told)
    assert told[-1] == (45_000, 45_000)
    assert len(told) >= 2


def test_parts_give_what_one_request_gives(server):
    with open_backend(server, "parts") as backend:
        circuits = {**large(9), "last": BELL}
        options = {"seed": 7, "shot_groups": [[0, 100, 10], [100, len(circuits), 20]]}
        handle = backend.submit_circuits(circuits, **options)
        assert backend.poll_job_status(handle, loop_until_complete=True) is farshot.JobStatus.COMPLETED
        entries = backend.get_job_results(handle).results
        few = backend.submit_circuits({"last": BELL}, seed=7, shots=20)
        backend.poll_job_status(few, loop_until_complete=True)
        assert [entry["label"] for entry in entries] == list(circuits)
        assert [sum(entry["results"].values()) for entry in entries] == [10] * 100 + [20] * (len(circuits) - 100)
        assert entries[-1]["results"] == backend.get_job_results(few).results[0]["results"]


def test_a_template_travels_in_parts(server):
    source = 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[1];\ncreg c[1];\nrx(a) q[0];\nmeasure q -> c;\n'
    rows = {f"r{number}": [3.141592653589793 * (number % 2)] for number in range(25_000)}
    with open_backend(server, "template") as backend:
        handle = backend.submit_circuits(farshot.Template(source, ["a"], rows), shots=2)
        assert backend.poll_job_status(handle, loop_until_complete=True) is farshot.JobStatus.COMPLETED
        entries = backend.get_job_results(handle).results
    assert [entry["label"] for entry in entries] == list(rows)
    assert [entry["results"] for entry in entries[:4]] == [{"0": 2}, {"1": 2}] * 2


def test_an_upload_that_is_given_up_is_withdrawn(server):
    event = threading.Event()
    with open_backend(server, "giving-up", on_upload=lambda *_: event.set()) as backend:
        with pytest.raises(farshot.ExecutionCancelledError) as caught:
            backend.submit_circuits(large(60), cancellation_event=event)
        assert caught.value.key
        assert caught.value.job_id
    with open_backend(server, "giving-up") as backend:
        assert backend.job(caught.value.job_id).status is farshot.JobStatus.CANCELLED
        assert not backend.jobs(status="PENDING")


def test_a_callback_that_raises_ends_the_upload(server):
    def on_upload(*_):
        raise RuntimeError

    with open_backend(server, "raising", on_upload=on_upload) as backend, pytest.raises(RuntimeError):
        backend.submit_circuits(large(60))
    with open_backend(server, "raising") as backend:
        assert {job.status for job in backend.jobs()} <= {farshot.JobStatus.CANCELLED}


def test_an_event_is_heeded_while_the_service_hangs(alone):
    with open_backend(alone, "ann") as backend:
        job = backend.job(backend.submit_circuits(slow_circuits(50)).job_id)
        many = bells(30_000)
        alone.freeze()
        calls = (
            lambda event: backend.submit_circuits({"bell": BELL}, cancellation_event=event),
            lambda event: backend.submit_circuits(many, cancellation_event=event),
            lambda event: job.wait(cancellation_event=event),
            lambda event: list(job.stream(cancellation_event=event)),
            lambda event: backend.poll_job_status(
                farshot.ExecutionResult(job_id=job.id),
                loop_until_complete=True,
                verbose=False,
                cancellation_event=event,
            ),
        )
        assert [is_heeded(call) for call in calls] == [True] * len(calls)
        alone.thaw()
        job.cancel()


def test_a_submission_in_flight_is_withdrawn_once_the_service_answers(alone):
    event = threading.Event()
    with open_backend(alone, "ann") as backend:
        backend.jobs()
        alone.freeze()
        _, error = seconds_until_raised(
            event, 0.3, lambda: backend.submit_circuits(slow_circuits(50), cancellation_event=event)
        )
        assert error.key
        alone.thaw()
    with open_backend(alone, "ann") as backend:
        assert [job.status for job in backend.jobs()] == [farshot.JobStatus.CANCELLED]


def test_what_breaks_off_names_its_key():
    with farshot.RemoteBackend(f"http://127.0.0.1:{free_port()}", "t", retry_seconds=0.5) as backend:
        began = time.monotonic()
        with pytest.raises(farshot.SubmissionError, match="mine") as caught:
            backend.submit_circuits({"bell": BELL}, key="mine")
        assert (caught.value.key, caught.value.job_id) == ("mine", None)
        assert 0.5 <= time.monotonic() - began < 3
        with pytest.raises(farshot.ServiceError, match="cannot be reached"):
            backend.jobs()


def test_an_upload_that_breaks_off_goes_on_with_its_key(alone):
    circuits = large(20)
    killed = []

    def kill(sent, _total):
        if not killed and sent:
            killed.append(sent)
            alone.kill()

    with open_backend(alone, "ann", on_upload=kill, retry_seconds=1) as backend:
        with pytest.raises(farshot.SubmissionError) as caught:
            backend.submit_circuits(circuits)
        alone.start()
        handle = backend.submit_circuits(circuits, key=caught.value.key)
        assert handle.job_id == caught.value.job_id
        assert backend.record(handle.job_id).circuits == len(circuits)
        backend.cancel_job(handle)


CTRL_C = """
import sys, time, farshot
backend = farshot.RemoteBackend(sys.argv[1], sys.argv[2], on_upload=lambda sent, total: print("sent", flush=True))
padding = "// " + "x" * 65_000
try:
    backend.submit_circuits({f"c{number}": padding for number in range(60 * 16)})
except farshot.ExecutionCancelledError as error:
    print(error.job_id)
"""


def test_ctrl_c_ends_an_upload_and_withdraws_it(server):
    token = server.token("ctrl-c")
    program = subprocess.Popen(
        [sys.executable, "-c", CTRL_C, server.url, token], stdout=subprocess.PIPE, text=True, env=os.environ
    )
    assert program.stdout.readline() == "sent\n"
    program.send_signal(signal.SIGINT)
    out, _ = program.communicate(timeout=180)
    with farshot.RemoteBackend(server.url, token) as backend:
        assert backend.job(out.split()[-1]).status is farshot.JobStatus.CANCELLED


WAIT = """
import sys, farshot
from farshot.testing.backends import slow_circuits
backend = farshot.RemoteBackend(sys.argv[1], sys.argv[2])
handle = backend.submit_circuits(slow_circuits(200))
print(handle.job_id, flush=True)
try:
    backend.poll_job_status(handle, loop_until_complete=True)
except farshot.ExecutionCancelledError:
    print("cancelled")
"""


def test_ctrl_c_ends_a_wait_and_cancels_its_job(server):
    token = server.token("ctrl-c-wait")
    program = subprocess.Popen([sys.executable, "-c", WAIT, server.url, token], stdout=subprocess.PIPE, text=True)
    job_id = program.stdout.readline().strip()
    time.sleep(0.5)
    program.send_signal(signal.SIGINT)
    out, _ = program.communicate(timeout=180)
    assert out == "cancelled\n"
    with farshot.RemoteBackend(server.url, token) as backend:
        assert backend.job(job_id).status is farshot.JobStatus.CANCELLED
