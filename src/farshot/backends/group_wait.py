"""Waiting for many jobs at once, be they of one backend or of several."""

from __future__ import annotations

import math
import queue
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from farshot.backends.background import start
from farshot.errors import ExecutionCancelledError, PollingTimeoutError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from farshot.backends.jobs import Job, JobBackend
    from farshot.backends.results import JobResult


def gather(jobs: Iterable[Job], timeout: float | None = None) -> list[JobResult]:
    """Wait for all jobs and return the outcomes of each, in the order of `jobs`; circuits that failed have an `error`.

    Raises `PollingTimeoutError` after `timeout` seconds; the jobs go on then.
    """
    wanted = list(jobs)
    found = {_name(job): job.partial() for job in as_completed(wanted, timeout)}
    return [found[_name(job)] for job in wanted]


def as_completed(jobs: Iterable[Job], timeout: float | None = None) -> Iterator[Job]:
    """Yield each job once it has ended, COMPLETED or not, the first to end first; one that is given twice, once.

    Raises `PollingTimeoutError` after `timeout` seconds; the jobs go on then.
    """
    by_backend: dict[int, dict[str, Job]] = {}
    for job in jobs:
        by_backend.setdefault(id(job.backend), {})[job.id] = job
    groups = list(by_backend.values())
    if len(groups) == 1:
        return _of_one(groups[0], timeout)
    return _of_several(groups, timeout)


def _name(job: Job) -> tuple[int, str]:
    return id(job.backend), job.id


def _of_one(jobs: Mapping[str, Job], timeout: float | None) -> Iterator[Job]:
    for job_id in _backend_of(jobs).ended(jobs.keys(), timeout=timeout):
        yield jobs[job_id]


def _backend_of(jobs: Mapping[str, Job]) -> JobBackend:
    return next(iter(jobs.values())).backend


def _of_several(groups: list[dict[str, Job]], timeout: float | None) -> Iterator[Job]:
    deadline = math.inf if timeout is None else time.monotonic() + timeout
    with _ended(groups) as found:
        for _ in range(sum(map(len, groups))):
            yield _next(found, deadline)


@contextmanager
def _ended(groups: list[dict[str, Job]]) -> Iterator[queue.SimpleQueue[Job | Exception]]:
    """Yield where the jobs that end are put, each backend watched by a thread."""
    found: queue.SimpleQueue[Job | Exception] = queue.SimpleQueue()
    unwanted = threading.Event()

    def watch(jobs: Mapping[str, Job]) -> None:
        try:
            for job_id in _backend_of(jobs).ended(jobs.keys(), cancellation_event=unwanted):
                found.put(jobs[job_id])
        except ExecutionCancelledError:
            return
        except Exception as error:  # noqa: BLE001 -- whoever waits gets it
            found.put(error)

    for jobs in groups:
        start(lambda jobs=jobs: watch(jobs), name="farshot-gather")  # type: ignore[misc]  # the loop's own value
    try:
        yield found
    finally:
        unwanted.set()


def _next(found: queue.SimpleQueue[Job | Exception], deadline: float) -> Job:
    left = deadline - time.monotonic()
    try:
        ended = found.get(timeout=None if left == math.inf else max(0.0, left))
    except queue.Empty:
        message = "the time to wait is over; jobs that have not ended go on"
        raise PollingTimeoutError(message) from None
    if isinstance(ended, Exception):
        raise ended
    return ended
