"""`user usage`: who uses how much of a service, read from its store, also while it runs."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer
from rich.table import Table

from farshot.accounts import NO_LIMITS, in_force
from farshot.cli.data import write_json
from farshot.cli.failures import DONE
from farshot.cli.stores import open_store
from farshot.cli.tables import stdout
from farshot.model import Usage
from farshot.store import SqlStore
from farshot.store.accounts import SqlAccounts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farshot.accounts import Quota
    from farshot.config.settings import ServiceSettings

__all__ = ["show_usage"]

_HEADS = {
    "queued_circuits": "queued circuits",
    "running_shards": "running shards",
    "shots_per_day": "shots per day",
    "stored_bytes": "stored bytes",
}
_NOTHING = Usage(queued_circuits=0, running_shards=0, shots_per_day=0, stored_bytes=0)


def show_usage(settings: ServiceSettings, *, as_json: bool) -> int:
    """List who uses how much, and of what it may have; those first who have most in the store."""
    engine = open_store(settings)
    try:
        users, found = {user.name: user for user in SqlAccounts(engine).users()}, SqlStore(engine).usages()
    finally:
        engine.dispose()
    usages = {name: found.get(name, _NOTHING) for name in {*users, *found}}
    names = sorted(usages, key=lambda name: (-usages[name].stored_bytes, name))
    quotas = {name: in_force(users[name].quota if name in users else NO_LIMITS, settings.quota.quota) for name in names}
    if as_json:
        write_json([{"name": name, "usage": asdict(usages[name]), "quota": asdict(quotas[name])} for name in names])
    elif names:
        _show([(name or "(this machine)", *_amounts(usages[name], quotas[name])) for name in names])
    else:
        typer.echo("nobody has used anything yet")
    return DONE


def _amounts(usage: Usage, quota: Quota) -> Iterator[str]:
    for name in _HEADS:
        used, allowed = getattr(usage, name), getattr(quota, name)
        yield f"{used:,}" if allowed is None else f"{used:,} of {allowed:,}"


def _show(rows: list[tuple[str, ...]]) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("user", style="bold cyan", overflow="fold")
    for head in _HEADS.values():
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(*row)
    stdout().print(table)
