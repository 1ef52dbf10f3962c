"""The names of targets. They are checked when a batch is submitted, so this module imports no simulator."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec

from farshot import plugins
from farshot.errors import MissingExtraError, OptionError, TargetError

AUTO = "auto"
GROUP = "farshot.simulators"
"""The entry point group of simulators."""

_METHODS = {
    "prism": ("statevector", "stabilizer", "mps"),
    "aer": ("statevector", "density_matrix", "stabilizer", "mps"),
}
_EXTRAS = {"aer": ("qiskit_aer",)}
"""The modules that the extra of this name installs."""


@dataclass(frozen=True, slots=True)
class Target:
    """A parsed name."""

    simulators: tuple[str, ...]
    """The simulators to try, in order."""
    method: str | None = None


def known_targets() -> tuple[str, ...]:
    """Return the names that come with Farshot, even those with a missing extra."""
    methods = (f"{name}:{method}" for name, own in _METHODS.items() for method in own)
    return (AUTO, *_METHODS, *methods)


@lru_cache(maxsize=256)
def parse_target(name: str) -> Target:
    """Return the target of a name; raises `TargetError` if there is none.

    >>> parse_target("prism:mps")
    Target(simulators=('prism',), method='mps')
    """
    if name == AUTO:
        return Target(tuple(_METHODS))
    simulator, colon, method = name.partition(":")
    if not _is_known(simulator, method if colon else None):
        message = f"no target {name[:80]!r}; known are {', '.join(known_targets())}"
        raise TargetError(message)
    return Target((simulator,), method if colon else None)


def _is_known(simulator: str, method: str | None) -> bool:
    if simulator in _METHODS:
        return method is None or method in _METHODS[simulator]
    return method != "" and simulator in plugins.names(GROUP)


def missing_extra(simulator: str) -> str | None:
    """Return how to install the extra that `simulator` needs; None if it is there."""
    if all(find_spec(module) for module in _EXTRAS.get(simulator, ())):
        return None
    return f"target {simulator!r} needs an extra: pip install 'farshot[{simulator}]'"


def check_target(name: object) -> str:
    """Return `name` if it can be used here; raises `OptionError`, `TargetError` or `MissingExtraError`."""
    if not isinstance(name, str):
        message = f"a target is a name such as 'auto', not {name!r:.80}"
        raise OptionError(message)
    target = parse_target(str(name))
    missing = missing_extra(target.simulators[0])
    if missing is not None:
        raise MissingExtraError(missing)
    return str(name)
