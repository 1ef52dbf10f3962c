"""Where settings are given: what each place holds, as it was written."""

from __future__ import annotations

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
    from collections.abc import Iterable, Mapping


_PREFIX = "FARSHOT_"
_TARGETS = "FARSHOT_TARGETS"
_FOLDER = "FARSHOT_DATA_DIR"


@dataclass(frozen=True, slots=True)
class Given:
    """A value as it was written, and where: `is_text` where every value there is text.

    Paths are relative to `folder`. `is_fallback` marks a folder that gives way to any store that is named.
    """

    value: Any
    origin: str
    is_text: bool = True
    folder: Path = Path()
    is_fallback: bool = False

    def read(self, kind: type, value: object) -> object:
        """Return `value` as a time, a size or a path; what a decoder asks for types that it does not know."""
        if kind in {Seconds, Size}:
            return kind.read(value)
        if not isinstance(value, str) or not value:
            message = f"a path is text, not {value!r:.80}"
            raise ValueError(message)
        return (self.folder / Path(value).expanduser()).absolute()


Layer: TypeAlias = "dict[str, Given]"


@cache
def options_of() -> dict[str, dict[str, Any]]:
    """Return the type of every option of every section; targets are no options, for users name them."""
    sections = {item.name: item.type for item in msgspec.structs.fields(ServiceSettings) if item.name != "targets"}
    return {name: get_type_hints(kind, include_extras=True) for name, kind in sections.items()}


def environment(environ: Mapping[str, str]) -> Layer:
    """Return what the environment gives; raises `ConfigError` for a name that looks like a setting and is none."""
    layer: Layer = {}
    for section, options in options_of().items():
        prefix = f"{_PREFIX}{section.upper()}_"
        for name in sorted(name for name in environ if name.startswith(prefix)):
            option = name.removeprefix(prefix).lower()
            if option not in options:
                message = f"environment {name}: {unknown('setting', option, options)}"
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


def unknown(noun: str, name: str, known: Iterable[str]) -> str:
    """Return that there is no such thing, and what it may have been meant for.

    >>> unknown("key", "prot", ["host", "port"])
    "no key 'prot'; did you mean 'port'?"
    """
    names = list(known)
    near = get_close_matches(name, names, n=1)
    return f"no {noun} {name!r}; " + (f"did you mean {near[0]!r}?" if near else f"known are {', '.join(names)}")
