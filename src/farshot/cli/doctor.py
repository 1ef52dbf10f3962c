"""`doctor`: whether Farshot can work here, and what is in force."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from farshot.cli.cell_texts import count_of, printable
from farshot.cli.check import Check
from farshot.cli.checks import checks, service_checks
from farshot.cli.data_output import write_json
from farshot.cli.error_output import DONE, FAILED
from farshot.cli.result_tables import stdout
from farshot.cli.service_options import load_settings
from farshot.cli.settings_report import SettingSource, client_facts, setting_facts
from farshot.cli.store_checks import server_check
from farshot.config import data_folder
from farshot.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from rich.table import Table

    from farshot.cli.options import Location


def doctor(where: Location, config: Path | None, *, as_json: bool) -> int:
    """Print every finding and what is in force, and say whether all is well."""
    settings, clients, faults = _in_force(where, config)
    found = [*checks(data_folder(where.data_dir)), *service_checks(where), *faults]
    wrong = sum(not check.ok for check in found)
    if as_json:
        facts = {"settings": _by_name(settings), "client": _by_name(clients)}
        write_json({"ok": not wrong, "checks": [asdict(check) for check in found], **facts})
        return FAILED if wrong else DONE
    stdout().print(_table(found))
    _show_facts("where commands find jobs", clients)
    _show_facts("what `farshot serve` would do", settings)
    typer.echo(f"\n{count_of(wrong, 'problem')} found" if wrong else "\nall is well")
    return FAILED if wrong else DONE


def _in_force(where: Location, config: Path | None) -> tuple[list[SettingSource], list[SettingSource], list[Check]]:
    """Return the settings, where jobs are, and what is wrong with either."""
    data_dir = str(where.data_dir) if where.data_dir else None
    faults: list[Check] = []
    settings: list[SettingSource] = []
    clients: list[SettingSource] = []
    try:
        clients = list(client_facts(where))
        loaded = load_settings(config, {"data_dir": data_dir})
        settings = list(setting_facts(loaded))
        if loaded.settings.server.store:
            faults.append(server_check(loaded.settings.server.store))
    except ConfigError as error:
        faults.append(Check("settings", ok=False, detail=str(error), advice="put that right, or leave it out"))
    return settings, clients, faults


def _by_name(facts: list[SettingSource]) -> dict[str, dict[str, str]]:
    return {fact.name: {"value": fact.value, "origin": fact.origin} for fact in facts}


def _show_facts(title: str, facts: list[SettingSource]) -> None:
    from rich.table import Table
    from rich.text import Text

    if not facts:
        return
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    table.add_column(overflow="fold", style="dim")
    for fact in facts:
        table.add_row(fact.name, Text(printable(fact.value)), Text(printable(fact.origin)))
    typer.echo(f"\n{title}:")
    stdout().print(table)


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
