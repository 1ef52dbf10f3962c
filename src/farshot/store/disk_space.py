"""Room on the disk of a store: what is kept back for results, and for deleting where nothing else is left."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from farshot.errors import StoreFullError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import URL


_KEPT_BACK = 64 * 2**20
"""Bytes of the disk that new work leaves free, for the results of what is accepted; of a small disk a twentieth."""
_BALLAST = 4 * 2**20
"""Bytes of a file that is given up where nothing can be deleted for want of room; of a small disk a fiftieth."""
_NAME = "farshot.reserve"


class DiskSpace:
    """The disk of the store at `url`; a server looks after its own."""

    def __init__(self, url: URL) -> None:
        """Use the folder of the file."""
        place = url.database if url.drivername == "sqlite" else None
        self._folder = Path(place).parent if place and place != ":memory:" else None

    def shortage(self) -> str | None:
        """Return why no new work can be taken; None where there is room."""
        if self._folder is None:
            return None
        disk = os.statvfs(self._folder)
        free, least = disk.f_bavail * disk.f_frsize, min(_KEPT_BACK, disk.f_blocks * disk.f_frsize // 20)
        if free >= least:
            return None
        return (
            f"the disk of the store {self._folder} has {free / 2**20:,.1f} MiB left, and {least / 2**20:,.1f} are kept "
            "for results: free some, or delete jobs (`farshot jobs prune`) and give back their space "
            "(`farshot store compact`)"
        )

    def check(self) -> None:
        """Raise `StoreFullError` where no new work can be taken."""
        reason = self.shortage()
        if reason is not None:
            raise StoreFullError(reason)

    def keep(self) -> None:
        """Take up the room that deleting may need, where there is plenty and it is not taken yet."""
        if self._folder is None or self.shortage() is not None:
            return
        file = self._folder / _NAME
        if not file.exists():
            with suppress(OSError):
                _fill(file, min(_BALLAST, _size(self._folder) // 50))

    @contextmanager
    def given_up(self) -> Iterator[None]:
        """Give that room up while something is deleted, and take it again where there is enough."""
        if self._folder is not None:
            with suppress(OSError):
                (self._folder / _NAME).unlink(missing_ok=True)
        try:
            yield
        finally:
            self.keep()


def _size(folder: Path) -> int:
    disk = os.statvfs(folder)
    return disk.f_blocks * disk.f_frsize


def _fill(file: Path, size: int) -> None:
    """Write the file: one with holes would keep no room."""
    descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        os.write(descriptor, bytes(size))
    finally:
        os.close(descriptor)
