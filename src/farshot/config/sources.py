"""The sources of settings: a TOML file, the environment and targets given as text, each read as it was written."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, get_type_hints

import msgspec

from farshot.config.settings import ServiceSettings
from farshot.config.units import Seconds, Size
from farshot.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


_TARGETS = "FARSHOT_TARGETS"
_FOLDER = "FARSHOT_DATA_DIR"


@dataclass(frozen=True, slots=True)
class Given:
    """A value as it was written, and its origin."""

    value: Any
    origin: str
    is_text: bool = True
    """True if this source holds text only, which is converted to the type of the setting."""
    folder: Path = Path()
    """The folder that paths are relative to."""
    is_fallback: bool = False
    """True for a folder that gives way to any store that is named."""

    def read(self, kind: type, value: object) -> object:
        """Return `value` as a time, a size or a path; a decoder asks for types that it does not know."""
        if kind in {Seconds, Size}:
            return kind.read(value)
        if not isinstance(value, str) or not value:
            message = f"a path is text, not {value!r:.80}"
            raise ValueError(message)
        return (self.folder / Path(value).expanduser()).absolute()


Layer: TypeAlias = "dict[str, Given]"
"""The settings of one source, by `section.option`."""


@cache
def options_of() -> dict[str, dict[str, Any]]:
    """Return the type of every option by section. Targets are left out, for users name them."""
    sections = {item.name: item.type for item in msgspec.structs.fields(ServiceSettings) if item.name != "targets"}
    return {name: get_type_hints(kind, include_extras=True) for name, kind in sections.items()}


def read_toml(file: Path) -> dict[str, Any]:
    """Return the tables of a file; raises `ConfigError` if it cannot be read."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        reason = str(error.strerror)
    except ValueError as error:  # no UTF-8, or no TOML
        reason = str(error)
    message = f"{file} cannot be read: {reason}"
    raise ConfigError(message)


def read_file(file: Path) -> Layer:
    """Return the settings of a file; raises `ConfigError` for an unknown section or key."""
    file = file.expanduser().absolute()
    return {
        key: Given(value, f"file {file}", is_text=False, folder=file.parent)
        for section, table in read_toml(file).items()
        for key, value in _section_options(file, section, table)
    }


def _section_options(file: Path, section: str, table: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 -- any TOML value
    known = options_of()
    if section not in {*known, "targets"}:
        message = f"file {file}: {unknown_name('section', section, [*known, 'targets'])}"
        raise ConfigError(message)
    if not isinstance(table, dict):
        message = f"file {file}: {section} is a section: write [{section}] and its keys below"
        raise ConfigError(message)
    for name, value in table.items():
        if section != "targets" and name not in known[section]:
            message = f"file {file}: {section}: {unknown_name('key', name, known[section])}"
            raise ConfigError(message)
        yield f"{section}.{name}", value


def read_environment(environ: Mapping[str, str]) -> Layer:
    """Return the settings of the environment; raises `ConfigError` for a name like that of a setting that is none."""
    layer: Layer = {}
    for section, options in options_of().items():
        prefix = f"FARSHOT_{section.upper()}_"
        for name in sorted(name for name in environ if name.startswith(prefix)):
            option = name.removeprefix(prefix).lower()
            if option not in options:
                message = f"environment {name}: {unknown_name('setting', option, options)}"
                raise ConfigError(message)
            layer[f"{section}.{option}"] = Given(environ[name], f"environment {name}")
    if environ.get(_FOLDER) and "server.data_dir" not in layer:
        layer["server.data_dir"] = Given(environ[_FOLDER], f"environment {_FOLDER}", is_fallback=True)
    if environ.get(_TARGETS):
        layer |= targets_given(environ[_TARGETS].split(";"), f"environment {_TARGETS}")
    return layer


def targets_given(texts: Iterable[str], origin: str) -> Layer:
    """Return the targets that texts such as `prism:mps,circuit_timeout=10m` name."""
    layer: Layer = {}
    for text in texts:
        name, *options = (word.strip() for word in text.split(","))
        pairs = [option.partition("=") for option in options]
        if not name or not all(equals for _, equals, _ in pairs):
            message = f"{origin}: a target is given as NAME or NAME,circuit_timeout=TIME; not {text!r:.80}"
            raise ConfigError(message)
        layer[f"targets.{name}"] = Given({key.strip(): value.strip() for key, _, value in pairs}, origin)
    return layer


def unknown_name(noun: str, name: str, known: Iterable[str]) -> str:
    """Return the message that there is no such name, with the known name that is nearest.

    >>> unknown_name("key", "prot", ["host", "port"])
    "no key 'prot'; did you mean 'port'?"
    """
    names = list(known)
    near = get_close_matches(name, names, n=1)
    return f"no {noun} {name!r}; " + (f"did you mean {near[0]!r}?" if near else f"known are {', '.join(names)}")
