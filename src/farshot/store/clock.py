"""Time for leases: this machine's for SQLite, the database's for PostgreSQL."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from farshot.protocols import Clock


DAY = 86400.0
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_DATABASE_NOW = text("SELECT extract(epoch FROM clock_timestamp())")


class BootClock:
    """`CLOCK_MONOTONIC`, which starts anew at each boot, with the id of the boot beside it.

    Where the system has no boot id (macOS), the wall-clock second of the boot stands in for it.
    """

    def now(self) -> float:
        """Return seconds since some fixed moment of this boot."""
        return time.monotonic()

    def boot(self) -> str:
        """Return the id of this boot."""
        return self._boot

    @cached_property
    def _boot(self) -> str:
        if _BOOT_ID.exists():
            return _BOOT_ID.read_text(encoding="ascii").strip()
        return f"{time.time() - time.monotonic():.0f}"


@dataclass(frozen=True, slots=True)
class Moment:
    """When a transaction happens: `now` counts within `boot` and is for leases, `wall` is for people.

    `wall` has microseconds and nothing finer, as what people are shown and ask for.
    """

    now: float
    boot: str
    wall: float


def moment(connection: Connection, clock: Clock | None) -> Moment:
    """Return the moment by `clock`; without one, by the database, which all its machines share."""
    if clock is not None:
        return Moment(clock.now(), clock.boot(), round(time.time(), 6))
    seconds = float(connection.execute(_DATABASE_NOW).scalar_one())
    return Moment(seconds, "", seconds)
