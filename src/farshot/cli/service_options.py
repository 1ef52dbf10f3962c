"""The options of the commands around a service, the settings that they give, and the store that those name.

The option of a setting is text, which `farshot.config` reads.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from farshot.cli.options import Location, duration_seconds, option
from farshot.config import data_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Engine

    from farshot.config.resolution import Loaded
    from farshot.config.settings import ServiceSettings


FLAGS = {
    "host": "server.host",
    "port": "server.port",
    "data_dir": "server.data_dir",
    "store": "server.store",
    "workers": "server.workers",
    "executor": "server.executor",
    "grace": "server.grace",
    "insecure": "server.insecure",
    "log_format": "server.log_format",
    "tls_cert": "tls.certificate",
    "tls_key": "tls.key",
    "memory_limit": "limits.memory",
    "circuit_timeout": "limits.circuit_timeout",
    "job_timeout": "limits.job_timeout",
    "max_body": "limits.body",
    "shots": "limits.shots",
    "queued_circuits": "quota.queued_circuits",
    "running_shards": "quota.running_shards",
    "shots_per_day": "quota.shots_per_day",
    "stored_bytes": "quota.stored_bytes",
    "keep_jobs": "retention.ended_jobs",
    "keep_uploads": "retention.uploads",
}
"""The setting of each option, by the name of the option's parameter."""


Config = Annotated[Path | None, option("FILE", "Settings in TOML. [default: FARSHOT_CONFIG]")]
StoreDir = Annotated[
    str | None, option("DIR", "Where jobs are kept. [default: FARSHOT_DATA_DIR, else your data folder]")
]
StoreUrl = Annotated[str | None, option("URL", "Keep jobs in PostgreSQL: postgresql://USER@HOST/DATABASE.")]
Expires = Annotated[
    float | None, option("TIME", "Good for so long, as in 90d. [default: ever]", parser=duration_seconds)
]


@dataclass(frozen=True, slots=True)
class AccountOptions:
    """The options that name the users of a command: those of a store, or of a service if `where` has its URL."""

    config: Path | None
    data_dir: str | None
    store: str | None
    where: Location


def load_settings(config: Path | None, given: Mapping[str, object]) -> Loaded:
    """Return the settings in force; `given` holds options by name, None or False if they were not given."""
    from farshot.config.resolution import load
    from farshot.config.sources import Given, targets_given

    flags = {
        FLAGS[name]: Given(value, f"flag --{name.replace('_', '-')}")
        for name, value in given.items()
        if name in FLAGS and value not in {None, False}
    }
    targets = given.get("target")
    if isinstance(targets, list) and targets:
        flags |= targets_given(targets, "flag --target")
    file = config or os.environ.get("FARSHOT_CONFIG") or None
    return load(Path(file) if file else None, os.environ, flags)


def open_store(settings: ServiceSettings) -> Engine:
    """Return the store of the settings, which is made if it is missing; raises `StoreError`."""
    from farshot.store import open_engine, sqlite_url

    return open_engine(settings.server.store or sqlite_url(data_folder(settings.server.data_dir)))


def store_text(settings: ServiceSettings) -> str:
    """Return the folder or the address of the store, without its password."""
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    if settings.server.store is None:
        return str(data_folder(settings.server.data_dir))
    try:
        return make_url(settings.server.store).render_as_string(hide_password=True)
    except ArgumentError:
        return "no address of a store"
