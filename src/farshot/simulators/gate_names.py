"""New names for the gates that a circuit defines itself.

prism-q, Qiskit and Aer know more gates than OpenQASM has, such as `iswap` and `ecr`, and use their own gate of such a
name even if the circuit defines one.
"""

from __future__ import annotations

import re
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from farshot.openqasm.facts import Scan


_MAX_ALTERNATIVES = 16
"""Up to so many names, an expression of alternatives is faster than looking each word up."""
_WORD = re.compile(r"\b\w+\b")
_NUMBERED = re.compile(r"own_[0-9]++_")


def slice_of(scan: Scan, start: int = 0, end: int | None = None) -> str:
    """Return a part of the text, in which every gate that the circuit defines has a new, unused name."""
    text = scan.text[start:end]
    if not scan.own_gates:
        return text
    prefix = _unused_prefix(scan.text)
    if len(scan.own_gates) > _MAX_ALTERNATIVES:
        return _WORD.sub(lambda word: prefix + word[0] if word[0] in scan.own_gates else word[0], text)
    names = "|".join(map(re.escape, scan.own_gates))
    return re.sub(rf"\b(?:{names})\b", rf"{prefix}\g<0>", text)


def _unused_prefix(text: str) -> str:
    """Return a prefix with which no word of the text begins."""
    if "own_" not in text:
        return "own_"
    taken = frozenset(_NUMBERED.findall(text))
    return next(prefix for prefix in (f"own_{number}_" for number in count(1)) if prefix not in taken)
