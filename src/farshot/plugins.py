"""Entry points of installed packages, looked up and loaded when first used, never at import."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


def names(group: str) -> Iterable[str]:
    """Return the names declared in `group`, without importing them."""
    return entry_points(group=group).names


def load(group: str, name: str) -> Any:  # noqa: ANN401 -- an entry point can refer to any object
    """Import and return the object that `name` in `group` refers to; raises `LookupError` if there is none."""
    for entry_point in entry_points(group=group, name=name):
        return entry_point.load()
    message = f"no entry point {name!r} in group {group!r}"
    raise LookupError(message)
