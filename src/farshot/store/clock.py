"""The clock of a store that only processes of one machine use."""

from __future__ import annotations

import time
from functools import cached_property
from pathlib import Path

__all__ = ["BootClock"]

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


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
