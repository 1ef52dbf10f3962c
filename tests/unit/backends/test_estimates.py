"""How long a job still takes, by what its circuits were guessed to take."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from rich.console import Console

from farshot.backends.estimates import NO_OUTLOOK, Outlook, outlook_of, seconds_left
from farshot.backends.progress_bar import _terminal_bar, asked_now_and_then
from farshot.contract import JobStatus
from farshot.model import Forecast, JobProgress, JobRecord

START = datetime(2026, 1, 1, tzinfo=UTC)
DENSE = Forecast("prism", "statevector", 660.0)
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
    assert seconds_left(RUNNING, JobProgress(done=1.0, total=10.0), START + timedelta(seconds=2)) == pytest.approx(15.0)


@pytest.mark.parametrize("record", [replace(RUNNING, status=JobStatus.PENDING), replace(RUNNING, started_at=None)])
def test_a_job_that_does_not_run_has_no_estimate(record):
    assert seconds_left(record, JobProgress(1.0, 10.0), START) is None


@pytest.mark.parametrize(
    ("forecasts", "whole"),
    [
        ((), 600.0),
        ((DENSE,), 660.0),
        ((DENSE, Forecast("prism")), 660.0),
        ((Forecast("prism"), Forecast("prism")), 300.0),
        ((Forecast("prism", "mps", 1.0),) * 100, 1.0),
    ],
    ids=["by the texts", "no less than what runs", "of two workers", "shared", "all of it runs"],
)
def test_before_a_circuit_is_done_the_guess_holds(forecasts, whole):
    begun, effort = replace(RUNNING, done=0), JobProgress(0.0, 600.0, forecasts)
    assert seconds_left(begun, effort, START) == whole
    assert seconds_left(begun, effort, START + timedelta(seconds=0.5)) == whole - 0.5


@pytest.mark.parametrize(
    ("forecast", "circuits", "left"),
    [(25.9, 2, 18.0), (None, 2, 2.1), (25.9, 3, 18.0)],
    ids=["it is foretold", "nobody knows", "others wait"],
)
def test_a_short_circuit_says_little_of_a_long_one(forecast, circuits, left):
    record = replace(RUNNING, circuits=circuits, done=1, run_time=2e-4)
    effort = JobProgress(5e-5, 10.0, (Forecast("prism", None, forecast),))
    assert seconds_left(record, effort, START + timedelta(seconds=7.9)) == pytest.approx(left, abs=0.1)


def test_a_guess_that_is_over_says_nothing_more():
    outlook = outlook_of(replace(RUNNING, done=0), JobProgress(0.0, 10.0, (DENSE,)), START + timedelta(seconds=700))
    assert outlook == Outlook(running=(DENSE,))


def test_a_guess_may_be_wrong_by_much_and_what_was_seen_by_less():
    guessed = outlook_of(replace(RUNNING, done=0), JobProgress(0.0, 10.0), START)
    seen = outlook_of(RUNNING, JobProgress(1.0, 10.0), START + timedelta(seconds=2))
    assert (guessed.low, guessed.high) == pytest.approx((1.0, 100.0))
    assert (seen.low, seen.high) == pytest.approx((12.5, 18.0), rel=0.01)


def test_a_job_that_has_ended_has_no_outlook():
    assert outlook_of(replace(RUNNING, status=JobStatus.COMPLETED), JobProgress(10.0, 10.0), START) == NO_OUTLOOK


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


@pytest.mark.parametrize("width", [57, 60, 70, 80, 100, 120])
def test_a_bar_tells_how_far_a_job_is_before_how_it_is_run(width):
    screen = StringIO()
    console = Console(file=screen, force_terminal=True, color_system=None, width=width)
    outlook = Outlook(14.2, running=(Forecast("prism", "statevector", 20.0),))
    with _terminal_bar(console, lambda _record: outlook) as report:
        report(1, replace(RUNNING, id="12230e9e1e87", circuits=200, done=3))
    shown = screen.getvalue()
    assert "job 12230e9e1e87 RUNNING" in shown
    assert "3/200 circuits 0:00:" in shown
    assert ("15 s left" in shown) == (width > 60)
    assert ("prism statevector" in shown) == (width >= 100)
