"""The options of the commands around a service. Each setting's are text: what it means, `farshot.config` knows."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from farshot.cli.options import Location, duration_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from farshot.config.resolution import Loaded


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
"""Which setting the flag of an option is for."""


def setting(flag: str, metavar: str, words: str) -> object:
    """Return the option of a setting."""
    return typer.Option(flag, metavar=metavar, help=words, show_default=False)


Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Settings in TOML. [default: FARSHOT_CONFIG]", show_default=False),
]
StoreDir = Annotated[
    str | None, setting("--data-dir", "DIR", "Where jobs are kept. [default: FARSHOT_DATA_DIR, else your data folder]")
]
StoreUrl = Annotated[str | None, setting("--store", "URL", "Keep jobs in PostgreSQL: postgresql://USER@HOST/DATABASE.")]
Expires = Annotated[
    float | None,
    typer.Option(
        "--expires", metavar="TIME", parser=duration_seconds, help="Good for so long, as in 90d. [default: ever]"
    ),
]


@dataclass(frozen=True, slots=True)
class AccountOptions:
    """Whose users a command is about: those of a store, or where a `url` is given of the service there."""

    config: Path | None
    data_dir: str | None
    store: str | None
    where: Location

    def store_flags(self) -> dict[str, str | None]:
        """Return the options that name a store, as `load_settings` takes them."""
        return {"data_dir": self.data_dir, "store": self.store}


def load_settings(config: Path | None, given: Mapping[str, object]) -> Loaded:
    """Return the settings in force; `given` are options by name, None where they were not given."""
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
