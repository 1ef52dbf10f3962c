from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from farshot.cli.reports import job_line, took_text
from farshot.contract import JobStatus
from farshot.model import JobRecord

MADE = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def record():
    return JobRecord(
        seq=1,
        id="0123456789abcdef",
        owner="",
        tag=None,
        status=JobStatus.COMPLETED,
        cancel_requested=False,
        target="auto",
        uploading=False,
        priority=0,
        changed=1,
        circuits=2,
        done=2,
        failed=0,
        run_time=0.5,
        created_at=MADE,
        started_at=MADE,
        finished_at=MADE + timedelta(seconds=75),
    )


def test_a_job_that_ended_says_how_long_it_took(record):
    assert job_line(record) == "job 01234567 COMPLETED: 2 circuits, 1m 15s"


def test_an_open_job_took_nothing_yet(record):
    open_job = replace(record, status=JobStatus.RUNNING, done=1, finished_at=None)
    assert job_line(open_job) == "job 01234567 RUNNING: 1 of 2 circuits"


def test_a_clock_that_was_set_back_shows_no_time(record):
    back = replace(record, finished_at=MADE - timedelta(hours=1))
    assert took_text(back) == ""
    assert job_line(back) == "job 01234567 COMPLETED: 2 circuits"
