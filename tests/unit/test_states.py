import pytest

from farshot.contract import JobStatus
from farshot.errors import TransitionError
from farshot.states import (
    JobEvent,
    ShardEvent,
    ShardStatus,
    final_status,
    job_after,
    jobs_before,
    shard_after,
    shards_before,
)


@pytest.mark.parametrize("status", [status for status in JobStatus if status.is_terminal])
@pytest.mark.parametrize("event", JobEvent)
def test_a_terminal_job_never_changes(status, event):
    with pytest.raises(TransitionError, match=status):
        job_after(status, event)


@pytest.mark.parametrize("status", [ShardStatus.DONE, ShardStatus.CANCELLED])
@pytest.mark.parametrize("event", ShardEvent)
def test_a_terminal_shard_never_changes(status, event):
    with pytest.raises(TransitionError, match=status):
        shard_after(status, event)


@pytest.mark.parametrize("event", JobEvent)
def test_jobs_before_are_those_that_may(event):
    for status in JobStatus:
        if status in jobs_before(event):
            assert job_after(status, event) in JobStatus
        else:
            with pytest.raises(TransitionError):
                job_after(status, event)


@pytest.mark.parametrize("event", ShardEvent)
def test_shards_before_are_those_that_may(event):
    for status in ShardStatus:
        if status in shards_before(event):
            assert shard_after(status, event) in ShardStatus
        else:
            with pytest.raises(TransitionError):
                shard_after(status, event)


def test_one_failed_circuit_fails_the_job():
    assert final_status(0) is JobStatus.COMPLETED
    assert final_status(1) is JobStatus.FAILED
