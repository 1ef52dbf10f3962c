"""Waiting for many jobs at once, of one backend or of several."""

from __future__ import annotations

import math
import queue
import threading
import time
from functools import partial
from typing import TYPE_CHECKING

from farshot.backends.background import start
from farshot.errors import ExecutionCancelledError, PollingTimeoutError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from farshot.backends.jobs import Job
    from farshot.backends.results import JobResult


def gather(jobs: Iterable[Job], timeout: float | None = None) -> list[JobResult]:
    """Wait for all jobs and return the outcomes of each, in the order of `jobs`; circuits that failed have an `error`.

    Raises `PollingTimeoutError` after `timeout` seconds; the jobs go on then.
    """
    wanted = list(jobs)
    results = {_key(job): job.partial() for job in as_completed(wanted, timeout)}
    return [results[_key(job)] for job in wanted]


def as_completed(jobs: Iterable[Job], timeout: float | None = None) -> Iterator[Job]:
    """Yield each job once it has ended, COMPLETED or not, the first to end first; one that is given twice, once.

    Raises `PollingTimeoutError` after `timeout` seconds; the jobs go on then.
    """
    by_backend: dict[int, dict[str, Job]] = {}
    for job in jobs:
        by_backend.setdefault(id(job.backend), {})[job.id] = job
    groups = list(by_backend.values())
    return _ended(groups[0], timeout) if len(groups) == 1 else _ended_of_several(groups, timeout)


def _key(job: Job) -> tuple[int, str]:
    return id(job.backend), job.id


def _ended(
    jobs: Mapping[str, Job], timeout: float | None = None, event: threading.Event | None = None
) -> Iterator[Job]:
    """Yield the jobs of one backend as they end."""
    backend = next(iter(jobs.values())).backend
    for job_id in backend.ended(jobs.keys(), timeout=timeout, cancellation_event=event):
        yield jobs[job_id]


def _ended_of_several(groups: list[dict[str, Job]], timeout: float | None) -> Iterator[Job]:
    """Yield the jobs of several backends as they end; a thread watches each backend."""
    deadline = math.inf if timeout is None else time.monotonic() + timeout
    ended: queue.SimpleQueue[Job | Exception] = queue.SimpleQueue()
    stop = threading.Event()
    for jobs in groups:
        start(partial(_watch, jobs, ended, stop), name="farshot-gather")
    try:
        for _ in range(sum(map(len, groups))):
            yield _take(ended, deadline)
    finally:
        stop.set()


def _watch(jobs: Mapping[str, Job], ended: queue.SimpleQueue[Job | Exception], stop: threading.Event) -> None:
    try:
        for job in _ended(jobs, event=stop):
            ended.put(job)
    except ExecutionCancelledError:
        return
    except Exception as error:  # noqa: BLE001 -- the caller who waits gets it
        ended.put(error)


def _take(ended: queue.SimpleQueue[Job | Exception], deadline: float) -> Job:
    left = deadline - time.monotonic()
    try:
        job = ended.get(timeout=None if left == math.inf else max(0.0, left))
    except queue.Empty:
        message = "the time to wait is over; jobs that have not ended go on"
        raise PollingTimeoutError(message) from None
    if isinstance(job, Exception):
        raise job
    return job
