"""`user usage`: who uses how much of a service, told by its store, also while it runs, or by the service itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import typer
from rich.table import Table

from farshot.cli.data_output import write_json
from farshot.cli.error_output import DONE
from farshot.cli.result_tables import stdout
from farshot.cli.users import open_accounts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from farshot.cli.service_options import AccountOptions
    from farshot.wire import UsageDocument


_HEADS = {
    "queued_circuits": "queued circuits",
    "running_shards": "running shards",
    "shots_per_day": "shots per day",
    "stored_bytes": "stored bytes",
}


def show_usage(options: AccountOptions, *, as_json: bool) -> int:
    """List who uses how much, and of what it may have; those first who have most in the store."""
    with open_accounts(options) as accounts:
        usages = accounts.usages()
    if as_json:
        write_json([msgspec.to_builtins(usage) for usage in usages])
    elif usages:
        _show(usages)
    else:
        typer.echo("nobody has used anything yet")
    return DONE


def _amounts(document: UsageDocument) -> Iterator[str]:
    for name in _HEADS:
        used, allowed = getattr(document.usage, name), getattr(document.quota, name)
        yield f"{used:,}" if allowed is None else f"{used:,} of {allowed:,}"


def _show(usages: Sequence[UsageDocument]) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("user", style="bold cyan", overflow="fold")
    for head in _HEADS.values():
        table.add_column(head, overflow="fold")
    for usage in usages:
        table.add_row(usage.name or "(this machine)", *_amounts(usage))
    stdout().print(table)
