"""The rows of a template: its text is read once, each row is worked out and put into it."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite
from operator import itemgetter
from typing import TYPE_CHECKING

import msgspec

from farshot.errors import BatchError, CircuitError
from farshot.openqasm.characters import check_characters, without_mark
from farshot.openqasm.expressions import Expression, ExpressionReader, Step, evaluate, predefined_names
from farshot.openqasm.grammar import begin, facts_of, read
from farshot.openqasm.pattern import Pattern, Row
from farshot.openqasm.refusal import RefusalError, reject_limit, shown
from farshot.openqasm.scanner import scan
from farshot.openqasm.shapes import outline_of
from farshot.openqasm.symbols import reserved_words
from farshot.templates.names import other_name, renamed, words_for
from farshot.templates.parameters import ParameterCursor, arguments, declared_words, is_name, without_inputs

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping, Sequence

    from farshot.model import TemplateSource
    from farshot.openqasm.facts import Scan
    from farshot.templates.parameters import Argument


_COMMON = 1000.0
"""Numbers below this are finite wherever a tame gate takes them."""


@dataclass(frozen=True, slots=True)
class _Hole:
    """A part of the text, `text[start:end]`, that a number stands in for. `whole`: it is all of a gate's argument."""

    start: int
    end: int
    formula: Expression
    whole: bool


@dataclass(frozen=True, slots=True)
class _Shown:
    """The `names` but those of the `formals`, which hide them. No set is made: a text may have many of both."""

    names: frozenset[str]
    formals: frozenset[str]

    def __contains__(self, name: object) -> bool:
        """Whether `name` is a parameter."""
        return name in self.names and name not in self.formals


class Rows:
    """A template that was read: works out rows. For one thread."""

    def __init__(self, template: TemplateSource) -> None:
        """Find the parameters in the text; nothing is refused before a row is."""
        text, self._names, complaint = _worded(template)
        self._clash = complaint or clash(text, self._names)
        self._unpack = struct.Struct(f"<{len(self._names)}d").unpack
        known = frozenset(self._names)
        self._text = without_inputs(without_mark(text), known)
        self._version = _version_of(self._text)
        found = arguments(self._text, known)
        holes = [hole for argument in found for hole in self._holes(argument, known)]
        self._formulas, slots = _distinct(self._text, holes)
        self._products = _products(self._formulas, self._names)
        self._pattern = _pattern(self._text, holes, slots)
        settled = all(hole.whole for hole in holes) and not any(argument.inside for argument in found)
        self._facts = self._shared() if settled else None

    def _holes(self, argument: Argument, names: frozenset[str]) -> list[_Hole]:
        """Return the argument where all of it can be worked out here, else the parameters in it."""
        formula = self._read(argument.start, argument.end, _Shown(names, argument.formals))
        if formula is not None:
            return [_Hole(argument.start, argument.end, formula, whole=True)]
        return [_Hole(start, end, _name(self._text[start:end], start), whole=False) for start, end in argument.found]

    def _read(self, start: int, end: int, names: Container[str]) -> Expression | None:
        """Return the formula `text[start:end]`, or None where it holds more than numbers and parameters."""
        cursor = ParameterCursor(self._text, names, start)
        try:
            formula = ExpressionReader(cursor, self._version, {}, names).read()
        except RefusalError:
            return None
        return formula if cursor.previous == end else None

    def _shared(self) -> Scan | None:
        """Return the facts that all regular rows share, or None where they depend on the numbers."""
        text = self._pattern.fill(["0.0"] * len(self._formulas))
        try:
            check_characters(text)
            state = read(text)
        except (RefusalError, RecursionError):
            return None
        found = None if state.effects.depends_on_values else outline_of(facts_of(state), self._pattern.pieces[0])
        return None if found is None else found.facts

    def bind(self, row: bytes) -> Row:
        """Return the numbers of a packed row in their places; raises `CircuitError`."""
        try:
            values = tuple(self._values(self._unpack(row)))
        except RefusalError as refusal:
            raise refusal.placed(self._text) from None
        common = not values or (max(values) < _COMMON and min(values) > -_COMMON)
        return Row(self._pattern, values, regular=common and self._facts is not None)

    def text(self, row: bytes) -> str:
        """Return the circuit of a packed row; raises `CircuitError`."""
        return self.bind(row).text

    def scan(self, row: bytes) -> Scan:
        """Return the facts of the circuit of a packed row; raises `CircuitError` with its place in the template."""
        bound = self.bind(row)
        facts = self._facts if bound.regular and self._facts is not None else _scanned(bound)
        return msgspec.structs.replace(facts, written="", row=bound)

    def _values(self, row: Sequence[float]) -> Sequence[float]:
        """Work out the formulas."""
        if self._clash is not None:
            reject_limit(self._clash, 0)
        if not isfinite(sum(row)):
            self._check_finite(row)
        if self._products is not None:
            found = self._products(row)
            if isfinite(sum(found)):
                return found
        values = dict(zip(self._names, row, strict=True))
        return [float(evaluate(formula, self._version, values)) for formula in self._formulas]

    def _check_finite(self, row: Sequence[float]) -> None:
        for name, value in zip(self._names, row, strict=True):
            if not isfinite(value):
                reject_limit(f"the parameter {shown(name)} is {value}: angles must be finite", self._first(name))

    def _first(self, name: str) -> int:
        """Return where a parameter is first used, 0 where it is not."""
        return next((step.at for step in self._steps() if (step.action, step.value) == ("name", name)), 0)

    def _steps(self) -> Iterable[Step]:
        return sorted((step for formula in self._formulas for step in formula.steps), key=lambda step: step.at)


def _worded(template: TemplateSource) -> tuple[str, tuple[str, ...], str | None]:
    """Return the text and the names of a template, and why it cannot be read, if it cannot; where some names are no
    words, all are others.
    """
    if all(map(is_name, template.names)):
        return template.text, template.names, None
    words = words_for(template.names, template.text)
    try:
        return renamed(template.text, words), tuple(words.values()), None
    except BatchError as error:
        return template.text, tuple(words.values()), str(error)


def _scanned(row: Row) -> Scan:
    try:
        return scan(row.text)
    except CircuitError as error:
        raise row.placed(error) from None


@lru_cache(maxsize=2)
def rows_of(template: TemplateSource) -> Rows:
    """Return the template, read; the last ones are remembered."""
    return Rows(template)


def clash(source: str, names: Sequence[str]) -> str | None:
    """Return why some name means something else in the text, with or without its index; None where none does."""
    version = _version_of(without_mark(source))
    words = reserved_words(version) | predefined_names(version)
    declared = declared_words(without_inputs(source, frozenset(names)))
    for name in names:
        word = name.partition("[")[0]
        if word in words:
            return f"the parameter {shown(name)} cannot be told from {shown(word)} of OpenQASM {version}: rename it"
        if word in declared:
            return f"the parameter {shown(name)} cannot be told from {shown(word)}, which the text declares: rename one"
    found = other_name(names, source)
    return None if found is None else _exported(*found)


def _exported(name: str, other: str) -> str:
    return (
        f"the text has no parameter {shown(name)}, but {shown(other)}, as programs write it that export names "
        f"which are no words: give the parameter the name {shown(other)}"
    )


def _version_of(text: str) -> int:
    """Return the version of OpenQASM, 3 where the version line cannot be read."""
    try:
        return begin(text).version
    except RefusalError:
        return 3


def _distinct(text: str, holes: Sequence[_Hole]) -> tuple[list[Expression], list[int]]:
    """Return the different formulas, and which of them each hole has."""
    places: dict[str, int] = {}
    formulas: list[Expression] = []
    slots: list[int] = []
    for hole in holes:
        written = text[hole.start : hole.end]
        if written not in places:
            places[written] = len(formulas)
            formulas.append(hole.formula)
        slots.append(places[written])
    return formulas, slots


def _products(
    formulas: Sequence[Expression], names: Sequence[str]
) -> Callable[[Sequence[float]], Sequence[float]] | None:
    """Return what works all formulas out, or None where one is more than a number times a parameter.

    A product is what working the formula out step by step gives, to the last bit.
    """
    known = {name: place for place, name in enumerate(names)}
    places, factors = [], []
    for formula in formulas:
        factor = _factor({step.action: step.value for step in formula.steps}, [step.action for step in formula.steps])
        if factor is None:
            return None
        places.append(known[next(str(step.value) for step in formula.steps if step.action == "name")])
        factors.append(factor)
    if len(places) > 1 and set(factors) == {1.0}:
        return itemgetter(*places)
    return lambda row: [row[place] * factor for place, factor in zip(places, factors, strict=True)]


def _factor(values: Mapping[str, int | float | str], actions: list[str]) -> float | None:
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


def _name(name: str, at: int) -> Expression:
    return Expression((Step("name", name, at),), open=True, at=at)


def _pattern(text: str, holes: Sequence[_Hole], slots: Sequence[int]) -> Pattern:
    """Cut the holes out. What is only a part of a formula is put in parentheses, and no line is lost."""
    before = ["", *(_after(text, hole) for hole in holes)]
    behind = [*("" if hole.whole else "(" for hole in holes), ""]
    starts = [0, *(hole.end for hole in holes)]
    ends = [*(hole.start for hole in holes), len(text)]
    pieces = tuple(
        lead + text[start:end] + trail for lead, start, end, trail in zip(before, starts, ends, behind, strict=True)
    )
    form = "%s".join(piece.replace("%", "%%") for piece in pieces)
    return Pattern(text, form, pieces, tuple(slots), tuple(starts), tuple(ends), tuple(map(len, before)))


def _after(text: str, hole: _Hole) -> str:
    return "\n" * text.count("\n", hole.start, hole.end) if hole.whole else ")"
