"""The names of parameters and their places in the text of a template.

A parameter is a word, such as `theta`, or a word with indices, such as `w_0[10]`. It stands for a number wherever it
is a whole token of an argument of a gate, but not in comments, in strings and in the definition of a gate that has a
parameter of the same name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from farshot.openqasm.tokens import Cursor

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterator


_NAME = r"[^\W\d][\w.\u0300-\u036f]*+(?:\[[^\[\]\s(){};,\"']*+\])*+"
_WHOLE = re.compile(_NAME)
_HIDDEN = re.compile(r"""//[^\n]*+|/\*(?s:.*?)(?:\*/|\Z)|"[^"\n]*+"|'[^'\n]*+'""")
_INPUT = re.compile(rf"\binput\s++(?:float|angle)\b\s*+(?:\[\s*+\d++\s*+\])?+\s*+({_NAME})\s*+;")
_TOKEN = re.compile(rf"(?P<number>[0-9][\w.]*+)|(?P<name>{_NAME})|(?P<sign>[(){{}},;])")
_TYPES = "qubit|bit|int|uint|float|angle|bool|complex|duration|stretch"
_DECLARED = re.compile(
    rf"\b(?:(?:qreg|creg|gate|let|def|extern)\s++|(?:{_TYPES})\b\s*+(?:\[[^\];\n]{{0,99}}+\])?+\s*+)([^\W\d]\w*+)"
)
_CONTROL = frozenset({"if", "for", "while", "switch", "pow", "ctrl", "negctrl", "inv"})
"""Words with parentheses that hold no angles."""


class Argument(NamedTuple):
    """One argument of a gate, `source[start:end]`, that holds parameters."""

    start: int
    end: int
    parameters: tuple[tuple[int, int], ...]
    """(start, end) of each parameter."""
    formals: frozenset[str]
    """The parameters of the gate that is defined there, which shadow others."""
    in_definition: bool
    """True if it is in the definition of a gate."""


class ParameterCursor(Cursor):
    """A cursor to which the parameters `names` are tokens."""

    __slots__ = ("_names",)

    def __init__(self, text: str, names: Container[str], at: int = 0) -> None:
        """Move to the first token of `text` from `at` on."""
        self._names = names
        super().__init__(text, at)

    def seek(self, at: int) -> None:
        """Move to the first token from offset `at` on."""
        super().seek(at)
        if self.kind == "name":
            whole = _WHOLE.match(self.text, self.at)
            if whole and whole[0] in self._names:
                self.word = whole[0]


def is_name(name: str) -> bool:
    """Return whether a parameter can have this name.

    >>> [is_name(name) for name in ("theta", "w_0[10]", "2x", "a b", "")]
    [True, True, False, False, False]
    """
    return _WHOLE.fullmatch(name) is not None


def names_in(source: str) -> frozenset[str]:
    """Return every word of a text, with its indices.

    >>> sorted(names_in("rx(2*w_0[10]) q;"))
    ['q', 'rx', 'w_0[10]']
    """
    return frozenset(_WHOLE.findall(source))


def _blank(found: re.Match[str]) -> str:
    return "\n".join(" " * len(line) for line in found[0].split("\n"))


def blanked(source: str) -> str:
    """Return `source` with spaces for comments and strings; every offset and line stays."""
    return _HIDDEN.sub(_blank, source)


def without_inputs(source: str, names: Collection[str]) -> str:
    """Return `source` with spaces for the `input` declarations of parameters; every offset and line stays."""
    if "input" not in source:
        return source
    pieces, reached = [], 0
    for found in _INPUT.finditer(blanked(source)):
        if found[1] in names:
            pieces += [source[reached : found.start()], _blank(found)]
            reached = found.end()
    return "".join([*pieces, source[reached:]])


def declared_words(source: str) -> frozenset[str]:
    """Return the names that the text declares, found by a search that does not parse the text."""
    return frozenset(found[1] for found in _DECLARED.finditer(blanked(source)))


def arguments(source: str, names: Collection[str]) -> list[Argument]:
    """Return the arguments of gates that hold parameters, in order.

    >>> [argument[:2] for argument in arguments("u2(1,2*a[0]) q[0]; // rx(a[0])", {"a[0]"})]
    [(5, 11)]
    """
    return list(_ArgumentScanner(blanked(source), names).scan())


class _ArgumentScanner:
    """Finds the arguments of one text. `_depth` is the number of open parentheses; `_in_head` is true between `gate`
    and `{`, `_in_definition` up to `}`.
    """

    def __init__(self, text: str, names: Collection[str]) -> None:
        self._text = text
        self._names = names
        self._formals: set[str] = set()
        self._shadowing: frozenset[str] = frozenset()
        self._in_head = self._in_definition = False
        self._depth = 0
        self._start = 0
        self._word = ""
        self._word_end = -1
        self._found: list[tuple[int, int]] = []

    def scan(self) -> Iterator[Argument]:
        for token in _TOKEN.finditer(self._text):
            if token["sign"]:
                yield from self._read_sign(token[0], token.start())
            elif token["name"]:
                self._read_name(token)

    def _read_name(self, token: re.Match[str]) -> None:
        self._word, self._word_end = token[0], token.end()
        if self._word == "gate":
            self._in_head = True
        elif self._in_head and self._depth:
            self._formals.add(token[0])
        elif self._depth and token[0] in self._names and token[0] not in self._formals:
            self._found.append(token.span())

    def _read_sign(self, sign: str, at: int) -> Iterator[Argument]:
        if sign == "(":
            self._open(at)
        elif sign in "{};":
            self._read_boundary(sign)
        elif self._depth == 1:
            yield from self._end_argument(at)
        if sign == ")" and self._depth:
            self._depth -= 1
        self._word_end = -1

    def _read_boundary(self, sign: str) -> None:
        """Begin or end a definition or a statement."""
        self._depth = 0
        if self._in_head:
            self._in_head, self._in_definition = False, sign == "{"
        elif sign == "}":
            self._in_definition = False
        if not self._in_definition:
            self._formals = set()
        if sign == "{" or not self._in_definition:
            self._shadowing = frozenset(self._formals)

    def _open(self, at: int) -> None:
        """Count a parenthesis; the first one must follow the name of a gate. A function is no parameter."""
        follows = self._word_end >= 0 and not self._text[self._word_end : at].strip()
        if self._depth:
            if follows and self._found and self._found[-1][1] == self._word_end:
                self._found.pop()
            self._depth += 1
        elif follows and self._word not in _CONTROL:
            self._depth, self._start, self._found = 1, at + 1, []

    def _end_argument(self, end: int) -> Iterator[Argument]:
        if self._found:
            text = self._text[self._start : end]
            start = self._start + len(text) - len(text.lstrip())
            found = tuple(self._found)
            yield Argument(start, start + len(text.strip()), found, self._shadowing, self._in_definition)
        self._start, self._found = end + 1, []
