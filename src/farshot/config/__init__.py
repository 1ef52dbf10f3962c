"""Settings of commands and services, from flags, the environment or a file, and the folders that hold them."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

__all__ = ["config_folder", "data_folder"]


def data_folder(given: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder of the local store: `given`, else `FARSHOT_DATA_DIR`, else the user's data folder."""
    chosen = given or os.environ.get("FARSHOT_DATA_DIR")
    return Path(chosen).expanduser().absolute() if chosen else platformdirs.user_data_path("farshot")


def config_folder() -> Path:
    """Return the folder of the user's settings: `FARSHOT_CONFIG_DIR`, else the user's configuration folder."""
    chosen = os.environ.get("FARSHOT_CONFIG_DIR")
    return Path(chosen).expanduser().absolute() if chosen else platformdirs.user_config_path("farshot")
