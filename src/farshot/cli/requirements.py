"""Whether the packages that Farshot needs are here, in versions that it works with."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, requires, version
from typing import TYPE_CHECKING

from farshot.cli.check import Check

if TYPE_CHECKING:
    from collections.abc import Iterator


_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?\s*([^;]*)(?:;(.*))?")
_BOUND = re.compile(r"(>=|<=|==|!=|<|>)\s*([0-9]+(?:\.[0-9]+)*)")
_NUMBERS = re.compile(r"[0-9]+(?:\.[0-9]+)*")


def installed(package: str) -> str | None:
    """Return the version of a package; None where it is not here."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def requirement_checks() -> Iterator[Check]:
    """Yield what is missing or of a wrong version, of what is always needed and of the extras that are here."""
    told: set[str] = set()
    for requirement in requires("farshot") or () if installed("farshot") else ():
        name, bounds, condition = (found or "" for found in _REQUIREMENT.fullmatch(requirement).groups())  # type: ignore[union-attr]
        found = installed(name)
        is_extra = "extra" in condition
        if name in told or (found is None and is_extra) or "python_version" in condition:
            continue
        if found is None or not is_within(found, bounds):
            told.add(name)
            wanted = f"{name}{bounds.strip()}"
            detail = f"{found or 'missing'}, and Farshot needs {bounds.strip() or 'it'}"
            yield Check(name, ok=False, detail=detail, advice=f"pip install '{wanted}'")


def is_within(found: str, bounds: str) -> bool:
    """Whether a version meets bounds, as far as numbers go.

    >>> is_within("0.17.1", ">=0.18.2,<0.19"), is_within("0.18.2", "<0.19,>=0.18.2"), is_within("2.10", ">=2.6,<3")
    (False, True, True)
    """
    return all(_meets(_numbers(found), sign, _numbers(wanted)) for sign, wanted in _BOUND.findall(bounds))


def _meets(found: tuple[int, ...], sign: str, wanted: tuple[int, ...]) -> bool:
    width = max(len(found), len(wanted))
    left, right = (part + (0,) * (width - len(part)) for part in (found, wanted))
    return {
        ">=": left >= right,
        "<=": left <= right,
        "==": left == right,
        "!=": left != right,
        "<": left < right,
        ">": left > right,
    }[sign]


def _numbers(text: str) -> tuple[int, ...]:
    found = _NUMBERS.match(text)
    return tuple(map(int, found.group().split("."))) if found else ()
