"""A bar that shows how far a job is, in a terminal or in a notebook."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from rich.console import Console

    from farshot.model import JobRecord

    Report: TypeAlias = Callable[[int, JobRecord], None]
    Left: TypeAlias = Callable[[JobRecord], float | None]

__all__ = ["job_bar", "left_text", "lookup_now_and_then"]

_WIDTH = 30
_ASKED_EVERY = 2.0


@contextmanager
def job_bar(left: Left) -> Iterator[Report | None]:
    """Yield what draws a look at a job; None where nobody would see it. `left` estimates the seconds it still takes."""
    from rich.console import Console

    console = Console(stderr=True)
    asked = lookup_now_and_then(left)
    if console.is_jupyter:
        with _notebook_bar(asked) as report:
            yield report
    elif console.is_terminal:
        with _terminal_bar(console, asked) as report:
            yield report
    else:
        yield None


def lookup_now_and_then(left: Left) -> Left:
    """Return the estimate of a moment ago where there is one, counted down."""
    known: list[tuple[float, float | None]] = []

    def asked(record: JobRecord) -> float | None:
        now = time.monotonic()
        if not known or now - known[-1][0] >= _ASKED_EVERY:
            known[:] = [(now, left(record))]
        at, seconds = known[-1]
        return None if seconds is None else max(0.0, seconds - (now - at))

    return asked


def left_text(seconds: float | None) -> str:
    """Say how long it still takes.

    >>> left_text(None), left_text(8.2), left_text(200.0)
    ('', 'about 9 s left', 'about 4 min left')
    """
    if seconds is None:
        return ""
    return f"about {int(seconds) + 1} s left" if seconds < 100 else f"about {int(seconds / 60) + 1} min left"


@contextmanager
def _terminal_bar(console: Console, left: Left) -> Iterator[Report]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=_WIDTH),
        MofNCompleteColumn(),
        TextColumn("circuits"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}", markup=False),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("waiting", total=None, left="")

        def report(_attempt: int, record: JobRecord) -> None:
            progress.update(
                task,
                description=_title(record),
                total=record.circuits,
                completed=record.done,
                left=left_text(left(record)),
            )

        yield report


@contextmanager
def _notebook_bar(left: Left) -> Iterator[Report]:
    from IPython.display import display

    shown: Any = display({"text/plain": "waiting"}, raw=True, display_id=True)  # type: ignore[no-untyped-call]  # so it is

    def report(_attempt: int, record: JobRecord) -> None:
        parts = (_title(record), _drawn(record), f"{record.done}/{record.circuits} circuits", left_text(left(record)))
        shown.update({"text/plain": "  ".join(part for part in parts if part)}, raw=True)

    try:
        yield report
    finally:
        shown.update({"text/plain": ""}, raw=True)


def _drawn(record: JobRecord) -> str:
    full = _WIDTH * record.done // max(1, record.circuits)
    return "\u2501" * full + "\u2500" * (_WIDTH - full)


def _title(record: JobRecord) -> str:
    return f"job {record.id[:12]} {record.status.value}"
