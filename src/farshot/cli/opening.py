"""The backends that commands work with."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from farshot.backends.local import LocalBackend
    from farshot.cli.options import TimeLimits

__all__ = ["LOOK_SECONDS", "open_backend", "open_queue"]

LOOK_SECONDS = 0.1


def open_backend(data_dir: Path | None, workers: int | None, limits: TimeLimits) -> LocalBackend:
    """Return a backend that runs what is open in the store, its own jobs and others."""
    from farshot.backends.local import LocalBackend

    return LocalBackend(data_dir=data_dir, workers=workers, polling_interval=LOOK_SECONDS, **limits.keywords())


def open_queue(data_dir: Path | None, limits: TimeLimits | None = None) -> LocalBackend:
    """Return a backend that stores and reads jobs and never starts a worker."""
    from farshot.backends.local import LocalBackend

    return LocalBackend(data_dir=data_dir, workers=0, **(limits.keywords() if limits else {}))
