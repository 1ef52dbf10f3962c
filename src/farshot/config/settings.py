"""The settings of a service and their defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from farshot.accounts import Quota
from farshot.config.units import Seconds, Size

Positive = Annotated[int, msgspec.Meta(ge=1)]
NotNegative = Annotated[int, msgspec.Meta(ge=0)]


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The address, the store and the workers of a service."""

    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 8080
    data_dir: Path | None = None
    store: str | None = None
    """The address of a PostgreSQL database; None: SQLite in `data_dir`."""
    workers: Positive | None = None
    """The number of worker processes; None: one a core."""
    executor: str = "local"
    grace: Seconds = Seconds(10)
    """The time that running circuits have when the service stops."""
    insecure: bool = False
    """True to serve other machines without TLS."""
    log_format: Literal["text", "json"] = "text"


class TlsSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The PEM files of TLS. The key may be in the file of the certificate."""

    certificate: Path | None = None
    key: Path | None = None


class LimitSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of one worker, circuit, job or request."""

    memory: Size | None = None
    """The memory of a worker; None: a fair share."""
    circuit_timeout: Seconds = Seconds(3600)
    job_timeout: Seconds | None = None
    body: Size = Size(16 * 2**20)
    shots: Positive = 1000
    """The shots of a circuit whose job gives none."""


class QuotaSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The quota of each user that has none of its own. None: any amount."""

    queued_circuits: NotNegative | None = None
    running_shards: NotNegative | None = None
    shots_per_day: NotNegative | None = None
    stored_bytes: Size | None = None

    @property
    def quota(self) -> Quota:
        """This quota as `farshot.accounts` has it."""
        return Quota(**msgspec.structs.asdict(self))


class RetentionSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The time for which ended jobs and unfinished uploads are kept. None: for ever."""

    ended_jobs: Seconds | None = None
    uploads: Seconds | None = Seconds(86400)


class TargetSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One target on offer: its executor, and the time of one circuit (None: `limits.circuit_timeout`)."""

    executor: str = "local"
    circuit_timeout: Seconds | None = None


class ServiceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings by section. Without `targets` every target that can be used here is on offer."""

    server: ServerSettings = ServerSettings()
    tls: TlsSettings = TlsSettings()
    limits: LimitSettings = LimitSettings()
    quota: QuotaSettings = QuotaSettings()
    retention: RetentionSettings = RetentionSettings()
    targets: dict[str, TargetSettings] = msgspec.field(default_factory=dict)
