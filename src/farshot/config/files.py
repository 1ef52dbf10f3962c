"""Settings in a TOML file."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from farshot.config.sources import Given, Layer, options_of, unknown
from farshot.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def read_toml(file: Path) -> dict[str, Any]:
    """Return the tables of a file; raises `ConfigError` where it cannot be read."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        reason = str(error.strerror)
    except ValueError as error:  # no UTF-8, or no TOML
        reason = str(error)
    message = f"{file} cannot be read: {reason}"
    raise ConfigError(message)


def read_file(file: Path) -> Layer:
    """Return what a file gives; raises `ConfigError` for a section or key that is none."""
    file = file.expanduser().absolute()
    sections = read_toml(file)
    return {
        key: Given(value, f"file {file}", is_text=False, folder=file.parent)
        for section, held in sections.items()
        for key, value in _options(file, section, held)
    }


def _options(file: Path, section: str, held: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 -- whatever TOML holds
    known = options_of()
    if section not in {*known, "targets"}:
        message = f"file {file}: {unknown('section', section, [*known, 'targets'])}"
        raise ConfigError(message)
    if not isinstance(held, dict):
        message = f"file {file}: {section} is a section: write [{section}] and its keys below"
        raise ConfigError(message)
    for name, value in held.items():
        if section != "targets" and name not in known[section]:
            message = f"file {file}: {section}: {unknown('key', name, known[section])}"
            raise ConfigError(message)
        yield f"{section}.{name}", value
