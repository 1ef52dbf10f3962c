"""The settings in force and their origins: those of a service, and the place where commands find jobs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from farshot.cli.cell_texts import bytes_text
from farshot.cli.service_options import store_text
from farshot.config import data_folder
from farshot.config.login import chosen_client
from farshot.executors.memory_limits import fair_memory, usable_cores

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farshot.cli.options import Location
    from farshot.config.resolution import Loaded
    from farshot.config.settings import ServiceSettings


@dataclass(frozen=True, slots=True)
class SettingSource:
    """One setting in force and its origin."""

    name: str
    value: str
    origin: str


def setting_facts(loaded: Loaded) -> Iterator[SettingSource]:
    """Yield every setting of `farshot serve`, without secrets."""
    derived = _derived_texts(loaded.settings)
    for key, value, origin in loaded.facts():
        yield SettingSource(key, derived.get(key) or _value_text(value), origin)
    if not loaded.settings.targets:
        yield SettingSource("targets", "all that can be used here", "default")


def _derived_texts(settings: ServiceSettings) -> dict[str, str]:
    """Return the texts of settings whose value itself says too little or too much, by key."""
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


def client_facts(where: Location) -> Iterator[SettingSource]:
    """Yield the place where commands find jobs, and whether there is a token."""
    service = chosen_client(where.url, where.token, os.environ, local=where.data_dir is not None)
    if service is None:
        yield SettingSource("jobs", f"on this machine, in {data_folder(where.data_dir)}", _folder_origin(where))
        return
    yield SettingSource("jobs", f"on the service {service.url}", service.url_origin)
    yield SettingSource("token", "present" if service.token else "missing", service.token_origin or "-")


def _folder_origin(where: Location) -> str:
    if where.data_dir:
        return "flag --data-dir"
    return "environment FARSHOT_DATA_DIR" if os.environ.get("FARSHOT_DATA_DIR") else "default"
