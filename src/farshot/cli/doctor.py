"""`doctor`: checks whether Farshot works here, and shows the settings in force."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from farshot.cli.cell_texts import count_of, printable
from farshot.cli.checks import Check, checks, server_check, service_checks
from farshot.cli.data_output import write_json
from farshot.cli.error_output import DONE, FAILED
from farshot.cli.result_tables import stdout
from farshot.cli.service_options import load_settings
from farshot.cli.settings_report import SettingSource, client_facts, setting_facts
from farshot.config import data_folder
from farshot.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from rich.table import Table

    from farshot.cli.options import Location


def doctor(where: Location, config: Path | None, *, as_json: bool) -> int:
    """Print every finding and the settings in force; return 1 if something is wrong."""
    settings, clients, faults = _read_settings(where, config)
    findings = [*checks(data_folder(where.data_dir)), *service_checks(where), *faults]
    wrong = sum(not check.ok for check in findings)
    if as_json:
        facts = {"settings": _facts_by_name(settings), "client": _facts_by_name(clients)}
        write_json({"ok": not wrong, "checks": [asdict(check) for check in findings], **facts})
        return FAILED if wrong else DONE
    stdout().print(_checks_table(findings))
    _show_facts("where commands find jobs", clients)
    _show_facts("what `farshot serve` would do", settings)
    typer.echo(f"\n{count_of(wrong, 'problem')} found" if wrong else "\nall is well")
    return FAILED if wrong else DONE


def _read_settings(
    where: Location, config: Path | None
) -> tuple[list[SettingSource], list[SettingSource], list[Check]]:
    """Return the settings of a service, those of commands, and the faults of either."""
    faults: list[Check] = []
    settings: list[SettingSource] = []
    clients: list[SettingSource] = []
    try:
        clients = list(client_facts(where))
        loaded = load_settings(config, {"data_dir": str(where.data_dir) if where.data_dir else None})
        settings = list(setting_facts(loaded))
        if loaded.settings.server.store:
            faults.append(server_check(loaded.settings.server.store))
    except ConfigError as error:
        faults.append(Check("settings", ok=False, detail=str(error), advice="put that right, or leave it out"))
    return settings, clients, faults


def _facts_by_name(facts: list[SettingSource]) -> dict[str, dict[str, str]]:
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


def _checks_table(findings: list[Check]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for check in findings:
        mark = Text("ok", style="green") if check.ok else Text("wrong", style="bold red")
        detail = Text(_printable_lines(check.detail))
        if check.advice:
            detail.append(f"\n{_printable_lines(check.advice)}", style="yellow")
        table.add_row(mark, check.name, detail)
    return table


def _printable_lines(text: str) -> str:
    return "\n".join(printable(line) for line in text.splitlines())
