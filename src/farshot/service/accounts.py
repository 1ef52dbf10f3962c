"""`Accounts`: users and tokens as documents of the API, kept in the store. Commands use it without a web server too."""

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


_MAX_NAME = 80
_NOTHING = Usage(queued_circuits=0, running_shards=0, shots_per_day=0, stored_bytes=0)


class Accounts:
    """Who may use a service, and who uses how much. Safe from any thread."""

    def __init__(self, store: AccountStore, jobs: JobStore, quota: Quota) -> None:
        """Keep users and tokens in `store`; their jobs are in `jobs`, and `quota` is what everybody may have."""
        self._store = store
        self._jobs = jobs
        self._quota = quota

    def users(self) -> list[UserDocument]:
        """Return every user, by name."""
        return [_user_document(user) for user in self._store.users()]

    def usages(self) -> list[UsageDocument]:
        """Return what everybody has and may have; those first who have most in the store."""
        own = {user.name: user.quota for user in self._store.users()}
        found = self._jobs.usages()
        usages = {name: found.get(name, _NOTHING) for name in {*own, *found}}
        return [
            UsageDocument(
                name, quota_document(usages[name]), quota_document(in_force(own.get(name, NO_LIMITS), self._quota))
            )
            for name in sorted(usages, key=lambda name: (-usages[name].stored_bytes, name))
        ]

    def limit(self, name: str, limits: LimitsRequest) -> UserDocument:
        """Give a user limits of its own; those that are left out stay. Raises `UnknownAccountError`."""
        user = self._find(name)
        given = {key: value for key, value in msgspec.structs.asdict(limits).items() if value is not msgspec.UNSET}
        quota = Quota(**{key: given.get(key, getattr(user.quota, key)) for key in Quota.__dataclass_fields__})
        self._store.limit(name, quota)
        return _user_document(User(name, user.role, quota))

    def _find(self, name: str) -> User:
        found = next((user for user in self._store.users() if user.name == name), None)
        if found is None:
            message = f"no user {name[:_MAX_NAME]!r}; `farshot user list` shows those there are"
            raise UnknownAccountError(message)
        return found

    def tokens(self) -> list[TokenDocument]:
        """Return every token, by user and age."""
        now = datetime.now(UTC)
        return [_token_document(token, now) for token in self._store.tokens()]

    def create_token(self, request: TokenRequest) -> NewTokenDocument:
        """Return a new token with its text; its user is made where there is none. Raises `OptionError` for a name."""
        check_name(request.user)
        now = datetime.now(UTC)
        user = self._holder(request)
        until = None if request.expires_in is None else now + timedelta(seconds=request.expires_in)
        token, text = new_token(user.name, now, until)
        self._store.add_token(token)
        facts = msgspec.structs.asdict(_token_document(token, now))
        return NewTokenDocument(**facts, token=text, role=user.role.value)

    def _holder(self, request: TokenRequest) -> User:
        """Return the user of a new token; one that is there keeps its role unless told."""
        found = next((user for user in self._store.users() if user.name == request.user), None)
        if found and request.admin in {None, found.role is Role.ADMIN}:
            return found
        return self._store.add_user(User(request.user, Role.ADMIN if request.admin else Role.USER))

    def revoke(self, ident: str) -> TokenDocument:
        """Make a token worthless and return it as it was before. Raises `UnknownAccountError`."""
        found = self._store.token(ident)
        if found is None:
            message = f"no token has the id {ident[:_MAX_NAME]!r}; `farshot token list` shows those there are"
            raise UnknownAccountError(message)
        now = datetime.now(UTC)
        self._store.revoke(ident, now)
        return _token_document(found[0], now)


def _user_document(user: User) -> UserDocument:
    return UserDocument(user.name, user.role.value, quota_document(user.quota))


def _token_document(token: Token, now: datetime) -> TokenDocument:
    return TokenDocument(
        id=token.id,
        user=token.user,
        state=_state(token, now),
        created_at=token.created_at,
        expires_at=token.expires_at,
        revoked_at=token.revoked_at,
    )


def _state(token: Token, now: datetime) -> str:
    if token.revoked_at:
        return "revoked"
    return "good" if token.holds(now) else "expired"
