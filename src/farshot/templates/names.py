"""Names of parameters that are no words, as other programs have them: `a b`, `θ_{0}`, `2t`. They are given words."""

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
    """Return the first name that is no word and that a text has not, but a word in its place, and this word.

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
    """Return a word that the text does not have for each name."""
    taken = frozenset(_STEM.findall(source))
    mark = "" if "" not in taken else next(mark for mark in map(str, count(1)) if mark not in taken)
    return {name: f"p{mark}_{number}" for number, name in enumerate(names)}


def renamed(source: str, others: Mapping[str, str]) -> str:
    """Put the other names into the arguments of gates, the longest first, where no letter, digit or `_` touches a name.

    Raises `BatchError` where so many names begin with one another that looking for them would take long.

    >>> renamed("x q[0]; rx(2*x+sin(x)) q[0]; rz(a b/2) q[0];", {"x": "p_0", "a b": "p_1"})
    'x q[0]; rx(2*p_0+sin(p_0)) q[0]; rz(p_1/2) q[0];'
    """
    names = _Names(others)
    parts = (_arguments(statement) for statement in source.split(";"))
    return ";".join(before + names.replaced(held) + after for before, held, after in parts)


class _Names:
    """Finds which of many names a text has at a place: in the order of the alphabet all that begin as the text does
    stand before it, each after those that it begins with.
    """

    def __init__(self, others: Mapping[str, str]) -> None:
        self._others = others
        self._sorted = sorted(others)
        self._longest = max(map(len, others), default=0)
        self._shorter = _shorter(self._sorted)
        self._looked = 0

    def replaced(self, text: str) -> str:
        """Return the text with the other names."""
        pieces, reached = [], 0
        for start in _START.finditer(text):
            place = start.start()
            name = self._name(text, place) if place >= reached else None
            if name is not None:
                pieces += [text[reached:place], self._others[name]]
                reached = place + len(name)
        return "".join([*pieces, text[reached:]])

    def _name(self, text: str, place: int) -> str | None:
        number = bisect_right(self._sorted, text[place : place + self._longest]) - 1
        while number >= 0:
            self._looked += 1
            if self._looked > MAX_WORK:
                message = "so many parameters have names that begin with one another that they are not told apart"
                raise BatchError(message)
            name = self._sorted[number]
            if text.startswith(name, place) and not _JOINED.match(text, place + len(name)):
                return name
            number = self._shorter[number]
        return None


def _shorter(names: list[str]) -> list[int]:
    """Return for each of the sorted names where the longest is that it begins with, -1 where there is none."""
    found: list[int] = []
    for place, name in enumerate(names):
        number = place - 1
        while number >= 0 and not name.startswith(names[number]):
            number = found[number]
        found.append(number)
    return found


def _arguments(statement: str) -> tuple[str, str, str]:
    """Cut a statement before and behind its arguments: from the first parenthesis, but that of `if`, to the last."""
    opening, end = _OPENING.search(statement), statement.rfind(")") + 1
    start = end if opening is None or opening.start() > end else opening.start()
    return statement[:start], statement[start:end], statement[end:]
