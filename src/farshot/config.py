"""Settings: what was given, else the environment, else the default."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

__all__ = ["data_folder"]


def data_folder(given: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder of the local store: `given`, else `FARSHOT_DATA_DIR`, else the user's data folder."""
    chosen = given or os.environ.get("FARSHOT_DATA_DIR")
    return Path(chosen).expanduser().absolute() if chosen else platformdirs.user_data_path("farshot")
