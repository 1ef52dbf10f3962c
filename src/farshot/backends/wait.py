"""Waiting for a job: the loop, the cancellation event, Ctrl-C, and what is shown meanwhile."""

from __future__ import annotations

import logging
import math
import signal
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from farshot.errors import ExecutionCancelledError, PollingTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from farshot.backends.estimates import Outlook
    from farshot.model import JobRecord


_log = logging.getLogger("farshot")
_SLICE = 0.02


@dataclass(frozen=True, slots=True)
class WaitDisplay:
    """How to wait for one job.

    `look` reads the job. `deadline` is a moment of `time.monotonic()`.
    `pause(seconds)` blocks for that long at most, less where something changed; it
    says whether a look may find something new.
    """

    look: Callable[[], JobRecord]
    pause: Callable[[float], bool]
    interval: float
    max_retries: int | None = None
    deadline: float = math.inf


def wait_for_end(waiting: WaitDisplay, event: threading.Event, report: Callable[[int, JobRecord], None]) -> JobRecord:
    """Return the job once it is terminal; `report` every look that finds it open.

    Raises `ExecutionCancelledError` within a few hundredths of a second of `event`, and
    `PollingTimeoutError` after `max_retries` looks.
    """
    attempt = 0
    record = waiting.look()
    while not record.status.is_terminal:
        attempt += 1
        if event.is_set():
            message = f"the wait for job {record.id} was cancelled; the job is {record.status}"
            raise ExecutionCancelledError(message)
        report(attempt, record)
        if _is_over(waiting, attempt):
            message = f"job {record.id} is still {record.status} after {attempt} looks; it goes on"
            raise PollingTimeoutError(message)
        record = _pause(waiting, event) or waiting.look()
    return record


def _is_over(waiting: WaitDisplay, attempt: int) -> bool:
    spent = waiting.max_retries is not None and attempt >= waiting.max_retries
    return spent or time.monotonic() >= waiting.deadline


def _pause(waiting: WaitDisplay, event: threading.Event) -> JobRecord | None:
    """Wait one polling interval, or until the event is set or the job has ended, and return it then."""
    until = min(time.monotonic() + waiting.interval, waiting.deadline)
    while not event.is_set() and (left := until - time.monotonic()) > 0:
        if waiting.pause(min(left, _SLICE)) and (record := waiting.look()).status.is_terminal:
            return record
    return None


@contextmanager
def first_interrupt() -> Iterator[threading.Event]:
    """Yield an event that the first Ctrl-C sets; the second raises `KeyboardInterrupt`.

    Only in the main thread and where nobody else handles SIGINT; the handler is put back. Whoever heeds the
    event clears it; one that is still set at the end came too late and is raised there, so that it is never lost.
    """
    event = threading.Event()
    if not _may_handle_interrupts():
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


def _may_handle_interrupts() -> bool:
    in_main = threading.current_thread() is threading.main_thread()
    return in_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler


@contextmanager
def reporter(
    callback: Callable[[int, str], None] | None, estimate: Callable[[JobRecord], Outlook], *, verbose: bool
) -> Iterator[Callable[[int, JobRecord], None]]:
    """Yield what shows a look: the caller's callback, a bar in a terminal or a notebook, or the log.

    `estimate` says how long a job still takes, and what comes before it.
    """
    if callback:
        yield lambda attempt, record: callback(attempt, record.status.value)
    elif not verbose:
        yield lambda _attempt, _record: None
    elif sys.stderr is None:
        yield _logging(estimate)
    else:
        with _late_bar(estimate) as draw:
            yield draw


@contextmanager
def _late_bar(estimate: Callable[[JobRecord], Outlook]) -> Iterator[Callable[[int, JobRecord], None]]:
    """Draw from the second look on: a job that is done at once is not worth a bar, nor what draws one."""
    with ExitStack() as stack:
        drawn: list[Callable[[int, JobRecord], None]] = []

        def report(attempt: int, record: JobRecord) -> None:
            if attempt > 1 and not drawn:
                from farshot.backends.progress_bar import job_bar

                drawn.append(stack.enter_context(job_bar(estimate)) or _logging(estimate))
            for draw in drawn or (_log_look,):
                draw(attempt, record)

        yield report


def _logging(estimate: Callable[[JobRecord], Outlook]) -> Callable[[int, JobRecord], None]:
    """Return what logs a look with what is expected; nobody is asked for that where nothing is logged."""
    from farshot.backends.progress_bar import asked_now_and_then, outlook_text

    asked = asked_now_and_then(estimate)

    def report(attempt: int, record: JobRecord) -> None:
        if _log.isEnabledFor(logging.INFO):
            expected = outlook_text(asked(record))
            _log.info("%s (look %d)", f"{_line(record)}, {expected}" if expected else _line(record), attempt)

    return report


def _log_look(attempt: int, record: JobRecord) -> None:
    _log.info("%s (look %d)", _line(record), attempt)


def _line(record: JobRecord) -> str:
    return f"job {record.id[:12]} {record.status.value} {record.done}/{record.circuits}"
