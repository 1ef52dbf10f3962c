"""What a user may have, compared with what it would have."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

from farshot.accounts import Quota
from farshot.errors import QuotaError

if TYPE_CHECKING:
    from farshot.accounts import User
    from farshot.model import Usage

__all__ = ["check_quota", "quota_of"]

_RETRY = {"queued_circuits": 5.0, "shots_per_day": 3600.0, "stored_bytes": None}
_WORDS = {
    "queued_circuits": "circuits that wait or run",
    "shots_per_day": "shots in 24 hours",
    "stored_bytes": "bytes in the store (delete jobs to make room)",
}


def quota_of(user: User, default: Quota) -> Quota:
    """Return what `user` may have: its own quota where it has one, else the service's."""
    own = {item.name: getattr(user.quota, item.name) for item in fields(Quota)}
    return replace(default, **{name: value for name, value in own.items() if value is not None})


def check_quota(quota: Quota, usage: Usage, *, circuits: int, shots: int, size: int) -> None:
    """Raise `QuotaError` where so many more circuits, shots and bytes would be too much."""
    more = {"queued_circuits": circuits, "shots_per_day": shots, "stored_bytes": size}
    for name, amount in more.items():
        allowed, used = getattr(quota, name), getattr(usage, name)
        if allowed is not None and used + amount > allowed:
            message = f"{used:,} of {allowed:,} {_WORDS[name]} are used; this needs {amount:,} more"
            raise QuotaError(message, _RETRY[name])
