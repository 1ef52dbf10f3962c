"""Names of parameters that are no words, as other programs write them: `a b`, `θ_{0}`, `2t`. Words replace them."""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import count
from typing import TYPE_CHECKING

from farshot.errors import BatchError
from farshot.openqasm.limits import MAX_WORK
from farshot.templates.parameters import names_in

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping


_NO_LETTER = re.compile(r"\W")
_WORD = re.compile(r"\w+")
_OPENING = re.compile(r"(?<!if)\(")
_STEM = re.compile(r"p([0-9]*+)_")
_START = re.compile(r"(?<![A-Za-z0-9_])(?s:.)")
_JOINED = re.compile(r"[A-Za-z0-9_(]")


def other_name(names: Collection[str], source: str) -> tuple[str, str] | None:
    """Return the first name that is no word and not in the text, if the text has a word in its place, and this word.

    >>> other_name(["t", "θ[0]"], "rx(_θ_0_) q[0];")
    ('θ[0]', '_θ_0_')
    """
    if not any(map(_NO_LETTER.search, names)):
        return None
    words, here, known = frozenset(_WORD.findall(source)), names_in(source), frozenset(names)
    for name in names:
        word = _NO_LETTER.sub("_", name)
        if word != name and name not in here:
            others = (other for other in (f"_{word}", word) if other in words and other not in known)
            if other := next(others, None):
                return name, other
    return None


def words_for(names: Iterable[str], source: str) -> dict[str, str]:
    """Return for each name a word that the text does not have."""
    taken = frozenset(_STEM.findall(source))
    mark = "" if "" not in taken else next(mark for mark in map(str, count(1)) if mark not in taken)
    return {name: f"p{mark}_{number}" for number, name in enumerate(names)}


def renamed(source: str, others: Mapping[str, str]) -> str:
    """Return the text with the other names in the arguments of gates: the longest first, and only for names that no
    letter, digit or `_` touches.

    Raises `BatchError` if so many names begin with one another that the search would take long.

    >>> renamed("x q[0]; rx(2*x+sin(x)) q[0]; rz(a b/2) q[0];", {"x": "p_0", "a b": "p_1"})
    'x q[0]; rx(2*p_0+sin(p_0)) q[0]; rz(p_1/2) q[0];'
    """
    names = _Names(others)
    parts = (_split_arguments(statement) for statement in source.split(";"))
    return ";".join(before + names.replace(arguments) + after for before, arguments, after in parts)


class _Names:
    """Finds which of many names a text has at an offset: in alphabetical order all names that the text begins with
    come before the text, and each of them after those that it begins with itself.
    """

    def __init__(self, others: Mapping[str, str]) -> None:
        self._others = others
        self._sorted = sorted(others)
        self._max_length = max(map(len, others), default=0)
        self._prefixes = _find_prefixes(self._sorted)
        self._steps = 0

    def replace(self, text: str) -> str:
        """Return the text with the other names."""
        pieces, reached = [], 0
        for start in _START.finditer(text):
            place = start.start()
            name = self._find(text, place) if place >= reached else None
            if name is not None:
                pieces += [text[reached:place], self._others[name]]
                reached = place + len(name)
        return "".join([*pieces, text[reached:]])

    def _find(self, text: str, place: int) -> str | None:
        number = bisect_right(self._sorted, text[place : place + self._max_length]) - 1
        while number >= 0:
            self._steps += 1
            if self._steps > MAX_WORK:
                message = "so many parameters have names that begin with one another that they are not told apart"
                raise BatchError(message)
            name = self._sorted[number]
            if text.startswith(name, place) and not _JOINED.match(text, place + len(name)):
                return name
            number = self._prefixes[number]
        return None


def _find_prefixes(names: list[str]) -> list[int]:
    """Return for each of the sorted names the position of the longest other that it begins with, -1 for none."""
    found: list[int] = []
    for place, name in enumerate(names):
        number = place - 1
        while number >= 0 and not name.startswith(names[number]):
            number = found[number]
        found.append(number)
    return found


def _split_arguments(statement: str) -> tuple[str, str, str]:
    """Split a statement before and after its arguments: from the first parenthesis but that of `if` to the last."""
    opening, end = _OPENING.search(statement), statement.rfind(")") + 1
    start = end if opening is None or opening.start() > end else opening.start()
    return statement[:start], statement[start:end], statement[end:]
