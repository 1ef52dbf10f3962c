"""The shape of a text: the text with its plain angles replaced by zeros. Circuits of one shape share their facts.

Variational programs submit one circuit thousands of times with other angles. Replaced are only arguments of gates,
only if all of one gate's are plain decimal numbers, and only numbers so small and short that every angle made of them
is finite. A shape is itself a circuit with the same facts.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from farshot.openqasm.facts import Scan


_NUMBER = r"-?[0-9]{1,3}+\.[0-9]{1,20}+(?:e-[0-9][0-9]?)?"
_TIMES_PI = rf"-?(?:pi\*)?(?:{_NUMBER[2:]})(?:\*pi)?"
_GATE_FOLLOWS = r"\)(?=\s?+[A-Za-z_])"


def _patterns(number: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(r"\(" + r",\s?".join([number] * count) + _GATE_FOLLOWS) for count in (1, 2, 3))


_PLAIN = _patterns(_NUMBER)
_WITH_PI = _patterns(_TIMES_PI)
_ZEROS = ("(0)", "(0,0)", "(0,0,0)")
_HEAD = re.compile(
    r"""(?:(?:\s|//[^\n]*+)*+(?:OPENQASM\b[^;{}]*+;
    |include\b[^;{}]*+;
    |(?:qreg|creg|qubit|bit)\b[^;{}=]*+;
    |gate\b[^;{}]*+\{[^{}]*+\}))*+""",
    re.VERBOSE,
)


def head_end(text: str) -> int:
    """Return the offset after the declarations that `text` begins with."""
    head = _HEAD.match(text)
    return head.end() if head else 0


def shape_of(text: str) -> str:
    """Return `text` with a zero for every plain angle, except in the declarations that it begins with.

    >>> shape_of("rz(-0.25) q[1]; u2(0.5,1.5) q[0]; rx(pi/2) q[0];")
    'rz(0) q[1]; u2(0,0) q[0]; rx(pi/2) q[0];'
    """
    if "{" not in text:
        return _zero_angles(text)
    end = head_end(text)
    return text[:end] + _zero_angles(text[end:])


def _zero_angles(text: str) -> str:
    patterns = _WITH_PI if "*" in text else _PLAIN
    shape, replaced = patterns[0].subn(_ZEROS[0], text)
    if shape.count("(") > replaced:
        for pattern, zeros in zip(patterns[1:], _ZEROS[1:], strict=True):
            shape = pattern.sub(zeros, shape)
    return shape


@dataclass(frozen=True, slots=True)
class Outline:
    """The facts of one shape."""

    facts: Scan
    head: str
    """The text that its circuits begin with, up to the last offset that the facts hold."""

    def scan(self, text: str) -> Scan | None:
        """Return the facts of `text`, which has this shape; None if its offsets are not known."""
        return msgspec.structs.replace(self.facts, written=text) if text.startswith(self.head) else None


def outline_of(facts: Scan, shape: str) -> Outline | None:
    """Return the outline of a scanned text for all texts of its shape; None if their facts can differ."""
    text = facts.text
    head = text[: max(facts.include_at, facts.body_from)]
    if (facts.tail and "(" in text[-facts.tail :]) or not shape.startswith(head):
        return None
    return Outline(msgspec.structs.replace(facts, written=""), head)


class Shapes:
    """The outlines of the shapes used last, in bounded memory. For one thread."""

    _MAX_BYTES = 16 * 2**20
    _ENTRY_BYTES = 2_000
    _MEASUREMENT_BYTES = 16

    def __init__(self) -> None:
        self._outlines: OrderedDict[str, Outline] = OrderedDict()
        self._bytes = 0

    def get(self, shape: str) -> Outline | None:
        """Return the outline of `shape`, None if it is unknown."""
        outline = self._outlines.get(shape)
        if outline is not None:
            self._outlines.move_to_end(shape)
        return outline

    def put(self, shape: str, outline: Outline) -> None:
        """Remember an outline and drop the least recently used ones."""
        old = self._outlines.pop(shape, None)
        if old is not None:
            self._bytes -= self._size(shape, old)
        self._outlines[shape] = outline
        self._bytes += self._size(shape, outline)
        while self._bytes > self._MAX_BYTES:
            self._bytes -= self._size(*self._outlines.popitem(last=False))

    def _size(self, shape: str, outline: Outline) -> int:
        measured = self._MEASUREMENT_BYTES * len(outline.facts.measured)
        return len(shape) + len(outline.head) + measured + self._ENTRY_BYTES
