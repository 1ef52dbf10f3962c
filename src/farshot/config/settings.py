"""What a service can be told, and what holds where it is told nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from farshot.accounts import Quota
from farshot.config.units import Seconds, Size

Positive = Annotated[int, msgspec.Meta(ge=1)]
NotNegative = Annotated[int, msgspec.Meta(ge=0)]


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where the service listens, where its jobs are, what runs them. Without `store`, SQLite in `data_dir`."""

    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 8080
    data_dir: Path | None = None
    store: str | None = None
    workers: Positive | None = None
    executor: Literal["local"] = "local"
    grace: Seconds = Seconds(10)
    insecure: bool = False
    log_format: Literal["text", "json"] = "text"


class TlsSettings(msgspec.Struct, frozen=True, kw_only=True):
    """PEM files. The key may be in the file of the certificate."""

    certificate: Path | None = None
    key: Path | None = None


class LimitSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What one worker, circuit, job or request may take. `shots` is what a circuit gets unless its job says."""

    memory: Size | None = None
    circuit_timeout: Seconds = Seconds(3600)
    job_timeout: Seconds | None = None
    body: Size = Size(16 * 2**20)
    shots: Positive = 1000


class QuotaSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What each user may have that has no quota of its own. None: any amount."""

    queued_circuits: NotNegative | None = None
    running_shards: NotNegative | None = None
    shots_per_day: NotNegative | None = None
    stored_bytes: Size | None = None

    @property
    def quota(self) -> Quota:
        """The same, as the service knows it."""
        return Quota(**msgspec.structs.asdict(self))


class RetentionSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How long what has ended, and an upload that was never finished, is kept. None: for ever."""

    ended_jobs: Seconds | None = None
    uploads: Seconds | None = Seconds(86400)


class TargetSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One target on offer: where it runs, and how long one circuit may (None: as `limits.circuit_timeout` says)."""

    executor: Literal["local"] = "local"
    circuit_timeout: Seconds | None = None


class ServiceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything together. Without `targets` every target is on offer that can be used here."""

    server: ServerSettings = ServerSettings()
    tls: TlsSettings = TlsSettings()
    limits: LimitSettings = LimitSettings()
    quota: QuotaSettings = QuotaSettings()
    retention: RetentionSettings = RetentionSettings()
    targets: dict[str, TargetSettings] = msgspec.field(default_factory=dict)
