"""`token` and `user`: who may use a service, and how much. They work on its store, also while it runs, or ask it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec
import typer
from rich.table import Table

from farshot.accounts import token_id
from farshot.cli.backends import service_of
from farshot.cli.cell_texts import ago
from farshot.cli.data_output import write_json
from farshot.cli.error_output import DONE, InputError
from farshot.cli.messages import note
from farshot.cli.result_tables import stdout
from farshot.cli.service_options import load_settings, open_store, store_text
from farshot.config.login import stored_login
from farshot.config.units import Size
from farshot.service.accounts import Accounts
from farshot.store import SqlStore
from farshot.store.accounts import SqlAccounts
from farshot.wire import LimitsRequest, TokenRequest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from farshot.cli.service_options import AccountOptions
    from farshot.cli.service_queries import ServiceAccounts
    from farshot.wire import TokenDocument, UsageDocument, UserDocument


_MAX_DAYS = 36_500
_LIMIT_HEADS = {
    "queued_circuits": "queued circuits",
    "running_shards": "running shards",
    "shots_per_day": "shots per day",
    "stored_bytes": "stored bytes",
}


@contextmanager
def open_accounts(options: AccountOptions) -> Iterator[Accounts | ServiceAccounts]:
    """Yield the users of the service whose address is given, else those of the store that the settings name."""
    service = service_of(options.where) if options.where.url else None
    if service:
        from farshot.cli.service_queries import ServiceAccounts

        yield ServiceAccounts(service)
        return
    settings = load_settings(options.config, {"data_dir": options.data_dir, "store": options.store}).settings
    login = stored_login()
    if login:
        note(f"on the store {store_text(settings)}; for the service where you are logged in: --url {login.url}")
    engine = open_store(settings)
    try:
        yield Accounts(SqlAccounts(engine), SqlStore(engine), settings.quota.quota)
    finally:
        engine.dispose()


def create_token(
    options: AccountOptions, name: str, expires: float | None, *, admin: bool | None, as_json: bool
) -> int:
    """Print a new token once; its user is made if there is none of that name. `expires` is in seconds."""
    if expires is not None and expires > _MAX_DAYS * 86400:
        message = f"a token expires within {_MAX_DAYS:,} days, or never: leave --expires out"
        raise InputError(message)
    with open_accounts(options) as accounts:
        made = accounts.create_token(TokenRequest(user=name, admin=admin, expires_in=expires))
    if as_json:
        write_json(msgspec.to_builtins(made))
        return DONE
    typer.echo(made.token)
    until = f"until {_minute_text(made.expires_at)}" if made.expires_at else "until it is revoked"
    note(f"token {made.id} for {name} ({made.role}), good {until}; it is shown this once")
    return DONE


def list_tokens(options: AccountOptions, *, as_json: bool) -> int:
    """List tokens by user and age; their texts are kept nowhere."""
    with open_accounts(options) as accounts:
        tokens = accounts.tokens()
    heads = ("token", "user", "state", "made", "expires")
    rows = map(_token_cells, tokens)
    return _list(tokens, heads, rows, "no tokens; `farshot token create NAME` makes one", as_json=as_json)


def _token_cells(token: TokenDocument) -> tuple[str, ...]:
    expires = _minute_text(token.expires_at) if token.expires_at else "never"
    return token.id, token.user, token.state, ago(token.created_at), expires


def _minute_text(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"


def revoke_token(options: AccountOptions, given: str, *, as_json: bool) -> int:
    """Make a token worthless, named by its id or its whole text."""
    with open_accounts(options) as accounts:
        before = accounts.revoke(token_id(given) or given.lower())
    is_changed = before.revoked_at is None
    if as_json:
        write_json({"id": before.id, "user": before.user, "revoked": is_changed})
    else:
        typer.echo(f"token {before.id} of {before.user} is revoked{'' if is_changed else ' already'}")
    return DONE


def list_users(options: AccountOptions, *, as_json: bool) -> int:
    """List users, their roles and their own limits."""
    with open_accounts(options) as accounts:
        users = accounts.users()
    rows = (
        (user.name, user.role, *(_limit_text(getattr(user.quota, name)) for name in _LIMIT_HEADS)) for user in users
    )
    heads = ("user", "role", *_LIMIT_HEADS.values())
    return _list(users, heads, rows, "no users; `farshot token create NAME` makes one", as_json=as_json)


def _limit_text(value: int | None) -> str:
    return "default" if value is None else f"{value:,}"


def show_usage(options: AccountOptions, *, as_json: bool) -> int:
    """List the usage of each user and its limits; users with most in the store first."""
    with open_accounts(options) as accounts:
        usages = accounts.usages()
    rows = ((usage.name or "(this machine)", *_usage_texts(usage)) for usage in usages)
    return _list(usages, ("user", *_LIMIT_HEADS.values()), rows, "nobody has used anything yet", as_json=as_json)


def _usage_texts(document: UsageDocument) -> Iterator[str]:
    for name in _LIMIT_HEADS:
        used, allowed = getattr(document.usage, name), getattr(document.quota, name)
        yield f"{used:,}" if allowed is None else f"{used:,} of {allowed:,}"


def limit_user(options: AccountOptions, name: str, given: Mapping[str, str | None], *, as_json: bool) -> int:
    """Give a user limits of its own; those not given stay, and `default` stands for the limit of everybody."""
    changes = {limit: _read_limit(limit, text) for limit, text in given.items() if text is not None}
    if not changes:
        message = "no limit named: give at least one, as in --queued-circuits 10000"
        raise InputError(message)
    with open_accounts(options) as accounts:
        user: UserDocument = accounts.limit(name, LimitsRequest(**changes))
    if as_json:
        write_json(msgspec.to_builtins(user))
    else:
        limits = (f"{head} {_limit_text(getattr(user.quota, limit))}" for limit, head in _LIMIT_HEADS.items())
        typer.echo(f"{name}: {', '.join(limits)}")
    return DONE


def _read_limit(name: str, text: str) -> int | None:
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


def _list(
    documents: Sequence[msgspec.Struct],
    heads: Sequence[str],
    rows: Iterator[tuple[str, ...]],
    empty: str,
    *,
    as_json: bool,
) -> int:
    """Print `documents` as JSON or their `rows` as a table under `heads`; without a document the text `empty`."""
    if as_json:
        write_json([msgspec.to_builtins(document) for document in documents])
    elif documents:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        for number, head in enumerate(heads):
            table.add_column(head, style=None if number else "bold cyan", overflow="fold")
        for row in rows:
            table.add_row(*row)
        stdout().print(table)
    else:
        typer.echo(empty)
    return DONE
