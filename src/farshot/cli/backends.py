"""The backends that commands work with: the store on this machine, or a service."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from farshot.cli.error_output import InputError
from farshot.config.login import chosen_client

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from farshot.backends.base import Backend
    from farshot.backends.local import LocalBackend
    from farshot.cli.options import Location, TimeLimits
    from farshot.cli.progress_bar import SendProgress
    from farshot.config.login import Service


LOOK_SECONDS = 0.1
LONG_PATIENCE = 60.0
"""Seconds that a service may be away while a job is waited for."""
_PATIENCE = 5.0
_ASK_SECONDS = 0.5


def service_of(where: Location) -> Service | None:
    """Return the service that is meant, with a token; None where this machine is. Raises `InputError`."""
    if where.url and where.data_dir:
        message = "--url and --data-dir exclude each other: jobs are on a service, or in a folder of this machine"
        raise InputError(message)
    service = chosen_client(where.url, where.token, os.environ, local=where.data_dir is not None)
    if service is None and where.token:
        message = "--token is for a service: give its --url too"
        raise InputError(message)
    if service and service.token is None:
        message = f"no token for {service.url}: give it in FARSHOT_TOKEN, or once with `farshot login {service.url}`"
        raise InputError(message)
    return service


def open_jobs(
    where: Location, limits: TimeLimits | None = None, sent: SendProgress | None = None, *, patience: float = _PATIENCE
) -> Backend:
    """Return a backend that takes and reads jobs, and starts no worker on this machine.

    `sent` hears of what is sent to a service, which may be away for `patience` seconds.
    """
    service = service_of(where)
    keywords = limits.keywords() if limits else {}
    if service:
        return _remote(service, {**keywords, "on_upload": sent, "retry_seconds": patience})
    return _local(where.data_dir, workers=0, polling_interval=LOOK_SECONDS, **keywords)


def open_runner(where: Location, workers: int | None, limits: TimeLimits, sent: SendProgress) -> Backend:
    """Return a backend that runs what it takes: on this machine, or a service that does. Raises `InputError`."""
    service = service_of(where)
    if service is None:
        return open_here(where.data_dir, workers, limits)
    if workers is not None or limits.circuit_timeout is not None:
        message = (
            f"--workers and --circuit-timeout are for this machine, and {service.url} ({service.url_origin}) runs the "
            "circuits: leave them out, or run here with --data-dir"
        )
        raise InputError(message)
    return _remote(service, {**limits.keywords(), "on_upload": sent, "retry_seconds": LONG_PATIENCE})


def open_here(data_dir: Path | None, workers: int | None, limits: TimeLimits) -> LocalBackend:
    """Return a backend that runs what is open in the store of this machine, its own jobs and others."""
    return _local(data_dir, workers=workers, polling_interval=LOOK_SECONDS, **limits.keywords())


def _local(data_dir: Path | None, **options: Any) -> LocalBackend:  # noqa: ANN401 -- those of the backend
    from farshot.backends.local import LocalBackend

    return LocalBackend(data_dir=data_dir, **options)


def _remote(service: Service, options: Mapping[str, Any]) -> Backend:
    from farshot.backends.remote import RemoteBackend

    return RemoteBackend(service.url, service.token, polling_interval=_ASK_SECONDS, **options)
