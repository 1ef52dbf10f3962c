"""From a file, the environment and flags to the settings of a service, and where each of them came from.

Flags come before the environment, that before the file, that before the default. `server.port` is `port` in the
section `[server]` of the file, and `FARSHOT_SERVER_PORT` in the environment; every other setting likewise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import msgspec

from farshot.config.files import read_file
from farshot.config.settings import ServiceSettings, TargetSettings
from farshot.config.sources import Given, Layer, environment, options_of, unknown
from farshot.config.units import Size
from farshot.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


_DATA_DIR, _STORE = "server.data_dir", "server.store"
_LEAST_MEMORY = Size(2**28)
_WORDS = {
    "int": "a whole number",
    "int >= 0": "a whole number from 0 on",
    "int >= 1": "a whole number from 1 on",
    "int <= 65535": "a port from 0 to 65535",
    "bool": "true or false",
    "str": "text",
    "object": "a section",
}


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings in force. `origins` has those that are not the default; a target's key is `targets.NAME`."""

    settings: ServiceSettings
    origins: Mapping[str, str] = field(default_factory=dict)

    def facts(self) -> Iterator[tuple[str, Any, str]]:
        """Yield every key with its value and where that came from."""
        for section, options in options_of().items():
            held = getattr(self.settings, section)
            for name in options:
                key = f"{section}.{name}"
                yield key, getattr(held, name), self.origins.get(key, "default")
        for name, target in self.settings.targets.items():
            yield f"targets.{name}", target, self.origins[f"targets.{name}"]


def load(file: Path | None, environ: Mapping[str, str], flags: Layer) -> Loaded:
    """Return the settings in force; raises `ConfigError`, which names what is wrong and where it is from."""
    layers = (read_file(file) if file else {}, environment(environ), flags)
    given: dict[str, Given] = {}
    for layer in layers:
        _place(given, layer)
    values = {key: _convert(key, found) for key, found in given.items()}
    settings = _build(values)
    _check(settings, given)
    return Loaded(settings, {key: found.origin for key, found in given.items()})


def _place(given: dict[str, Given], layer: Layer) -> None:
    """Put a layer above those below: its store or folder, and its targets, take the place of theirs."""
    if {_DATA_DIR, _STORE} <= layer.keys() and not layer[_DATA_DIR].is_fallback:
        places = f"{_DATA_DIR} ({layer[_DATA_DIR].origin}) and {_STORE} ({layer[_STORE].origin})"
        message = f"{places} exclude each other: a store is in one place"
        raise ConfigError(message)
    layer = {key: found for key, found in layer.items() if not (found.is_fallback and _STORE in {*given, *layer})}
    dropped = [_STORE] if _DATA_DIR in layer else [_DATA_DIR] if _STORE in layer else []
    if any(map(_is_target, layer)):
        dropped += [key for key in given if _is_target(key)]
    for key in dropped:
        given.pop(key, None)
    given.update(layer)


def _is_target(key: str) -> bool:
    return key.startswith("targets.")


def _convert(key: str, given: Given) -> Any:  # noqa: ANN401 -- what the setting's type says
    section, _, name = key.partition(".")
    kind = TargetSettings if section == "targets" else options_of()[section][name]
    try:
        return msgspec.convert(given.value, kind, strict=not given.is_text, dec_hook=given.read)
    except msgspec.ValidationError as error:
        message = f"{given.origin}: {key}: {_reason(kind, given.value, error)}"
        raise ConfigError(message) from None


def _reason(kind: Any, value: object, error: msgspec.ValidationError) -> str:  # noqa: ANN401 -- any annotation
    """Return what is wrong in words of people; the decoder's are of types."""
    if get_origin(kind) is Literal:
        return f"{value!r:.80} is not one of: {', '.join(get_args(kind))}"
    reason, _, place = str(error).replace("`", "").partition(" - at $.")
    if "unknown field" in reason:
        return unknown("key", reason.rpartition(" ")[2], TargetSettings.__struct_fields__)
    if place and "enum value" in reason:
        return f"{place}: {reason.rpartition(' ')[2]} is not one of: local"
    if not reason.startswith("Expected "):
        return f"{place}: {reason}".removeprefix(": ")
    wanted = reason.partition(", got ")[0].removeprefix("Expected ").removesuffix(" | null")
    return f"{place}: {_WORDS.get(wanted, wanted)} is needed, not {value!r:.80}".removeprefix(": ")


def _build(values: Mapping[str, Any]) -> ServiceSettings:
    parts: dict[str, dict[str, Any]] = {}
    for key, value in values.items():
        section, _, name = key.partition(".")
        parts.setdefault(section, {})[name] = value
    kinds = {item.name: item.type for item in msgspec.structs.fields(ServiceSettings)}
    held: dict[str, Any] = {name: part if name == "targets" else kinds[name](**part) for name, part in parts.items()}
    return ServiceSettings(**held)


def _check(settings: ServiceSettings, given: Mapping[str, Given]) -> None:
    memory = settings.limits.memory
    if memory is not None and memory < _LEAST_MEMORY:
        origin = given["limits.memory"].origin
        message = f"{origin}: limits.memory: a worker needs {_LEAST_MEMORY} or more, not {memory}"
        raise ConfigError(message)
    if settings.tls.key and not settings.tls.certificate:
        message = f"{given['tls.key'].origin}: tls.key: a key needs its certificate: give tls.certificate too"
        raise ConfigError(message)
