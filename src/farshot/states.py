"""The status transitions of jobs and of shards, one table each. Nothing else decides which status may follow.

```text
job    PENDING ──claim──▶ RUNNING ──record──▶ COMPLETED | FAILED        written by the dispatcher
          │                 └───expire───▶ FAILED                       written by any dispatcher
          ├────────── set aside ─────────────▶ FAILED                   written by the dispatcher that cannot handle it
          └─────────── cancel ───────────────▶ CANCELLED                written by the process that cancels
shard  QUEUED ──claim──▶ LEASED ──record──▶ DONE                        written by the lease's holder
          ▲                 │
          └──── release ────┘   the worker was lost, or the lease ran out
       QUEUED | LEASED ──cancel──▶ CANCELLED                            written by the process that ends the job early
```
"""

from __future__ import annotations

from enum import StrEnum

from farshot.contract import JobStatus
from farshot.errors import TransitionError


class ShardStatus(StrEnum):
    """The status of a shard. DONE and CANCELLED are terminal."""

    QUEUED = "QUEUED"
    """Open to be claimed. Written by submit and by release."""
    LEASED = "LEASED"
    """One holder may finish it until its lease runs out. Written by claim."""
    DONE = "DONE"
    """Every circuit has a recorded result. Written by the holder of the lease."""
    CANCELLED = "CANCELLED"
    """Its job was cancelled or ran out of time first. Written by the process that ends the job."""


class JobEvent(StrEnum):
    """An event of a job."""

    CLAIM = "claim"
    COMPLETE = "complete"
    FAIL = "fail"
    EXPIRE = "expire"
    EXCEED = "exceed"
    """Its results would exceed the bytes that its owner may store."""
    SET_ASIDE = "set aside"
    CANCEL = "cancel"


class ShardEvent(StrEnum):
    """An event of a shard."""

    CLAIM = "claim"
    FINISH = "finish"
    RELEASE = "release"
    CANCEL = "cancel"


_JOB_TRANSITIONS = {
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

_SHARD_TRANSITIONS = {
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
        return _JOB_TRANSITIONS[status, event]
    except KeyError:
        message = f"a {status} job cannot {event}"
        raise TransitionError(message) from None


def shard_after(status: ShardStatus, event: ShardEvent) -> ShardStatus:
    """Return the status that follows, or raise `TransitionError`."""
    try:
        return _SHARD_TRANSITIONS[status, event]
    except KeyError:
        message = f"a {status} shard cannot {event}"
        raise TransitionError(message) from None


def jobs_before(event: JobEvent) -> frozenset[JobStatus]:
    """Return the statuses in which `event` is allowed for a job."""
    return frozenset(status for status, allowed in _JOB_TRANSITIONS if allowed is event)


def shards_before(event: ShardEvent) -> frozenset[ShardStatus]:
    """Return the statuses in which `event` is allowed for a shard."""
    return frozenset(status for status, allowed in _SHARD_TRANSITIONS if allowed is event)


def final_status(failed: int) -> JobStatus:
    """Return the final status of a running job whose circuits all have an outcome, of which `failed` are faults."""
    return job_after(JobStatus.RUNNING, JobEvent.FAIL if failed else JobEvent.COMPLETE)
