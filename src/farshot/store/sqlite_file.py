"""What SQLite itself does not look at when it opens a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farshot.errors import StoreCorruptError

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection


def check_length(connection: Connection, path: Path) -> None:
    """Raise `StoreCorruptError` where the file at `path` ends within its last page."""
    pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    size = connection.exec_driver_sql("PRAGMA page_size").scalar_one()
    if path.stat().st_size < pages * size:
        message = (
            f"the store {path} is damaged (the file is shorter than it says); it was left as it is: "
            "restore a back-up, or choose another folder with data_dir= or FARSHOT_DATA_DIR"
        )
        raise StoreCorruptError(message)
