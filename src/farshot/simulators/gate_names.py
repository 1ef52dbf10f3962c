"""New names for the gates that a circuit defines itself.

prism-q, Qiskit and Aer know more gates than OpenQASM has, `iswap` or `ecr`, and take a gate of such a
name for theirs, whatever the circuit says.
"""

from __future__ import annotations

import re
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from farshot.openqasm.facts import Scan


_FEW = 16
"""Up to so many names are tried one by one faster than each word is looked up."""
_WORD = re.compile(r"\b\w+\b")
_NUMBERED = re.compile(r"own_[0-9]++_")


def slice_of(scan: Scan, start: int = 0, end: int | None = None) -> str:
    """Return a part of the text, with every gate of its own under a name that nothing else has."""
    text = scan.text[start:end]
    if not scan.own_gates:
        return text
    prefix = _unused_prefix(scan.text)
    if len(scan.own_gates) > _FEW:
        return _WORD.sub(lambda word: prefix + word[0] if word[0] in scan.own_gates else word[0], text)
    names = "|".join(map(re.escape, scan.own_gates))
    return re.sub(rf"\b(?:{names})\b", rf"{prefix}\g<0>", text)


def _unused_prefix(text: str) -> str:
    """Return what no word of the text begins with, however many such beginnings it has."""
    if "own_" not in text:
        return "own_"
    taken = frozenset(_NUMBERED.findall(text))
    return next(prefix for prefix in (f"own_{number}_" for number in count(1)) if prefix not in taken)
