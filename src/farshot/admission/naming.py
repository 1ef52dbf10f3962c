"""Names of parameters that are no words, as other programs have them: `a b`, `θ_{0}`, `2t`. They are given words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

__all__ = ["other_name", "renamed", "words_for"]

_NO_LETTER = re.compile(r"\W")
_OPENING = re.compile(r"(?<!if)\(")


def other_name(name: str, source: str, names: Collection[str]) -> str | None:
    """Return the word that a text has in place of a name that is no word; None where it has the name or no such.

    >>> other_name("θ[0]", "rx(_θ_0_) q[0];", ["θ[0]"])
    '_θ_0_'
    """
    word = _NO_LETTER.sub("_", name)
    if word == name or name in source:
        return None
    others = (other for other in (f"_{word}", word) if other not in names)
    return next((other for other in others if re.search(rf"(?<!\w){other}(?!\w)", source)), None)


def words_for(names: Iterable[str], source: str) -> dict[str, str]:
    """Return a word that the text does not have for each name."""
    stem = "p"
    while f"{stem}_" in source:
        stem += "p"
    return {name: f"{stem}_{number}" for number, name in enumerate(names)}


def renamed(source: str, others: Mapping[str, str]) -> str:
    """Put the other names into the arguments of gates, the longest first, where no letter, digit or `_` touches a name.

    >>> renamed("x q[0]; rx(2*x+sin(x)) q[0]; rz(a b/2) q[0];", {"x": "p_0", "a b": "p_1"})
    'x q[0]; rx(2*p_0+sin(p_0)) q[0]; rz(p_1/2) q[0];'
    """
    found = "|".join(re.escape(name) for name in sorted(others, key=len, reverse=True))
    word = re.compile(rf"(?<![A-Za-z0-9_])(?:{found})(?![A-Za-z0-9_(])")
    parts = (_arguments(statement) for statement in source.split(";"))
    return ";".join(before + word.sub(lambda match: others[match[0]], held) + after for before, held, after in parts)


def _arguments(statement: str) -> tuple[str, str, str]:
    """Cut a statement before and behind its arguments: from the first parenthesis, but that of `if`, to the last."""
    opening, end = _OPENING.search(statement), statement.rfind(")") + 1
    start = end if opening is None or opening.start() > end else opening.start()
    return statement[:start], statement[start:end], statement[end:]
