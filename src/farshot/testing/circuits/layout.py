"""How statements are laid out as text: neatly, or with all the white space and comments that are legal."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

__all__ = ["lay_out"]

_TOKEN = re.compile(r'"[^"]*"|\$\d+|[^\W\d]\w*|(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?|->|==|\S')
_WORD_END = re.compile(r"[\w.\"]$")
_WORD_START = re.compile(r"[\w.\"]")
_WIDE_GAPS = ("  ", "\t", "\n", "\n    ")
_LINE_COMMENTS = ("// a note", "// measure q -> c;", '// } " {', "// if (c == 1) x q[0];", "//", "// OPENQASM 3;")
_BLOCK_COMMENTS = ("/* a note */", "/* measure\n q -> c; */", "/* // */", "/**/", "/* } */")


class _Noise:
    def __init__(self, rng: Random, comments: Sequence[str]) -> None:
        self.rng = rng
        self.comments = comments

    def gap(self) -> str:
        """Return white space, at times with a comment in it; never nothing."""
        choice = self.rng.random()
        if choice < 0.03:
            return f" {self.rng.choice(self.comments)}\n"
        return " " if choice < 0.8 else self.rng.choice(_WIDE_GAPS)

    def between(self, left: str, right: str) -> str:
        """Return what stands between two tokens of a statement."""
        if left == "@" or (_WORD_END.search(left) and _WORD_START.match(right)):
            return self.gap()
        return self.gap() if self.rng.random() < 0.15 else ""

    def statement(self, text: str) -> str:
        tokens: list[str] = _TOKEN.findall(text)
        return "".join([left + self.between(left, right) for left, right in pairwise(tokens)]) + tokens[-1]


def lay_out(statements: Sequence[str], rng: Random, version: int) -> str:
    """Return the text of a circuit; half of them are neat.

    >>> from random import Random
    >>> print(lay_out(["OPENQASM 2.0;", "qreg q[1];"], Random(1), 2), end="")
    OPENQASM 2.0;
    qreg q[1];
    """
    if rng.random() < 0.5:
        return "\n".join([*statements, ""])
    noise = _Noise(rng, _LINE_COMMENTS if version == 2 else _LINE_COMMENTS + _BLOCK_COMMENTS)
    separators = rng.choice((["\n"], ["\n", "\n\n", " "], ["", " ", "\n"]))
    quiet = _Noise(rng, [""])  # not everybody reads a comment within the version or the include
    text = "".join(quiet.statement(statement) + "\n" for statement in statements[:2])
    text += "".join(noise.statement(statement) + rng.choice(separators) for statement in statements[2:])
    return text.replace("\n", "\r\n") if rng.random() < 0.15 else text
