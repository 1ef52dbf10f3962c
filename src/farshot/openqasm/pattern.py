"""A text with holes, and one filling of them."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING

import msgspec

from farshot.errors import CircuitError

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """A text with holes: piece, hole, piece, ..., piece."""

    source: str
    form: str
    """The text with `%s` for each hole."""
    pieces: tuple[str, ...]
    slots: tuple[int, ...]
    """The number of the word that goes into each hole."""
    starts: tuple[int, ...]
    """The offset in the source at which each piece begins."""
    ends: tuple[int, ...]
    """The offset in the source at which the hole after each piece begins."""
    leads: tuple[int, ...]
    """The number of characters that each piece begins with and that are not from the source."""

    def fill(self, words: Sequence[str]) -> str:
        """Return the text with `words` in the holes."""
        return self.form % tuple([words[slot] for slot in self.slots])

    def origin(self, words: Sequence[str], at: int) -> int:
        """Return the offset in the source that the offset `at` of the text filled with `words` comes from."""
        sizes = [
            len(self.pieces[0]),
            *(len(words[slot]) + len(piece) for slot, piece in zip(self.slots, self.pieces[1:], strict=True)),
        ]
        ends = list(accumulate(sizes))
        number = min(bisect_right(ends, at), len(sizes) - 1)
        into = at - (ends[number] - len(self.pieces[number])) - self.leads[number]
        start = self.ends[number - 1] if into < 0 and number else self.starts[number]
        return min(start + max(0, into), self.ends[number])


class Row(msgspec.Struct, frozen=True, eq=False, dict=True):
    """One filling of a pattern with the numbers `values`. No text is made before one is needed."""

    pattern: Pattern
    values: tuple[float, ...]
    regular: bool
    """True if the facts of the circuit are those of every regular row of its pattern, each hole is a whole angle, and
    each value is a finite number of common size.
    """

    @cached_property
    def words(self) -> list[str]:
        """The numbers as text."""
        return list(map(repr, self.values))

    @cached_property
    def text(self) -> str:
        """The text of the circuit."""
        return self.pattern.fill(self.words)

    def placed(self, error: CircuitError) -> CircuitError:
        """Return `error`, whose column counts in the filled text, with the column in the source; lines are the same."""
        if error.line is None or error.column is None:
            return error
        lines = self.text.split("\n")
        at = sum(len(line) + 1 for line in lines[: error.line - 1]) + error.column - 1
        origin = self.pattern.origin(self.words, at)
        column = origin - self.pattern.source.rfind("\n", 0, origin)
        return CircuitError(error.code, error.message, line=error.line, column=column)
