"""Who asks: the bearer token of a request, looked up in the store and compared in constant time."""

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


_KEPT_SECONDS = 2.0
_KEPT = 10_000
_ADVICE = (
    "a valid token is needed, which `farshot token create NAME` makes where the service runs; "
    "`farshot login` keeps it, and a request has it as 'Authorization: Bearer TOKEN'"
)
"""The same for whatever is no valid token: nobody finds out by it which tokens there are."""


@dataclass(frozen=True, slots=True)
class _Known:
    token: Token
    user: User
    until: float


class Access:
    """Looks tokens up; what it found counts for two seconds, so that a revoked token is worthless soon after.

    Safe from any thread.
    """

    def __init__(self, accounts: AccountStore) -> None:
        """Use the users of `accounts`."""
        self._accounts = accounts
        self._known: OrderedDict[str, _Known] = OrderedDict()

    def user(self, header: str | None) -> User:
        """Return whose token the header carries; raises `AccessError`.

        Only who has the whole token hears that it was revoked or has expired.
        """
        kind, _, text = (header or "").partition(" ")
        ident = token_id(text.strip()) if kind.lower() == "bearer" else None
        found = self._find(ident) if ident else None
        if found is None or not token_matches(found.token, text.strip()):
            raise AccessError(_ADVICE)
        if not found.token.holds(datetime.now(UTC)):
            what = "has expired" if found.token.revoked_at is None else "was revoked"
            message = f"this token {what}: {_ADVICE}"
            raise AccessError(message)
        return found.user

    def _find(self, ident: str) -> _Known | None:
        now = time.monotonic()
        known = self._known.get(ident)
        if known and now < known.until:
            return known
        found = self._accounts.token(ident)
        if found is None:
            return None
        known = _Known(*found, now + _KEPT_SECONDS)
        self._known[ident] = known
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return known

    def is_known(self, header: str | None) -> bool:
        """Whether `user` will answer without a look at the store."""
        ident = token_id((header or "").partition(" ")[2].strip())
        known = self._known.get(ident) if ident else None
        return known is not None and time.monotonic() < known.until
