"""`doctor`: checks whether Farshot works here, and shows the settings in force."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import typer
from rich.table import Table
from rich.text import Text

from farshot.cli.cell_texts import bytes_text, count_of, printable
from farshot.cli.checks import Check, checks, server_check, service_checks
from farshot.cli.data_output import write_json
from farshot.cli.error_output import DONE, FAILED
from farshot.cli.result_tables import stdout
from farshot.cli.service_options import load_settings, store_text
from farshot.config import data_folder
from farshot.config.login import chosen_service
from farshot.errors import ConfigError
from farshot.executors.memory_limits import fair_memory, usable_cores

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from farshot.cli.options import Location
    from farshot.config.resolution import Loaded
    from farshot.config.settings import ServiceSettings


@dataclass(frozen=True, slots=True)
class SettingSource:
    """One setting in force and its origin."""

    name: str
    value: str
    origin: str


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
        clients = list(_client_settings(where))
        loaded = load_settings(config, {"data_dir": str(where.data_dir) if where.data_dir else None})
        settings = list(_service_settings(loaded))
        if loaded.settings.server.store:
            faults.append(server_check(loaded.settings.server.store))
    except ConfigError as error:
        faults.append(Check("settings", ok=False, detail=str(error), advice="put that right, or leave it out"))
    return settings, clients, faults


def _facts_by_name(facts: list[SettingSource]) -> dict[str, dict[str, str]]:
    return {fact.name: {"value": fact.value, "origin": fact.origin} for fact in facts}


def _show_facts(title: str, facts: list[SettingSource]) -> None:
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


def _service_settings(loaded: Loaded) -> Iterator[SettingSource]:
    """Yield every setting of `farshot serve`, without secrets."""
    derived = _derived_texts(loaded.settings)
    for key, value, origin in loaded.facts():
        yield SettingSource(key, derived.get(key) or _value_text(value), origin)
    if not loaded.settings.targets:
        yield SettingSource("targets", "all that can be used here", "default")


def _derived_texts(settings: ServiceSettings) -> dict[str, str]:
    """Return the texts of settings that are not shown by their value: unset ones, and those with a password."""
    workers = settings.server.workers or usable_cores()
    texts = {"server.store": store_text(settings)} if settings.server.store else {}
    if not settings.server.store:
        texts["server.data_dir"] = str(data_folder(settings.server.data_dir))
    if settings.server.workers is None:
        texts["server.workers"] = f"{workers} (one a core)"
    if settings.limits.memory is None:
        texts["limits.memory"] = f"{bytes_text(fair_memory(workers + 1))} (a fair share)"
    return texts


def _value_text(value: Any) -> str:  # noqa: ANN401 -- any setting
    if value is None:
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    fields = getattr(value, "__struct_fields__", None)
    if fields is None:
        return str(value)
    return ", ".join(f"{name} {getattr(value, name)}" for name in fields if getattr(value, name) is not None)


def _client_settings(where: Location) -> Iterator[SettingSource]:
    """Yield the place where commands find jobs, and whether there is a token."""
    service = chosen_service(where.url, where.token, os.environ, local=where.data_dir is not None)
    if service is None:
        yield SettingSource("jobs", f"on this machine, in {data_folder(where.data_dir)}", _folder_origin(where))
        return
    yield SettingSource("jobs", f"on the service {service.url}", service.url_origin)
    yield SettingSource("token", "present" if service.token else "missing", service.token_origin or "-")


def _folder_origin(where: Location) -> str:
    if where.data_dir:
        return "flag --data-dir"
    return "environment FARSHOT_DATA_DIR" if os.environ.get("FARSHOT_DATA_DIR") else "default"
