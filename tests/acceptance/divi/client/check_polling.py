"""Waiting for a job: what is called when, and how a wait is ended."""

import os
import signal
import threading

import pytest
from circuits import BELL, status_of, wait
from qoro import MODULE, VERSION, ExecutionCancelledError, JobStatus

ENDED = {JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED}
FOREVER = 3600.0
"""Seconds between two looks: whoever waits for the second one fails the check by never ending."""


def test_r02_one_look_returns_a_status(service, begun):
    assert service.poll_job_status(begun) in {JobStatus.PENDING, JobStatus.RUNNING}


def test_r03_the_loop_ends_with_the_job(service):
    assert wait(service, service.submit_circuits({"bell": BELL})) is JobStatus.COMPLETED


def test_r04_the_callback_hears_of_open_jobs_only(service, begun):
    heard, enough = [], threading.Event()

    def hear(attempt, status):
        heard.append((attempt, status))
        if len(heard) == 3:
            enough.set()

    with pytest.raises(ExecutionCancelledError):
        wait(service, begun, progress_callback=hear, cancellation_event=enough)
    assert [attempt for attempt, _ in heard] == [1, 2, 3]
    assert {status for _, status in heard} <= {"PENDING", "RUNNING"}
    handle = service.submit_circuits({"bell": BELL})
    service.cancel_job(begun)
    heard.clear()
    wait(service, handle, progress_callback=hear)
    assert {status for _, status in heard} <= {"PENDING", "RUNNING"}


@pytest.mark.only("a")
def test_r05_on_complete_is_called_once(service):
    handle, heard = service.submit_circuits({"bell": BELL}), []
    wait(service, handle, on_complete=heard.append)
    assert [response.json()["status"] for response in heard] == ["COMPLETED"]


def test_r07_a_set_event_ends_the_wait_and_not_the_job(service, begun):
    event = threading.Event()
    event.set()
    with pytest.raises(ExecutionCancelledError):
        wait(service, begun, cancellation_event=event)
    assert status_of(service, begun) not in ENDED


def test_r08_an_event_ends_a_wait_within_the_interval(make_service, begun):
    service, event = make_service(polling_interval=FOREVER), threading.Event()
    heard = lambda *_: threading.Timer(0.1, event.set).start()  # noqa: E731 -- a callback
    with pytest.raises(ExecutionCancelledError):
        wait(service, begun, cancellation_event=event, progress_callback=heard)


def test_r09_and_r10_an_interrupt_cancels_the_job(make_service, begun):
    service, before = make_service(polling_interval=FOREVER), signal.getsignal(signal.SIGINT)

    def interrupt(*_):
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()

    with pytest.raises(ExecutionCancelledError):
        wait(service, begun, progress_callback=interrupt)
    assert status_of(service, begun) is JobStatus.CANCELLED
    assert signal.getsignal(signal.SIGINT) is before


def test_r50_a_number_of_looks_is_enough(make_service, begun):
    with pytest.raises(MODULE.MaxRetriesReachedError) as caught:
        wait(make_service(max_retries=3), begun)
    assert (caught.value.job_id, caught.value.retries) == (begun.job_id, 3)


def test_an_ended_job_is_known_by_its_status(service, begun):
    service.cancel_job(begun)
    if VERSION == "a":
        assert wait(service, begun) is JobStatus.CANCELLED
    else:
        with pytest.raises(MODULE.JobCancelledError):
            wait(service, begun)
