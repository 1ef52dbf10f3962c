"""The users of a service, their quotas and their tokens."""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING

from farshot.errors import OptionError

if TYPE_CHECKING:
    from datetime import datetime


_TOKEN = re.compile(r"farshot_([0-9a-f]{12})_([A-Za-z0-9_-]{32})")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")


class Role(StrEnum):
    """The role of a user."""

    USER = "user"
    """Sees its own jobs."""
    ADMIN = "admin"
    """Sees the jobs of all users."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """The limits of a user. None: no limit."""

    queued_circuits: int | None = None
    running_shards: int | None = None
    shots_per_day: int | None = None
    """Shots of the jobs submitted in the last 24 hours."""
    stored_bytes: int | None = None


NO_LIMITS = Quota()


def in_force(own: Quota, default: Quota) -> Quota:
    """Return the limits that apply to a user: its own if set, otherwise the default.

    >>> in_force(Quota(running_shards=2), Quota(running_shards=4, stored_bytes=100)).running_shards
    2
    """
    limits = {item.name: getattr(own, item.name) for item in fields(Quota)}
    return replace(default, **{name: limit for name, limit in limits.items() if limit is not None})


@dataclass(frozen=True, slots=True)
class User:
    """An owner of jobs. `quota` holds the limits that are its own."""

    name: str
    role: Role = Role.USER
    quota: Quota = NO_LIMITS


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token as the store keeps it: with the SHA-256 digest of its text, never the text. Times are UTC."""

    id: str
    user: str
    digest: bytes = field(repr=False)
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def holds(self, now: datetime) -> bool:
        """Return whether the token is valid at the time `now`."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def check_name(name: str) -> str:
    """Return `name` if it is a valid name of a user; raises `OptionError` otherwise.

    >>> check_name("ada@lab")
    'ada@lab'
    """
    if not _NAME.fullmatch(name):
        message = (
            f"a user's name has 1 to 64 letters, digits and . _ @ -, and begins with a letter or digit: {name!r:.80}"
        )
        raise OptionError(message)
    return name


def new_token(user: str, now: datetime, expires_at: datetime | None = None) -> tuple[Token, str]:
    """Return a token for `user` and its text, which holds 192 random bits and is not stored."""
    ident = secrets.token_hex(6)
    text = f"farshot_{ident}_{secrets.token_urlsafe(24)}"
    return Token(id=ident, user=user, digest=_digest(text), created_at=now, expires_at=expires_at), text


def token_id(text: str) -> str | None:
    """Return the id in the text of a token; None if it is no token."""
    found = _TOKEN.fullmatch(text)
    return found and found[1]


def token_matches(token: Token, text: str) -> bool:
    """Return whether `text` is the text of `token`, compared in constant time."""
    return hmac.compare_digest(token.digest, _digest(text))


def _digest(text: str) -> bytes:
    return sha256(text.encode()).digest()
