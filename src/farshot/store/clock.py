"""The time for leases: this machine's for SQLite, the database's for PostgreSQL."""

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


DAY_SECONDS = 86400.0
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_DATABASE_NOW = text("SELECT extract(epoch FROM clock_timestamp())")


class BootClock:
    """`CLOCK_MONOTONIC`, which starts anew at each boot, with the id of the boot.

    If the system has no boot id (macOS), the wall-clock second of the boot stands in for it.
    """

    def now(self) -> float:
        """Return the seconds since a fixed moment of this boot."""
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
    """The time of a transaction."""

    now: float
    """Seconds within `boot`, for leases."""
    boot: str
    wall: float
    """Seconds since 1970, for people. It has microseconds and nothing finer, like the times that people ask for."""


_boot_clock = BootClock()


def read_moment(connection: Connection, clock: Clock | None) -> Moment:
    """Return the moment by `clock`; if None, by this boot for a file and by the database for a server."""
    if clock is None and connection.dialect.name == "sqlite":
        clock = _boot_clock
    if clock is not None:
        return Moment(clock.now(), clock.boot(), round(time.time(), 6))
    seconds = float(connection.execute(_DATABASE_NOW).scalar_one())
    return Moment(seconds, "", seconds)
