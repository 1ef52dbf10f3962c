"""Settings: what was given, else the environment, else a file, else the default."""

from farshot.config.folders import config_folder, data_folder

__all__ = ["config_folder", "data_folder"]
