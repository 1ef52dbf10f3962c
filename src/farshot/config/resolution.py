"""The settings of a service from a file, the environment and flags, with the origin of each.

Flags come before the environment, that before the file, that before the default. `server.port` is `port` in the
section `[server]` of the file, and `FARSHOT_SERVER_PORT` in the environment; every other setting likewise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import msgspec

from farshot.config.settings import ServiceSettings, TargetSettings
from farshot.config.sources import Given, Layer, options_of, read_environment, read_file, unknown_name
from farshot.config.units import Size
from farshot.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


_DATA_DIR, _STORE = "server.data_dir", "server.store"
_MIN_MEMORY = Size(2**28)
_KIND_TEXTS = {
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
    """The settings in force, and their origins."""

    settings: ServiceSettings
    origins: Mapping[str, str] = field(default_factory=dict)
    """The origin of every setting that is not the default, by `section.option`; that of a target by `targets.NAME`."""

    def facts(self) -> Iterator[tuple[str, Any, str]]:
        """Yield every setting as its key, value and origin."""
        for section, options in options_of().items():
            values = getattr(self.settings, section)
            for name in options:
                key = f"{section}.{name}"
                yield key, getattr(values, name), self.origins.get(key, "default")
        for name, target in self.settings.targets.items():
            yield f"targets.{name}", target, self.origins[f"targets.{name}"]


def load(file: Path | None, environ: Mapping[str, str], flags: Layer) -> Loaded:
    """Return the settings in force; raises `ConfigError`, which names the setting that is wrong and its origin."""
    layers = (read_file(file) if file else {}, read_environment(environ), flags)
    given: dict[str, Given] = {}
    for layer in layers:
        _put_layer(given, layer)
    values = {key: _convert(key, found) for key, found in given.items()}
    settings = _build(values)
    _check(settings, given)
    return Loaded(settings, {key: found.origin for key, found in given.items()})


def _put_layer(given: dict[str, Given], layer: Layer) -> None:
    """Put `layer` above the settings in `given`: its store or folder, and its targets, replace theirs."""
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


def _convert(key: str, given: Given) -> Any:  # noqa: ANN401 -- of the setting's type
    section, _, name = key.partition(".")
    kind = TargetSettings if section == "targets" else options_of()[section][name]
    try:
        return msgspec.convert(given.value, kind, strict=not given.is_text, dec_hook=given.read)
    except msgspec.ValidationError as error:
        message = f"{given.origin}: {key}: {_reason(kind, given.value, error)}"
        raise ConfigError(message) from None


def _reason(kind: Any, value: object, error: msgspec.ValidationError) -> str:  # noqa: ANN401 -- any annotation
    """Return the fault of a value in plain words; the decoder names types."""
    if get_origin(kind) is Literal:
        return f"{value!r:.80} is not one of: {', '.join(get_args(kind))}"
    reason, _, place = str(error).replace("`", "").partition(" - at $.")
    if "unknown field" in reason:
        return unknown_name("key", reason.rpartition(" ")[2], TargetSettings.__struct_fields__)
    if place and "enum value" in reason:
        return f"{place}: {reason.rpartition(' ')[2]} is not one of: local"
    if not reason.startswith("Expected "):
        return f"{place}: {reason}".removeprefix(": ")
    wanted = reason.partition(", got ")[0].removeprefix("Expected ").removesuffix(" | null")
    return f"{place}: {_KIND_TEXTS.get(wanted, wanted)} is needed, not {value!r:.80}".removeprefix(": ")


def _build(values: Mapping[str, Any]) -> ServiceSettings:
    parts: dict[str, dict[str, Any]] = {}
    for key, value in values.items():
        section, _, name = key.partition(".")
        parts.setdefault(section, {})[name] = value
    kinds = {item.name: item.type for item in msgspec.structs.fields(ServiceSettings)}
    sections: dict[str, Any] = {
        name: part if name == "targets" else kinds[name](**part) for name, part in parts.items()
    }
    return ServiceSettings(**sections)


def _check(settings: ServiceSettings, given: Mapping[str, Given]) -> None:
    memory = settings.limits.memory
    if memory is not None and memory < _MIN_MEMORY:
        origin = given["limits.memory"].origin
        message = f"{origin}: limits.memory: a worker needs {_MIN_MEMORY} or more, not {memory}"
        raise ConfigError(message)
    if settings.tls.key and not settings.tls.certificate:
        message = f"{given['tls.key'].origin}: tls.key: a key needs its certificate: give tls.certificate too"
        raise ConfigError(message)
