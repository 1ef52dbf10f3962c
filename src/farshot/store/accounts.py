"""`SqlAccounts`: users and their tokens, in the database of the jobs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, insert, select, update

from farshot.accounts import Quota, Role, Token, User
from farshot.store.rows import to_time
from farshot.store.schema import tokens, users
from farshot.store.transactions import Transactions

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from farshot.store.rows import AnyRow


_QUOTA = (users.c.queued_circuits, users.c.running_shards, users.c.shots_per_day, users.c.stored_bytes)
_FIND_USER = select(users.c.name, users.c.role, *_QUOTA).where(users.c.name == bindparam("of_name"))
_LIST_USERS = select(users.c.name, users.c.role, *_QUOTA).order_by(users.c.name)
_ADD_USER = insert(users)
_CHANGE_USER = update(users).where(users.c.name == bindparam("of_name"))
_ADD_TOKEN = insert(tokens)
_FIND_TOKEN = (
    select(tokens, users.c.name, users.c.role, *_QUOTA)
    .join_from(tokens, users, users.c.name == tokens.c.user)
    .where(tokens.c.id == bindparam("of_id"))
)
_LIST_TOKENS = select(tokens).order_by(tokens.c.user, tokens.c.created_at, tokens.c.id)
_REVOKE_TOKEN = (
    update(tokens)
    .where(tokens.c.id == bindparam("of_id"), tokens.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("at"))
)


class SqlAccounts:
    """An `AccountStore` in one SQL database. Safe from any thread; every method is one transaction."""

    def __init__(self, engine: Engine) -> None:
        """Use `engine`, whose schema must be current."""
        self._transactions = Transactions(engine)

    def users(self) -> list[User]:
        """Return every user, by name."""
        with self._transactions.read() as connection:
            return [_to_user(row) for row in connection.execute(_LIST_USERS)]

    def add_user(self, user: User) -> User:
        """Add a user and return it; an existing one of that name gets the role and keeps its quota."""
        return self._transactions.write(lambda connection: _add_user(connection, user))

    def limit(self, name: str, quota: Quota) -> bool:
        """Give a user a quota of its own; return whether there is such a user."""
        statement = _CHANGE_USER.values(**_quota_columns(quota))
        return self._transactions.write(
            lambda connection: bool(connection.execute(statement, {"of_name": name}).rowcount)
        )

    def add_token(self, token: Token) -> None:
        """Add a token of an existing user."""
        row = {
            "id": token.id,
            "user": token.user,
            "digest": token.digest,
            "created_at": token.created_at.timestamp(),
            "expires_at": token.expires_at and token.expires_at.timestamp(),
        }
        self._transactions.write(lambda connection: connection.execute(_ADD_TOKEN, row))

    def token(self, ident: str) -> tuple[Token, User] | None:
        """Return the token of an id, revoked or not, and its user; None if there is none."""
        with self._transactions.read() as connection:
            row = connection.execute(_FIND_TOKEN, {"of_id": ident}).one_or_none()
        return None if row is None else (_to_token(row), _to_user(row))

    def tokens(self) -> list[Token]:
        """Return every token, by user and age."""
        with self._transactions.read() as connection:
            return [_to_token(row) for row in connection.execute(_LIST_TOKENS)]

    def revoke(self, ident: str, at: datetime) -> bool:
        """Revoke a token; return whether that changed anything."""
        values = {"of_id": ident, "at": at.timestamp()}
        return self._transactions.write(lambda connection: bool(connection.execute(_REVOKE_TOKEN, values).rowcount))


def _add_user(connection: Connection, user: User) -> User:
    row = connection.execute(_FIND_USER, {"of_name": user.name}).one_or_none()
    if row is None:
        columns = {"name": user.name, "role": user.role, "created_at": datetime.now(UTC).timestamp()}
        connection.execute(_ADD_USER, columns | _quota_columns(user.quota))
        return user
    connection.execute(_CHANGE_USER.values(role=user.role), {"of_name": user.name})
    return User(user.name, user.role, _to_user(row).quota)


def _quota_columns(source: Quota | AnyRow) -> dict[str, Any]:
    return {column.name: getattr(source, column.name) for column in _QUOTA}


def _to_user(row: AnyRow) -> User:
    return User(row.name, Role(row.role), Quota(**_quota_columns(row)))


def _to_token(row: AnyRow) -> Token:
    return Token(
        id=row.id,
        user=row.user,
        digest=row.digest,
        created_at=datetime.fromtimestamp(row.created_at, UTC),
        expires_at=to_time(row.expires_at),
        revoked_at=to_time(row.revoked_at),
    )
