"""What `doctor` says of one thing that it looked at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """One finding; `advice` is given where it is not ok."""

    name: str
    ok: bool
    detail: str
    advice: str | None = None
