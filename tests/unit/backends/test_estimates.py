"""How long a job still takes, by what its circuits were guessed to take."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from farshot.backends.bars import asked_now_and_then
from farshot.backends.estimates import Outlook, seconds_left
from farshot.contract import JobStatus
from farshot.model import Effort, JobRecord

START = datetime(2026, 1, 1, tzinfo=UTC)
RUNNING = JobRecord(
    seq=0,
    id="job",
    owner="",
    tag=None,
    status=JobStatus.RUNNING,
    cancel_requested=False,
    target="auto",
    uploading=False,
    priority=0,
    changed=3,
    circuits=100,
    done=99,
    failed=0,
    run_time=0.1,
    created_at=START,
    started_at=START,
    finished_at=None,
)


def test_small_circuits_at_the_beginning_do_not_promise_an_early_end():
    assert seconds_left(RUNNING, Effort(done=1.0, total=10.0), START + timedelta(seconds=2)) == pytest.approx(18.0)


@pytest.mark.parametrize("record", [replace(RUNNING, status=JobStatus.PENDING), replace(RUNNING, started_at=None)])
def test_a_job_that_does_not_run_has_no_estimate(record):
    assert seconds_left(record, Effort(1.0, 10.0), START) is None


def test_nothing_done_gives_no_estimate():
    assert seconds_left(RUNNING, Effort(0.0, 10.0), START) is None


def test_an_estimate_is_counted_down_and_not_asked_for_at_every_look():
    asked = []
    estimate = asked_now_and_then(lambda record: asked.append(record) or Outlook(seconds=100.0))
    found = [estimate(RUNNING).seconds for _ in range(50)]
    assert len(asked) == 1
    assert found == sorted(found, reverse=True)
    assert found[0] == pytest.approx(100.0, abs=1.0)


def test_a_job_that_begins_is_asked_about_at_once():
    outlooks = {JobStatus.PENDING: Outlook(jobs_ahead=2), JobStatus.RUNNING: Outlook(seconds=5.0)}
    estimate = asked_now_and_then(lambda record: outlooks[record.status])
    assert estimate(replace(RUNNING, status=JobStatus.PENDING)).jobs_ahead == 2
    assert estimate(RUNNING).seconds == pytest.approx(5.0, abs=1.0)
