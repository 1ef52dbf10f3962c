import threading
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from farshot.backends.http.feed import RemoteWatch
from farshot.backends.watch import WaitLimit
from farshot.contract import JobStatus
from farshot.errors import ServiceError
from farshot.model import JobRecord

RUNNING = JobRecord(
    seq=0,
    id="job",
    owner="ann",
    tag=None,
    status=JobStatus.RUNNING,
    cancel_requested=False,
    target="auto",
    uploading=False,
    priority=0,
    changed=3,
    circuits=2,
    done=1,
    failed=0,
    run_time=0.1,
    created_at=datetime.now(UTC),
    started_at=None,
    finished_at=None,
)


@pytest.fixture
def watch():
    return RemoteWatch({"job"}, threading.Condition(), WaitLimit(None, float("inf")))


def test_news_that_come_after_the_end_of_a_wait_do_not_make_it_go_on(watch):
    watch.take("job", RUNNING)
    watch.take("job", ServiceError("the backend is closed"))
    watch.take("job", RUNNING)
    with pytest.raises(ServiceError, match="closed"):
        watch.read("job")


def test_a_job_that_has_ended_stays_ended(watch):
    ended = replace(RUNNING, status=JobStatus.COMPLETED, done=2)
    watch.take("job", ended)
    watch.take("job", RUNNING)
    assert watch.read("job") == ended
    assert watch.ended() == ["job"]
