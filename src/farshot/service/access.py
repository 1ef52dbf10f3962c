"""The bearer token of a request, looked up in the store and compared in constant time."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from farshot.accounts import Token, User, token_id, token_matches
from farshot.errors import AccessError

if TYPE_CHECKING:
    from farshot.protocols import AccountStore


_CACHE_SECONDS = 2.0
_MAX_CACHED = 10_000
_ADVICE = (
    "a valid token is needed, which `farshot token create NAME` makes where the service runs; "
    "`farshot login` keeps it, and a request has it as 'Authorization: Bearer TOKEN'"
)
"""The same for every invalid token, so that nobody finds out from it which tokens exist."""


@dataclass(frozen=True, slots=True)
class _CachedToken:
    token: Token
    user: User
    until: float


class Access:
    """Looks up tokens, and keeps each for two seconds: a revoked one soon stops working. Safe from any thread."""

    def __init__(self, accounts: AccountStore) -> None:
        self._accounts = accounts
        self._cache: OrderedDict[str, _CachedToken] = OrderedDict()

    def user(self, header: str | None) -> User:
        """Return the user of the token in an `Authorization` header; raises `AccessError`.

        Only a request with the whole token is told that it was revoked or has expired.
        """
        kind, _, text = (header or "").partition(" ")
        ident = token_id(text.strip()) if kind.lower() == "bearer" else None
        found = self._find(ident) if ident else None
        if found is None or not token_matches(found.token, text.strip()):
            raise AccessError(_ADVICE)
        if not found.token.holds(datetime.now(UTC)):
            state = "has expired" if found.token.revoked_at is None else "was revoked"
            message = f"this token {state}: {_ADVICE}"
            raise AccessError(message)
        return found.user

    def is_known(self, header: str | None) -> bool:
        """Return whether `user` will answer without asking the store."""
        ident = token_id((header or "").partition(" ")[2].strip())
        return ident is not None and self._get_cached(ident) is not None

    def _get_cached(self, ident: str) -> _CachedToken | None:
        cached = self._cache.get(ident)
        return cached if cached and time.monotonic() < cached.until else None

    def _find(self, ident: str) -> _CachedToken | None:
        if cached := self._get_cached(ident):
            return cached
        asked_at = time.monotonic()
        found = self._accounts.token(ident)
        if found is None:
            return None
        cached = _CachedToken(*found, asked_at + _CACHE_SECONDS)
        self._cache[ident] = cached
        while len(self._cache) > _MAX_CACHED:
            self._cache.popitem(last=False)
        return cached
