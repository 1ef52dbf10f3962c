"""Users and tokens as documents of the API, kept in the store. Commands use them without a web server too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from farshot.accounts import NO_LIMITS, Quota, Role, User, check_name, in_force, new_token
from farshot.errors import UnknownAccountError
from farshot.model import Usage
from farshot.service.documents import quota_document
from farshot.wire import NewTokenDocument, TokenDocument, UsageDocument, UserDocument

if TYPE_CHECKING:
    from farshot.accounts import Token
    from farshot.protocols import AccountStore, JobStore
    from farshot.wire import LimitsRequest, TokenRequest


_MAX_SHOWN = 80
"""Characters of a name or id that an error message shows."""
_NO_USAGE = Usage(queued_circuits=0, running_shards=0, shots_per_day=0, stored_bytes=0)


class Accounts:
    """The users and tokens of a service, and how much each user has. Safe from any thread."""

    def __init__(self, store: AccountStore, jobs: JobStore, quota: Quota) -> None:
        """Keep users and tokens in `store`; their jobs are in `jobs`, and `quota` holds for users without limits."""
        self._store = store
        self._jobs = jobs
        self._quota = quota

    def users(self) -> list[UserDocument]:
        """Return every user, ordered by name."""
        return [_user_document(user) for user in self._store.users()]

    def usages(self) -> list[UsageDocument]:
        """Return the usage and quota of every user, the users with most bytes in the store first."""
        own = {user.name: user.quota for user in self._store.users()}
        found = self._jobs.usages()
        usages = {name: found.get(name, _NO_USAGE) for name in {*own, *found}}
        return [
            UsageDocument(
                name, quota_document(usages[name]), quota_document(in_force(own.get(name, NO_LIMITS), self._quota))
            )
            for name in sorted(usages, key=lambda name: (-usages[name].stored_bytes, name))
        ]

    def limit(self, name: str, limits: LimitsRequest) -> UserDocument:
        """Set limits of one user; limits that are left out stay. Raises `UnknownAccountError`."""
        user = self._find(name)
        if user is None:
            message = f"no user {name[:_MAX_SHOWN]!r}; `farshot user list` shows those there are"
            raise UnknownAccountError(message)
        given = {key: value for key, value in msgspec.structs.asdict(limits).items() if value is not msgspec.UNSET}
        quota = Quota(**{key: given.get(key, getattr(user.quota, key)) for key in Quota.__dataclass_fields__})
        self._store.limit(name, quota)
        return _user_document(User(name, user.role, quota))

    def _find(self, name: str) -> User | None:
        return next((user for user in self._store.users() if user.name == name), None)

    def tokens(self) -> list[TokenDocument]:
        """Return every token, ordered by user and age."""
        now = datetime.now(UTC)
        return [_token_document(token, now) for token in self._store.tokens()]

    def create_token(self, request: TokenRequest) -> NewTokenDocument:
        """Make a token, and its user if there is none; return it with its text. Raises `OptionError` for a bad name."""
        check_name(request.user)
        now = datetime.now(UTC)
        user = self._find(request.user)
        if user is None or request.admin not in {None, user.role is Role.ADMIN}:
            user = self._store.add_user(User(request.user, Role.ADMIN if request.admin else Role.USER))
        until = None if request.expires_in is None else now + timedelta(seconds=request.expires_in)
        token, text = new_token(user.name, now, until)
        self._store.add_token(token)
        facts = msgspec.structs.asdict(_token_document(token, now))
        return NewTokenDocument(**facts, token=text, role=user.role.value)

    def revoke(self, ident: str) -> TokenDocument:
        """Revoke a token and return it as it was before. Raises `UnknownAccountError`."""
        found = self._store.token(ident)
        if found is None:
            message = f"no token has the id {ident[:_MAX_SHOWN]!r}; `farshot token list` shows those there are"
            raise UnknownAccountError(message)
        now = datetime.now(UTC)
        self._store.revoke(ident, now)
        return _token_document(found[0], now)


def _user_document(user: User) -> UserDocument:
    return UserDocument(user.name, user.role.value, quota_document(user.quota))


def _token_document(token: Token, now: datetime) -> TokenDocument:
    valid_state = "good" if token.holds(now) else "expired"
    return TokenDocument(
        id=token.id,
        user=token.user,
        state="revoked" if token.revoked_at else valid_state,
        created_at=token.created_at,
        expires_at=token.expires_at,
        revoked_at=token.revoked_at,
    )
