"""The backends of commands, on the store of this machine or on a service, and the look-up of jobs in them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from farshot.backends.job_lookup import find_job as find_among
from farshot.cli.error_output import InputError
from farshot.config.login import chosen_service

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from farshot.backends.base import Backend
    from farshot.backends.local import LocalBackend
    from farshot.cli.options import Location, TimeLimits
    from farshot.cli.progress import SendProgress
    from farshot.config.login import Service


LONG_RETRY_SECONDS = 60.0
"""Seconds that a service may be away while a job is waited for."""
_RETRY_SECONDS = 5.0
_STORE_POLL_SECONDS = 0.1
_SERVICE_POLL_SECONDS = 0.5
_MAX_JOBS = 1000
"""The number of newest jobs among which the beginning of an id is looked up."""


def service_of(where: Location) -> Service | None:
    """Return the service to ask, with a token; None for this machine. Raises `InputError`."""
    if where.url and where.data_dir:
        message = "--url and --data-dir exclude each other: jobs are on a service, or in a folder of this machine"
        raise InputError(message)
    service = chosen_service(where.url, where.token, os.environ, local=where.data_dir is not None)
    if service is None and where.token:
        message = "--token is for a service: give its --url too"
        raise InputError(message)
    if service and service.token is None:
        message = f"no token for {service.url}: give it in FARSHOT_TOKEN, or once with `farshot login {service.url}`"
        raise InputError(message)
    return service


def open_jobs(
    where: Location,
    limits: TimeLimits | None = None,
    sent: SendProgress | None = None,
    *,
    retry_seconds: float = _RETRY_SECONDS,
) -> Backend:
    """Return a backend that takes and reads jobs, and starts no worker on this machine.

    `sent` is called with what is sent to a service, which may be away for `retry_seconds`.
    """
    service = service_of(where)
    keywords = limits.keywords() if limits else {}
    if service:
        return _remote(service, {**keywords, "on_upload": sent, "retry_seconds": retry_seconds})
    return _local(where.data_dir, workers=0, polling_interval=_STORE_POLL_SECONDS, **keywords)


def open_runner(where: Location, workers: int | None, limits: TimeLimits, sent: SendProgress) -> Backend:
    """Return a backend whose jobs run: on workers that it starts on this machine, or at a service.

    Raises `InputError` for an option that a service does not take.
    """
    service = service_of(where)
    if service is None:
        return open_here(where.data_dir, workers, limits)
    if workers is not None or limits.circuit_timeout is not None:
        message = (
            f"--workers and --circuit-timeout are for this machine, and {service.url} ({service.url_origin}) runs the "
            "circuits: leave them out, or run here with --data-dir"
        )
        raise InputError(message)
    return _remote(service, {**limits.keywords(), "on_upload": sent, "retry_seconds": LONG_RETRY_SECONDS})


def open_here(data_dir: Path | None, workers: int | None, limits: TimeLimits) -> LocalBackend:
    """Return a backend that runs every open job in the store of this machine."""
    return _local(data_dir, workers=workers, polling_interval=_STORE_POLL_SECONDS, **limits.keywords())


def _local(data_dir: Path | None, **options: Any) -> LocalBackend:  # noqa: ANN401 -- the backend's options
    from farshot.backends.local import LocalBackend

    return LocalBackend(data_dir=data_dir, **options)


def _remote(service: Service, options: Mapping[str, Any]) -> Backend:
    from farshot.backends.remote import RemoteBackend

    return RemoteBackend(service.url, service.token, polling_interval=_SERVICE_POLL_SECONDS, **options)


def find_job(backend: Backend, given: str) -> str:
    """Return the id that `given` is, or that it begins among the newest jobs; raises `UnknownJobError`."""
    return find_among(given, lambda: (record.id for record in backend.records(limit=_MAX_JOBS)))
