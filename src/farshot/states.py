"""One table of transitions for jobs and one for shards; nothing else decides what may follow what.

```text
job    PENDING ──claim──▶ RUNNING ──record──▶ COMPLETED | FAILED        written by the dispatcher
          │                 └───expire───▶ FAILED                       written by any dispatcher
          ├────────── set aside ─────────────▶ FAILED                   written by the dispatcher that cannot handle it
          └─────────── cancel ───────────────▶ CANCELLED                written by whoever cancels
shard  QUEUED ──claim──▶ LEASED ──record──▶ DONE                        written by the lease's holder
          ▲                 │
          └──── release ────┘   the worker was lost, or the lease ran out
       QUEUED | LEASED ──cancel──▶ CANCELLED                            written by whoever ends the job early
```
"""

from __future__ import annotations

from enum import StrEnum

from farshot.contract import JobStatus
from farshot.errors import TransitionError


class ShardStatus(StrEnum):
    """Where a shard stands. DONE and CANCELLED are terminal."""

    QUEUED = "QUEUED"
    """Nobody holds it. Written by submit and by release."""
    LEASED = "LEASED"
    """One holder may finish it until its lease runs out. Written by claim."""
    DONE = "DONE"
    """Every circuit of it has a recorded result. Written by the holder of the lease."""
    CANCELLED = "CANCELLED"
    """Its job was cancelled or ran out of time first. Written by whoever ends the job."""


class JobEvent(StrEnum):
    """What can happen to a job."""

    CLAIM = "claim"
    COMPLETE = "complete"
    FAIL = "fail"
    EXPIRE = "expire"
    EXCEED = "exceed"
    """It would store more than its owner may have."""
    SET_ASIDE = "set aside"
    CANCEL = "cancel"


class ShardEvent(StrEnum):
    """What can happen to a shard."""

    CLAIM = "claim"
    FINISH = "finish"
    RELEASE = "release"
    CANCEL = "cancel"


_JOB = {
    (JobStatus.PENDING, JobEvent.CLAIM): JobStatus.RUNNING,
    (JobStatus.RUNNING, JobEvent.CLAIM): JobStatus.RUNNING,
    (JobStatus.RUNNING, JobEvent.COMPLETE): JobStatus.COMPLETED,
    (JobStatus.RUNNING, JobEvent.FAIL): JobStatus.FAILED,
    (JobStatus.RUNNING, JobEvent.EXPIRE): JobStatus.FAILED,
    (JobStatus.RUNNING, JobEvent.EXCEED): JobStatus.FAILED,
    (JobStatus.PENDING, JobEvent.SET_ASIDE): JobStatus.FAILED,
    (JobStatus.RUNNING, JobEvent.SET_ASIDE): JobStatus.FAILED,
    (JobStatus.PENDING, JobEvent.CANCEL): JobStatus.CANCELLED,
    (JobStatus.RUNNING, JobEvent.CANCEL): JobStatus.CANCELLED,
}

_SHARD = {
    (ShardStatus.QUEUED, ShardEvent.CLAIM): ShardStatus.LEASED,
    (ShardStatus.LEASED, ShardEvent.CLAIM): ShardStatus.LEASED,
    (ShardStatus.LEASED, ShardEvent.FINISH): ShardStatus.DONE,
    (ShardStatus.LEASED, ShardEvent.RELEASE): ShardStatus.QUEUED,
    (ShardStatus.QUEUED, ShardEvent.CANCEL): ShardStatus.CANCELLED,
    (ShardStatus.LEASED, ShardEvent.CANCEL): ShardStatus.CANCELLED,
}


def job_after(status: JobStatus, event: JobEvent) -> JobStatus:
    """Return the status that follows, or raise `TransitionError`.

    >>> job_after(JobStatus.PENDING, JobEvent.CLAIM).value
    'RUNNING'
    """
    try:
        return _JOB[status, event]
    except KeyError:
        message = f"a {status} job cannot {event}"
        raise TransitionError(message) from None


def shard_after(status: ShardStatus, event: ShardEvent) -> ShardStatus:
    """Return the status that follows, or raise `TransitionError`."""
    try:
        return _SHARD[status, event]
    except KeyError:
        message = f"a {status} shard cannot {event}"
        raise TransitionError(message) from None


def jobs_before(event: JobEvent) -> frozenset[JobStatus]:
    """Return the statuses in which `event` may happen to a job."""
    return frozenset(status for status, happened in _JOB if happened is event)


def shards_before(event: ShardEvent) -> frozenset[ShardStatus]:
    """Return the statuses in which `event` may happen to a shard."""
    return frozenset(status for status, happened in _SHARD if happened is event)


def final_status(failed: int) -> JobStatus:
    """Return the status of a running job whose circuits all have an outcome, `failed` of them a fault."""
    return job_after(JobStatus.RUNNING, JobEvent.FAIL if failed else JobEvent.COMPLETE)
