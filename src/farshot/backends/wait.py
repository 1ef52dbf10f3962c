"""Waiting for one job: the polling loop, the cancellation event, Ctrl-C, and the report of progress."""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from farshot.backends.watch import CHECK_SECONDS
from farshot.errors import ExecutionCancelledError, PollingTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from farshot.backends.progress_bar import Estimate, Report
    from farshot.backends.watch import Watch
    from farshot.model import JobRecord


_log = logging.getLogger("farshot")


@dataclass(frozen=True, slots=True)
class PollingOptions:
    """How often a wait reports, and when it gives up."""

    interval: float
    """Seconds between two reports."""
    max_retries: int | None
    """The most polls, each of which is reported; None: no bound."""
    deadline: float
    """A moment of `time.monotonic()`; infinity: none."""


def wait_for_end(
    watch: Watch, job_id: str, options: PollingOptions, event: threading.Event, report: Report
) -> JobRecord:
    """Return the job once it is terminal; `report` each polling interval in which it is open.

    Raises `ExecutionCancelledError` within a few hundredths of a second of `event`, and `PollingTimeoutError` after
    `max_retries` polls or at the deadline.
    """
    attempt = 0
    record = watch.read(job_id)
    while not record.status.is_terminal:
        attempt += 1
        if event.is_set():
            message = f"the wait for job {record.id} was cancelled; the job is {record.status}"
            raise ExecutionCancelledError(message)
        report(attempt, record)
        is_last = options.max_retries is not None and attempt >= options.max_retries
        if is_last or time.monotonic() >= options.deadline:
            message = f"job {record.id} is still {record.status} after {attempt} looks; it goes on"
            raise PollingTimeoutError(message)
        until = min(time.monotonic() + options.interval, options.deadline)
        record = _wait_until(until, watch, job_id, event) or watch.read(job_id)
    return record


def _wait_until(until: float, watch: Watch, job_id: str, event: threading.Event) -> JobRecord | None:
    """Wait until that moment, or until the event is set; return the job as soon as it has ended."""
    while not event.is_set() and (left := until - time.monotonic()) > 0:
        if watch.pause(min(left, CHECK_SECONDS)) and (record := watch.read(job_id)).status.is_terminal:
            return record
    return None


@contextmanager
def first_interrupt() -> Iterator[threading.Event]:
    """Yield an event that the first Ctrl-C sets; the second raises `KeyboardInterrupt`.

    It does so only in the main thread and if nobody else handles SIGINT; the handler is put back at the end. The caller
    who acts on the event clears it; one that is still set at the end is raised there, so that no Ctrl-C is lost.
    """
    event = threading.Event()
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield event
        return

    def on_interrupt(_signal: int, _frame: FrameType | None) -> None:
        if event.is_set():
            raise KeyboardInterrupt
        event.set()

    previous = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield event
    finally:
        signal.signal(signal.SIGINT, previous)
    if event.is_set():
        raise KeyboardInterrupt


@contextmanager
def reporter(callback: Callable[[int, str], None] | None, estimate: Estimate, *, verbose: bool) -> Iterator[Report]:
    """Yield the report of a wait: the caller's callback, a bar in a terminal or a notebook, or the log.

    `estimate` returns how long a job still takes, and how many jobs come before it.
    """
    if callback:
        yield lambda attempt, record: callback(attempt, record.status.value)
    elif not verbose:
        yield lambda _attempt, _record: None
    elif sys.stderr is None:
        yield _log_with(estimate)
    else:
        with _late_bar(estimate) as report:
            yield report


@contextmanager
def _late_bar(estimate: Estimate) -> Iterator[Report]:
    """Yield a report that draws a bar from the second call on: the import takes longer than a job done at once."""
    with ExitStack() as stack:
        later_report: Report | None = None

        def report(attempt: int, record: JobRecord) -> None:
            nonlocal later_report
            if attempt > 1 and not later_report:
                from farshot.backends.progress_bar import job_bar

                later_report = stack.enter_context(job_bar(estimate)) or _log_with(estimate)
            (later_report or _log_state)(attempt, record)

        yield report


def _log_with(estimate: Estimate) -> Report:
    """Return the report that logs the state of a job and its outlook, which is asked for only if it is logged."""
    from farshot.backends.progress_bar import asked_now_and_then, outlook_text

    cached_estimate = asked_now_and_then(estimate)

    def report(attempt: int, record: JobRecord) -> None:
        if _log.isEnabledFor(logging.INFO):
            _log_state(attempt, record, outlook_text(cached_estimate(record)))

    return report


def _log_state(attempt: int, record: JobRecord, outlook: str = "") -> None:
    line = f"job {record.id[:12]} {record.status.value} {record.done}/{record.circuits}"
    _log.info("%s (look %d)", f"{line}, {outlook}" if outlook else line, attempt)
