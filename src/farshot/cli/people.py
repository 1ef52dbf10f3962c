"""`token` and `user`: who may use a service. They work on its store, also while it runs."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import typer
from rich.table import Table

from farshot.accounts import Quota, Role, User, check_name, new_token, token_id
from farshot.cli.data import write_json
from farshot.cli.failures import DONE, InputError
from farshot.cli.notes import note
from farshot.cli.stores import open_store
from farshot.cli.tables import stdout
from farshot.cli.texts import ago
from farshot.config.units import Size
from farshot.store.accounts import SqlAccounts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from farshot.accounts import Token
    from farshot.config.settings import ServiceSettings

__all__ = ["create_token", "limit_user", "list_tokens", "list_users", "revoke_token"]

_MOST_DAYS = 36_500


@contextmanager
def _accounts(settings: ServiceSettings) -> Iterator[SqlAccounts]:
    engine = open_store(settings)
    try:
        yield SqlAccounts(engine)
    finally:
        engine.dispose()


def create_token(
    settings: ServiceSettings, name: str, expires: float | None, *, admin: bool | None, as_json: bool
) -> int:
    """Print a new token once; its user is made where there is none of that name."""
    check_name(name)
    now = datetime.now(UTC)
    with _accounts(settings) as accounts:
        user = _user(accounts, name, admin=admin)
        token, text = new_token(name, now, _expiry(now, expires))
        accounts.add_token(token)
    if as_json:
        write_json({"token": text, **_token_facts(token, now), "role": user.role.value})
        return DONE
    typer.echo(text)
    until = f"until {_day(token.expires_at)}" if token.expires_at else "until it is revoked"
    note(f"token {token.id} for {name} ({user.role.value}), good {until}; it is shown this once")
    return DONE


def _user(accounts: SqlAccounts, name: str, *, admin: bool | None) -> User:
    """Return the user of a token; one that is there keeps its role unless told."""
    found = next((user for user in accounts.users() if user.name == name), None)
    if found and admin in {None, found.role is Role.ADMIN}:
        return found
    return accounts.add_user(User(name, Role.ADMIN if admin else Role.USER))


def _expiry(now: datetime, seconds: float | None) -> datetime | None:
    if seconds is None:
        return None
    if seconds > _MOST_DAYS * 86400:
        message = f"a token expires within {_MOST_DAYS:,} days, or never: leave --expires out"
        raise InputError(message)
    return now + timedelta(seconds=seconds)


def list_tokens(settings: ServiceSettings, *, as_json: bool) -> int:
    """List tokens by user and age; what they read is kept nowhere."""
    now = datetime.now(UTC)
    with _accounts(settings) as accounts:
        tokens = accounts.tokens()
    if as_json:
        write_json([_token_facts(token, now) for token in tokens])
    elif tokens:
        rows = [(token.id, token.user, _state(token, now), ago(token.created_at), _until(token)) for token in tokens]
        _show(("token", "user", "state", "made", "expires"), rows)
    else:
        typer.echo("no tokens; `farshot token create NAME` makes one")
    return DONE


def _token_facts(token: Token, now: datetime) -> dict[str, object]:
    return {
        "id": token.id,
        "user": token.user,
        "state": _state(token, now),
        "created_at": token.created_at.isoformat(),
        "expires_at": token.expires_at and token.expires_at.isoformat(),
        "revoked_at": token.revoked_at and token.revoked_at.isoformat(),
    }


def _state(token: Token, now: datetime) -> str:
    if token.revoked_at:
        return "revoked"
    return "good" if token.holds(now) else "expired"


def _until(token: Token) -> str:
    return _day(token.expires_at) if token.expires_at else "never"


def _day(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"


def revoke_token(settings: ServiceSettings, given: str, *, as_json: bool) -> int:
    """Make a token worthless, named by its id or its whole text."""
    ident = token_id(given) or given.lower()
    with _accounts(settings) as accounts:
        found = accounts.token(ident)
        if found is None:
            message = f"no token has the id {ident!r:.40}; `farshot token list` shows those there are"
            raise InputError(message)
        changed = accounts.revoke(ident, datetime.now(UTC))
    if as_json:
        write_json({"id": ident, "user": found[1].name, "revoked": changed})
    else:
        typer.echo(f"token {ident} of {found[1].name} is revoked{'' if changed else ' already'}")
    return DONE


def list_users(settings: ServiceSettings, *, as_json: bool) -> int:
    """List users and what each may have."""
    with _accounts(settings) as accounts:
        users = accounts.users()
    if as_json:
        write_json([{"name": user.name, "role": user.role.value, "quota": _quota_facts(user.quota)} for user in users])
    elif users:
        rows = [(user.name, user.role.value, *map(_amount, _quota_facts(user.quota).values())) for user in users]
        _show(("user", "role", "queued circuits", "running shards", "shots per day", "stored bytes"), rows)
    else:
        typer.echo("no users; `farshot token create NAME` makes one")
    return DONE


def _quota_facts(quota: Quota) -> dict[str, int | None]:
    return {name: getattr(quota, name) for name in Quota.__dataclass_fields__}


def _amount(value: int | None) -> str:
    return "default" if value is None else f"{value:,}"


def limit_user(settings: ServiceSettings, name: str, given: Mapping[str, str | None], *, as_json: bool) -> int:
    """Give a user limits of its own; what is not given stays, and `default` is what the service gives everybody."""
    changes = {limit: _limit(limit, text) for limit, text in given.items() if text is not None}
    if not changes:
        message = "no limit named: give at least one, as in --queued-circuits 10000"
        raise InputError(message)
    with _accounts(settings) as accounts:
        found = next((user for user in accounts.users() if user.name == name), None)
        if found is None:
            message = f"no user {name!r:.80}; `farshot user list` shows those there are"
            raise InputError(message)
        quota = Quota(**{**_quota_facts(found.quota), **changes})
        accounts.limit(name, quota)
    if as_json:
        write_json({"name": name, "role": found.role.value, "quota": _quota_facts(quota)})
    else:
        shown = ", ".join(f"{limit.replace('_', ' ')} {_amount(value)}" for limit, value in _quota_facts(quota).items())
        typer.echo(f"{name}: {shown}")
    return DONE


def _limit(name: str, text: str) -> int | None:
    if text == "default":
        return None
    try:
        amount = Size.read(text) if name == "stored_bytes" and text != "0" else int(text)
    except ValueError:
        amount = -1
    if not 0 <= amount < 2**63:
        message = f"--{name.replace('_', '-')}: a whole number from 0 on or 'default' is needed, not {text!r:.40}"
        raise InputError(message)
    return amount


def _show(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for number, head in enumerate(heads):
        table.add_column(head, style=None if number else "bold cyan", overflow="fold")
    for row in rows:
        table.add_row(*row)
    stdout().print(table)
