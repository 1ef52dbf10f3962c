"""How long a job still takes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

from farshot.contract import JobStatus

if TYPE_CHECKING:
    from datetime import datetime

    from farshot.model import Effort, JobRecord

__all__ = ["NO_OUTLOOK", "Outlook", "seconds_left"]


@dataclass(frozen=True, slots=True)
class Outlook:
    """The `seconds` that a running job still takes, and how many jobs are served before a waiting one.

    None: not known.
    """

    seconds: float | None = None
    jobs_ahead: int | None = None


NO_OUTLOOK = Outlook()


def seconds_left(record: JobRecord, effort: Effort, now: datetime) -> float | None:
    """Estimate what a running job still takes: as long for its guess as what is done took for its own.

    Circuits count by what they were guessed to take, so that small ones at the beginning do not promise too much.
    """
    if record.status is not JobStatus.RUNNING or record.started_at is None or not effort.done:
        return None
    elapsed = max(0.0, (now.astimezone(UTC) - record.started_at).total_seconds())
    return elapsed * (effort.total - effort.done) / effort.done
