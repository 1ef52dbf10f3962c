"""Free space on the disk of a store: a minimum is kept for results, and a reserve for deleting on a full disk."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from farshot.errors import StoreFullError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import URL


_MIN_FREE_BYTES = 64 * 2**20
"""Bytes of the disk that new work leaves free for the results of accepted jobs; of a small disk a twentieth."""
_RESERVE_BYTES = 4 * 2**20
"""Bytes of a file that is removed if nothing can be deleted for want of space; of a small disk a fiftieth."""
_RESERVE_NAME = "farshot.reserve"


class DiskSpace:
    """The disk of the store at `url`; a server looks after its own."""

    def __init__(self, url: URL) -> None:
        path = url.database if url.drivername == "sqlite" else None
        self._folder = Path(path).parent if path and path != ":memory:" else None

    def shortage(self) -> str | None:
        """Return why no new work can be accepted; None if there is space."""
        if self._folder is None:
            return None
        disk = os.statvfs(self._folder)
        free, least = disk.f_bavail * disk.f_frsize, min(_MIN_FREE_BYTES, disk.f_blocks * disk.f_frsize // 20)
        if free >= least:
            return None
        return (
            f"the disk of the store {self._folder} has {free / 2**20:,.1f} MiB left, and {least / 2**20:,.1f} are kept "
            "for results: free some, or delete jobs (`farshot jobs prune`) and give back their space "
            "(`farshot store compact`)"
        )

    def check(self) -> None:
        """Raise `StoreFullError` if no new work can be accepted."""
        reason = self.shortage()
        if reason is not None:
            raise StoreFullError(reason)

    def keep_reserve(self) -> None:
        """Write the file that reserves space for deleting, if there is space and no such file."""
        if self._folder is None or self.shortage() is not None:
            return
        file = self._folder / _RESERVE_NAME
        if not file.exists():
            disk = os.statvfs(self._folder)
            with suppress(OSError):
                _fill(file, min(_RESERVE_BYTES, disk.f_blocks * disk.f_frsize // 50))

    @contextmanager
    def without_reserve(self) -> Iterator[None]:
        """Remove the reserve while something is deleted; write it again if there is space then."""
        if self._folder is not None:
            with suppress(OSError):
                (self._folder / _RESERVE_NAME).unlink(missing_ok=True)
        try:
            yield
        finally:
            self.keep_reserve()


def _fill(file: Path, size: int) -> None:
    """Write the file in full: one with holes would reserve nothing."""
    descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        os.write(descriptor, bytes(size))
    finally:
        os.close(descriptor)
