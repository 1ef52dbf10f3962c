"""The rows of a template: its text is read once, and the values of each row are put into it."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite
from operator import itemgetter
from typing import TYPE_CHECKING

import msgspec

from farshot.errors import BatchError, CircuitError
from farshot.openqasm.expressions import Expression, ExpressionReader, Step, evaluate, predefined_names
from farshot.openqasm.grammar import begin, facts_of, read
from farshot.openqasm.pattern import Pattern, Row
from farshot.openqasm.refusal import RefusalError, reject_limit, shown
from farshot.openqasm.scanner import scan
from farshot.openqasm.shapes import outline_of
from farshot.openqasm.symbols import RESERVED_WORDS
from farshot.openqasm.tokens import check_characters, without_mark
from farshot.templates.names import other_name, renamed, words_for
from farshot.templates.parameters import ParameterCursor, arguments, declared_words, is_name, without_inputs

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping, Sequence

    from farshot.model import TemplateSource
    from farshot.openqasm.facts import Scan
    from farshot.templates.parameters import Argument


_MAX_COMMON = 1000.0
"""Numbers below this keep every angle of a gate finite that is safe with plain arguments."""


@dataclass(frozen=True, slots=True)
class _Hole:
    """A part of the text, `text[start:end]`, that a number replaces."""

    start: int
    end: int
    expression: Expression
    is_argument: bool
    """True if it is a whole argument of a gate."""


@dataclass(frozen=True, slots=True)
class _Difference:
    """The `names` that are not in `formals`. No set is made of them: a text may have many of both."""

    names: frozenset[str]
    formals: frozenset[str]

    def __contains__(self, name: object) -> bool:
        """Return whether `name` is a parameter."""
        return name in self.names and name not in self.formals


class Rows:
    """A template that was read, and the circuits of its rows. For one thread."""

    def __init__(self, template: TemplateSource) -> None:
        """Find the parameters in the text; a fault of the template is raised with its rows."""
        text, self._names, fault = _replace_names(template)
        self._clash = fault or clash(text, self._names)
        self._unpack = struct.Struct(f"<{len(self._names)}d").unpack
        known = frozenset(self._names)
        self._text = without_inputs(without_mark(text), known)
        self._version = _version_of(self._text)
        found = arguments(self._text, known)
        holes = [hole for argument in found for hole in self._find_holes(argument, known)]
        self._expressions, slots = _find_distinct(self._text, holes)
        self._products = _make_products(self._expressions, self._names)
        self._pattern = _make_pattern(self._text, holes, slots)
        is_regular = all(hole.is_argument for hole in holes) and not any(argument.in_definition for argument in found)
        self._facts = self._find_shared_facts() if is_regular else None

    def _find_holes(self, argument: Argument, names: frozenset[str]) -> list[_Hole]:
        """Return the argument if all of it can be evaluated, else the parameters in it."""
        expression = self._read(argument.start, argument.end, _Difference(names, argument.formals))
        if expression is not None:
            return [_Hole(argument.start, argument.end, expression, is_argument=True)]
        holes: list[_Hole] = []
        for start, end in argument.parameters:
            step = Step("name", self._text[start:end], start)
            holes.append(_Hole(start, end, Expression((step,), is_open=True, at=start), is_argument=False))
        return holes

    def _read(self, start: int, end: int, names: Container[str]) -> Expression | None:
        """Return the expression `text[start:end]`, or None if it holds more than numbers and parameters."""
        cursor = ParameterCursor(self._text, names, start)
        try:
            expression = ExpressionReader(cursor, self._version, {}, names).read()
        except RefusalError:
            return None
        return expression if cursor.previous == end else None

    def _find_shared_facts(self) -> Scan | None:
        """Return the facts that all regular rows share, or None if they depend on the numbers."""
        text = self._pattern.fill(["0.0"] * len(self._expressions))
        try:
            check_characters(text)
            state = read(text)
        except (RefusalError, RecursionError):
            return None
        outline = None if state.effects.depends_on_values else outline_of(facts_of(state), self._pattern.pieces[0])
        return None if outline is None else outline.facts

    def bind(self, row: bytes) -> Row:
        """Return a packed row with the values of its expressions; raises `CircuitError`."""
        try:
            values = tuple(self._evaluate(self._unpack(row)))
        except RefusalError as refusal:
            raise refusal.placed(self._text) from None
        is_common = not values or (max(values) < _MAX_COMMON and min(values) > -_MAX_COMMON)
        return Row(self._pattern, values, regular=is_common and self._facts is not None)

    def text(self, row: bytes) -> str:
        """Return the text of the circuit of a packed row; raises `CircuitError`."""
        return self.bind(row).text

    def scan(self, row: bytes) -> Scan:
        """Return the facts of the circuit of a packed row; raises `CircuitError` with its place in the template."""
        bound = self.bind(row)
        facts = self._facts if bound.regular and self._facts is not None else _scan_row(bound)
        return msgspec.structs.replace(facts, written="", row=bound)

    def _evaluate(self, row: Sequence[float]) -> Sequence[float]:
        if self._clash is not None:
            reject_limit(self._clash, 0)
        if not isfinite(sum(row)):
            self._refuse_infinite(row)
        if self._products is not None:
            products = self._products(row)
            if isfinite(sum(products)):
                return products
        values = dict(zip(self._names, row, strict=True))
        return [float(evaluate(expression, self._version, values)) for expression in self._expressions]

    def _refuse_infinite(self, row: Sequence[float]) -> None:
        for name, value in zip(self._names, row, strict=True):
            if not isfinite(value):
                steps = (step for expression in self._expressions for step in expression.steps)
                first = min((step.at for step in steps if (step.action, step.value) == ("name", name)), default=0)
                reject_limit(f"the parameter {shown(name)} is {value}: angles must be finite", first)


def _replace_names(template: TemplateSource) -> tuple[str, tuple[str, ...], str | None]:
    """Return the text and the names of a template, and the reason if it cannot be read; if some names are no words,
    all are replaced.
    """
    if all(map(is_name, template.names)):
        return template.text, template.names, None
    words = words_for(template.names, template.text)
    try:
        return renamed(template.text, words), tuple(words.values()), None
    except BatchError as error:
        return template.text, tuple(words.values()), str(error)


def _scan_row(row: Row) -> Scan:
    try:
        return scan(row.text)
    except CircuitError as error:
        raise row.placed(error) from None


@lru_cache(maxsize=2)
def rows_of(template: TemplateSource) -> Rows:
    """Return the rows of a template, from the cache of the last templates if they are there."""
    return Rows(template)


def clash(source: str, names: Sequence[str]) -> str | None:
    """Return the reason if a name means something else in the text, with or without its index, else None."""
    version = _version_of(without_mark(source))
    words = RESERVED_WORDS[version] | predefined_names(version)
    declared = declared_words(without_inputs(source, frozenset(names)))
    for name in names:
        word = name.partition("[")[0]
        if word in words:
            return f"the parameter {shown(name)} cannot be told from {shown(word)} of OpenQASM {version}: rename it"
        if word in declared:
            return f"the parameter {shown(name)} cannot be told from {shown(word)}, which the text declares: rename one"
    renaming = other_name(names, source)
    if renaming is None:
        return None
    name, other = map(shown, renaming)
    return (
        f"the text has no parameter {name}, but {other}, as programs write it that export names "
        f"which are no words: give the parameter the name {other}"
    )


def _version_of(text: str) -> int:
    """Return the version of OpenQASM, 3 if the version line cannot be read."""
    try:
        return begin(text).version
    except RefusalError:
        return 3


def _find_distinct(text: str, holes: Sequence[_Hole]) -> tuple[list[Expression], list[int]]:
    """Return the different expressions, and for each hole the number of its expression."""
    places: dict[str, int] = {}
    expressions: list[Expression] = []
    slots: list[int] = []
    for hole in holes:
        written = text[hole.start : hole.end]
        if written not in places:
            places[written] = len(expressions)
            expressions.append(hole.expression)
        slots.append(places[written])
    return expressions, slots


def _make_products(
    expressions: Sequence[Expression], names: Sequence[str]
) -> Callable[[Sequence[float]], Sequence[float]] | None:
    """Return a function that evaluates all expressions, or None if one is not a number times a parameter.

    Its products equal the results of a step by step evaluation to the last bit.
    """
    known = {name: place for place, name in enumerate(names)}
    places, factors = [], []
    for expression in expressions:
        steps = expression.steps
        factor = _find_factor({step.action: step.value for step in steps}, [step.action for step in steps])
        if factor is None:
            return None
        places.append(known[next(str(step.value) for step in steps if step.action == "name")])
        factors.append(factor)
    if len(places) > 1 and set(factors) == {1.0}:
        return itemgetter(*places)
    return lambda row: [row[place] * factor for place, factor in zip(places, factors, strict=True)]


def _find_factor(values: Mapping[str, int | float | str], actions: list[str]) -> float | None:
    match actions:
        case ["name"]:
            return 1.0
        case ["name", "negate"]:
            return -1.0
        case ["number", "name", "*"] | ["name", "number", "*"]:
            return float(values["number"])
        case ["number", "negate", "name", "*"]:
            return -float(values["number"])
    return None


def _make_pattern(text: str, holes: Sequence[_Hole], slots: Sequence[int]) -> Pattern:
    """Return the text with holes. A part of an argument gets parentheses, and the number of lines stays."""
    newlines = ("\n" * text.count("\n", hole.start, hole.end) for hole in holes)
    before = ["", *(lines if hole.is_argument else ")" for hole, lines in zip(holes, newlines, strict=True))]
    behind = [*("" if hole.is_argument else "(" for hole in holes), ""]
    starts = [0, *(hole.end for hole in holes)]
    ends = [*(hole.start for hole in holes), len(text)]
    pieces = tuple(
        lead + text[start:end] + trail for lead, start, end, trail in zip(before, starts, ends, behind, strict=True)
    )
    form = "%s".join(piece.replace("%", "%%") for piece in pieces)
    return Pattern(text, form, pieces, tuple(slots), tuple(starts), tuple(ends), tuple(map(len, before)))
