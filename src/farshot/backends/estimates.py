"""Estimates of how long a job still takes and by which simulators and methods its circuits are run."""

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


_DEVIATIONS = 1.645
"""Standard deviations on each side of the mean that nine cases of ten lie within."""
_FORECAST_SECONDS = 0.5
"""The weight of the forecast beside the measured time."""
_MAX_OVERHEAD = 20
"""The most time that finished circuits account for, in multiples of their simulation time; the rest of the elapsed
time was spent on circuits that still run."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """The estimate of an open job's end. None: not known."""

    seconds: float | None = None
    """Seconds that a running job still takes."""
    jobs_ahead: int | None = None
    """The number of jobs that are served before a waiting job."""
    low: float | None = None
    """The lower bound of `seconds` in nine cases of ten."""
    high: float | None = None
    """The upper bound of `seconds` in nine cases of ten."""
    running: tuple[Forecast, ...] = ()
    """Each simulator and method that runs circuits once, with the longest time that one of these takes in all."""


NO_OUTLOOK = Outlook()


def outlook_of(record: JobRecord, effort: JobProgress, now: datetime) -> Outlook:
    """Estimate how long a running job still takes, from the forecast and the measured times of its circuits.

    The relative error is taken to be that of a count of the circuits done.
    """
    if record.status is not JobStatus.RUNNING:
        return NO_OUTLOOK
    running, seconds = tuple(_merge_forecasts(effort.forecasts)), seconds_left(record, effort, now)
    if seconds is None:
        return Outlook(running=running)
    spread = min(0.9, _DEVIATIONS / math.sqrt(max(1, record.done)))
    return Outlook(seconds, None, seconds * (1 - spread), seconds / (1 - spread), running)


def seconds_left(record: JobRecord, effort: JobProgress, now: datetime) -> float | None:
    """Return the seconds that a running job still takes: its forecast, scaled by how long finished circuits took for
    theirs, and no less than the longest forecast of the circuits that run. If none waits, only those forecasts count.

    Circuits count by their forecast, so that small ones at the beginning do not promise too much. None: not known, or
    the estimated time is over.
    """
    if record.status is not JobStatus.RUNNING or record.started_at is None:
        return None
    elapsed = max(0.0, (now.astimezone(UTC) - record.started_at).total_seconds())
    spent = min(elapsed, _MAX_OVERHEAD * record.run_time) if record.done else 0.0
    known = [forecast.seconds for forecast in effort.forecasts if forecast.seconds is not None]
    rest = 0.0 if len(known) == record.circuits - record.done else _scaled_forecast(effort, spent)
    left = max([rest, *known]) - (elapsed - spent)
    return left if left > 0 else None


def _scaled_forecast(effort: JobProgress, spent: float) -> float:
    """Return the seconds for all circuits that are not done, given the seconds `spent` on those that are.

    A few short circuits change the forecast little; before one is done, the forecast is shared by the busy workers.
    """
    if not effort.done:
        return effort.total / max(1, len(effort.forecasts))
    return (effort.total - effort.done) * (spent + _FORECAST_SECONDS) / (effort.done + _FORECAST_SECONDS)


def _merge_forecasts(forecasts: Iterable[Forecast]) -> Iterable[Forecast]:
    """Yield each simulator and method once, in order of their names, with the longest time.

    >>> list(_merge_forecasts([Forecast("prism", "mps", 7.0), Forecast("aer"), Forecast("prism", "mps", 9.0)]))
    [Forecast(simulator='aer', method=None, seconds=None), Forecast(simulator='prism', method='mps', seconds=9.0)]
    """
    longest: dict[tuple[str, str], float] = {}
    for each in forecasts:
        key = each.simulator, each.method or ""
        longest[key] = max(longest.get(key, 0.0), each.seconds or 0.0)
    for (simulator, method), seconds in sorted(longest.items()):
        yield Forecast(simulator, method or None, seconds or None)
