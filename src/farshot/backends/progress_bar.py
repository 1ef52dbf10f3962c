"""A bar that shows the progress of a job in a terminal or in a notebook."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from rich.console import Console

    from farshot.backends.estimates import Outlook
    from farshot.contract import JobStatus
    from farshot.model import JobRecord

    Report: TypeAlias = Callable[[int, JobRecord], None]
    Estimate: TypeAlias = Callable[[JobRecord], Outlook]


_WIDTH = 30
_MIN_WIDTH = 20
_ECHO_WIDTH = 3
"""Columns left free, because a terminal echoes ^C behind the bar; if that wraps, the bar cannot be erased."""
_MIN_BAR_WIDTH = 6
_ESTIMATE_SECONDS = 2.0
"""Time between two estimates of a job of one status."""


@contextmanager
def job_bar(estimate: Estimate) -> Iterator[Report | None]:
    """Yield the report that draws a job, None if there is no screen; `estimate` returns how long it still takes."""
    from rich.console import Console

    console = Console(stderr=True)
    estimate = asked_now_and_then(estimate)
    if console.is_jupyter:
        with _notebook_bar(estimate) as report:
            yield report
    elif console.is_terminal:
        console.width = max(_MIN_WIDTH, console.width - _ECHO_WIDTH)
        with _terminal_bar(console, estimate) as report:
            yield report
    else:
        yield None


def asked_now_and_then(estimate: Estimate) -> Estimate:
    """Return an estimate that keeps that of a job of one status for a moment, its seconds counted down."""
    known: tuple[float, JobStatus, Outlook] | None = None

    def cached_estimate(record: JobRecord) -> Outlook:
        nonlocal known
        now = time.monotonic()
        if not known or now - known[0] >= _ESTIMATE_SECONDS or known[1] is not record.status:
            known = now, record.status, estimate(record)
        at, _, outlook = known
        return outlook if outlook.seconds is None else replace(outlook, seconds=max(0.0, outlook.seconds - (now - at)))

    return cached_estimate


def outlook_text(outlook: Outlook) -> str:
    """Return how a job is run and how long it still takes, or how many jobs come before it, as text.

    >>> from farshot.backends.estimates import Outlook
    >>> [outlook_text(Outlook(seconds=seconds)) for seconds in (None, 8.2, 200.0)]
    ['', 'about 9 s left', 'about 4 min left']
    >>> [outlook_text(Outlook(jobs_ahead=jobs)) for jobs in (0, 1, 7)]
    ['next in the queue', 'behind 1 job', 'behind 7 jobs']
    >>> from farshot.model import Forecast
    >>> outlook_text(Outlook(8.2, running=(Forecast("aer"), Forecast("prism", "mps"))))
    'aer and prism mps, about 9 s left'
    """
    runs = " and ".join(f"{each.simulator} {each.method or ''}".rstrip() for each in outlook.running)
    return ", ".join(part for part in (runs, _time_text(outlook)) if part)


def _fitting_text(outlook: Outlook, room: int) -> str:
    """Return the longest text of at most `room` characters: all, the time left, or the time without `about`."""
    time_left = _time_text(outlook)
    texts = (outlook_text(outlook), time_left, time_left.removeprefix("about "))
    return next((text for text in texts if len(text) <= room), "")


def _fixed_width(record: JobRecord) -> int:
    """Return the number of characters of the columns that a bar always has, with the spaces between them."""
    return len(f"{_title(record)} {record.circuits}/{record.circuits} circuits 0:00:00 ") + _MIN_BAR_WIDTH


def _time_text(outlook: Outlook) -> str:
    seconds, ahead = outlook.seconds, outlook.jobs_ahead
    if seconds is not None:
        return f"about {int(seconds) + 1} s left" if seconds < 100 else f"about {int(seconds / 60) + 1} min left"
    if ahead is None:
        return ""
    return f"behind {ahead:,} job{'' if ahead == 1 else 's'}" if ahead else "next in the queue"


@contextmanager
def _terminal_bar(console: Console, estimate: Estimate) -> Iterator[Report]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TextColumn("circuits"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[outlook]}", markup=False),
    )
    with Progress(*columns, console=console, transient=True, expand=True) as progress:
        task = progress.add_task("waiting", total=None, outlook="")

        def report(_attempt: int, record: JobRecord) -> None:
            progress.update(
                task,
                description=_title(record),
                total=record.circuits,
                completed=record.done,
                outlook=_fitting_text(estimate(record), console.width - _fixed_width(record)),
            )

        yield report


@contextmanager
def _notebook_bar(estimate: Estimate) -> Iterator[Report]:
    from IPython.display import display

    shown: Any = display({"text/plain": "waiting"}, raw=True, display_id=True)  # type: ignore[no-untyped-call]  # so it is

    def report(_attempt: int, record: JobRecord) -> None:
        full = _WIDTH * record.done // max(1, record.circuits)
        drawn = "\u2501" * full + "\u2500" * (_WIDTH - full)
        counted = f"{record.done}/{record.circuits} circuits"
        parts = (_title(record), drawn, counted, outlook_text(estimate(record)))
        shown.update({"text/plain": "  ".join(part for part in parts if part)}, raw=True)

    try:
        yield report
    finally:
        shown.update({"text/plain": ""}, raw=True)


def _title(record: JobRecord) -> str:
    return f"job {record.id[:12]} {record.status.value}"
