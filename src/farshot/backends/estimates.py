"""How long a job still takes, and how what runs of it is run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

from farshot.contract import JobStatus
from farshot.model import Forecast

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from farshot.model import JobProgress, JobRecord


_NINE_OF_TEN = 1.645
_WORTH_SECONDS = 0.5
"""Seconds for which the guess itself counts, beside what was seen."""
_OVERHEAD = 20
"""How many times as long as they were simulated circuits may take in all; what ran for longer is not done yet."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """The `seconds` that a running job still takes, of `low` to `high` in nine cases of ten, and how its circuits are
    `running`: each simulator and method once, with the longest time that one of its circuits takes in all. For a
    waiting job, how many jobs are served before it.

    None: not known.
    """

    seconds: float | None = None
    jobs_ahead: int | None = None
    low: float | None = None
    high: float | None = None
    running: tuple[Forecast, ...] = ()


NO_OUTLOOK = Outlook()


def outlook_of(record: JobRecord, effort: JobProgress, now: datetime) -> Outlook:
    """Estimate what a running job still takes, from what its circuits were guessed to take and did.

    The relative error is taken for that of a count of the circuits done.
    """
    if record.status is not JobStatus.RUNNING:
        return NO_OUTLOOK
    running, seconds = tuple(_each_once(effort.forecasts)), seconds_left(record, effort, now)
    if seconds is None:
        return Outlook(running=running)
    spread = min(0.9, _NINE_OF_TEN / math.sqrt(max(1, record.done)))
    return Outlook(seconds, None, seconds * (1 - spread), seconds / (1 - spread), running)


def seconds_left(record: JobRecord, effort: JobProgress, now: datetime) -> float | None:
    """Estimate what a running job still takes: as long for its guess as what is done took for its own, and no less
    than the longest of the circuits that run. Where nothing waits, what is said of those is known better.

    Circuits count by what they were guessed to take, so that small ones at the beginning do not promise too much.
    Once all of it is over, nothing more is promised.
    """
    if record.status is not JobStatus.RUNNING or record.started_at is None:
        return None
    elapsed = max(0.0, (now.astimezone(UTC) - record.started_at).total_seconds())
    spent = min(elapsed, _OVERHEAD * record.run_time) if record.done else 0.0
    known = [forecast.seconds for forecast in effort.forecasts if forecast.seconds is not None]
    rest = 0.0 if len(known) == record.circuits - record.done else _rest(effort, spent)
    left = max([rest, *known]) - (elapsed - spent)
    return left if left > 0 else None


def _rest(effort: JobProgress, spent: float) -> float:
    """Return what all takes that is not done, on which no time was `spent`. A few short circuits tell little of that;
    before one is done, the guess is shared by the workers that are at it.
    """
    if not effort.done:
        return effort.total / max(1, len(effort.forecasts))
    return (effort.total - effort.done) * (spent + _WORTH_SECONDS) / (effort.done + _WORTH_SECONDS)


def _each_once(forecasts: Iterable[Forecast]) -> Iterable[Forecast]:
    """Yield each simulator and method once, in order of their names.

    >>> list(_each_once([Forecast("prism", "mps", 7.0), Forecast("aer"), Forecast("prism", "mps", 9.0)]))
    [Forecast(simulator='aer', method=None, seconds=None), Forecast(simulator='prism', method='mps', seconds=9.0)]
    """
    longest: dict[tuple[str, str], float] = {}
    for each in forecasts:
        key = each.simulator, each.method or ""
        longest[key] = max(longest.get(key, 0.0), each.seconds or 0.0)
    for (simulator, method), seconds in sorted(longest.items()):
        yield Forecast(simulator, method or None, seconds or None)
