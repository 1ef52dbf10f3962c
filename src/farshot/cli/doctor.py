"""`doctor`: whether Farshot can work here."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from farshot.cli.checks import Check, checks
from farshot.cli.data import write_json
from farshot.cli.failures import DONE, FAILED
from farshot.cli.tables import stdout
from farshot.cli.texts import count_of, printable
from farshot.config import data_folder

if TYPE_CHECKING:
    from pathlib import Path

    from rich.table import Table

__all__ = ["doctor"]


def doctor(data_dir: Path | None, *, as_json: bool) -> int:
    """Print every finding and say whether all is well."""
    found = list(checks(data_folder(data_dir)))
    wrong = sum(not check.ok for check in found)
    if as_json:
        write_json({"ok": not wrong, "checks": [asdict(check) for check in found]})
    else:
        stdout().print(_table(found))
        typer.echo(f"\n{count_of(wrong, 'problem')} found" if wrong else "\nall is well")
    return FAILED if wrong else DONE


def _table(found: list[Check]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for check in found:
        mark = Text("ok", style="green") if check.ok else Text("wrong", style="bold red")
        detail = Text(_lines(check.detail))
        if check.advice:
            detail.append(f"\n{_lines(check.advice)}", style="yellow")
        table.add_row(mark, check.name, detail)
    return table


def _lines(text: str) -> str:
    return "\n".join(printable(line) for line in text.splitlines())
