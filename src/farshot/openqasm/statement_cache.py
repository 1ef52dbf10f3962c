"""The quick reading: a text whose statements were met before is not read word by word again.

Texts are cut at their semicolons. What a statement does depends on the declarations before it and on
its own words alone, so each is read once per set of declarations; a text is then a few operations on
sets. What does not fit (blocks, late declarations, anything wrong) is left to the close reading.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

import msgspec

from farshot.openqasm.conclusions import conclude
from farshot.openqasm.effects import TAME, Effects
from farshot.openqasm.facts import Feature, Scan
from farshot.openqasm.grammar import begin, follow
from farshot.openqasm.library import Gate
from farshot.openqasm.limits import MAX_OPERATIONS, MAX_WORK
from farshot.openqasm.refusal import RefusalError
from farshot.openqasm.shapes import head_end
from farshot.openqasm.state import ReaderState
from farshot.openqasm.symbols import Register, Symbols
from farshot.openqasm.tokens import Cursor

if TYPE_CHECKING:
    from collections.abc import Iterator


_COMMENT = re.compile(r"//[^\n]*")
_UNFIT = ("{", "/*", '"', "'", "$", "#")
_PLAIN_GATE = re.compile(
    r"\s*+(\w++)(\(0(?:,0){0,2}\))?\s++(\w++)\[(\d{1,6})\](?:\s*+,\s*+(\w++)\[(\d{1,6})\])?\s*+", re.ASCII
)
_NONE: frozenset[Feature] = frozenset()
_LEADING = re.compile(r"\s*+(\w*+)")
_FOLLOWED = frozenset({"measure", "barrier", "reset", "if"})
_MAX_CONTEXTS = 8
_MAX_SIZE = 4 * 2**20
_PER_STATEMENT = 100


@dataclass(frozen=True, slots=True, eq=False)
class _Effect:
    """What one statement does, and what that takes to work out. `closes`: a measurement or a barrier, which may end a
    circuit.
    """

    operations: int
    worked: int
    measured: tuple[tuple[int, int], ...]
    features: frozenset[Feature]
    library: frozenset[str]
    clifford: bool
    closes: bool


@dataclass(slots=True)
class _Context:
    """The declarations that begin a text, and the effects of the statements met after them.

    `shared` holds one effect for all statements that do the same, so that the different effects of a
    text are few.
    """

    declared: Symbols
    start: Scan
    effects: dict[str, _Effect] = field(default_factory=dict)
    measuring: set[str] = field(default_factory=set)
    closing: set[str] = field(default_factory=set)
    shared: dict[tuple[object, ...], _Effect] = field(default_factory=dict)
    size: int = 0

    def learn(self, piece: str) -> bool:
        """Read a statement and remember what it does; False where it needs the close reading."""
        if self._learn_plain(piece):
            return True
        if not self._follows(piece):
            return False
        trace = Effects()
        state = ReaderState(Cursor(f"{piece};"), self.declared, trace, follow)
        follow(state)
        if state.cursor.kind != "end" or trace.wild or Feature.RICH in trace.features:
            return False
        self._remember(piece, trace)
        return True

    def _learn_plain(self, piece: str) -> bool:
        """Remember what a gate on one or two indexed qubits does; False where the statement is none."""
        match = _PLAIN_GATE.fullmatch(piece)
        if match is None:
            return False
        name, zeros, first, index, second, other = match.groups()
        gate = self.declared.names.get(name)
        if not isinstance(gate, Gate) or gate.limit < TAME or len(gate.parameters) != (zeros or "").count("0"):
            return False
        places = (
            {self._place(first, index)} if second is None else {self._place(first, index), self._place(second, other)}
        )
        if len(places) != gate.qubits or (second is not None and gate.qubits != 2) or None in places:
            return False
        parts = (gate.cost, len(places) + gate.work, (), _NONE, gate.library, gate.clifford, False)
        self.effects[piece] = self.shared.get(parts) or self.shared.setdefault(parts, _Effect(*parts))
        return True

    def _place(self, name: str, index: str) -> int | None:
        register = self.declared.names.get(name)
        if not isinstance(register, Register) or register.classical or register.scalar:
            return None
        place = int(index)
        return register.indices[place] if place < len(register.indices) else None

    def _follows(self, piece: str) -> bool:
        leading = _LEADING.match(piece)
        word = leading[1] if leading else ""
        if word in _FOLLOWED:
            return word != "if" or self.declared.version == 2
        known = self.declared.names.get(word)
        return isinstance(known, Gate) if self.declared.version == 2 else known is not None

    def _remember(self, piece: str, trace: Effects) -> None:
        measured = tuple(trace.measured)
        closes = bool(measured) or piece.lstrip().startswith("barrier")
        parts = (
            trace.operations,
            trace.worked,
            measured,
            frozenset(trace.features),
            frozenset(trace.library),
            trace.clifford,
            closes,
        )
        effect = self.shared.setdefault(parts, _Effect(*parts))
        self.effects[piece] = effect
        if measured:
            self.measuring.add(piece)
        if closes:
            self.closing.add(piece)

    def forget(self) -> None:
        """Keep the memory bounded."""
        for memory in (self.effects, self.measuring, self.closing, self.shared):
            memory.clear()
        self.size = 0


class StatementCache:
    """Reads texts by their statements and remembers both. For one thread."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._contexts: OrderedDict[str, _Context | None] = OrderedDict()

    def read(self, text: str) -> Scan | None:
        """Return the facts of `text`, or None where only the close reading can tell."""
        bare = _COMMENT.sub(_blank, text) if "//" in text else text
        try:
            found = self._read(bare)
        except RefusalError:
            return None
        return found if found is None or bare is text else msgspec.structs.replace(found, written=text)

    def _read(self, text: str) -> Scan | None:
        end = head_end(text)
        body = text[end:]
        if not text.isascii() or any(mark in body for mark in _UNFIT):
            return None
        context = self._context(text[:end])
        return None if context is None else _facts(context, text, body)

    def _context(self, head: str) -> _Context | None:
        if head not in self._contexts:
            self._contexts[head] = _begun(head)
            if len(self._contexts) > _MAX_CONTEXTS:
                self._contexts.popitem(last=False)
        self._contexts.move_to_end(head)
        return self._contexts[head]


def _blank(comment: re.Match[str]) -> str:
    return " " * len(comment[0])


def _begun(head: str) -> _Context | None:
    """Read declarations; None where they do more than declare, or where the numbers in them matter."""
    state = begin(head)
    while state.cursor.kind != "end":
        follow(state)
    if state.trace.operations or state.trace.wild or state.trace.features:
        return None
    return _Context(state.declared, conclude(state))


def _facts(context: _Context, text: str, body: str) -> Scan | None:
    pieces = body.split(";")
    if pieces.pop().strip() or not context.declared.qubits:
        return None
    unique = set(pieces)
    if not _learned(context, unique):
        return None
    effects = set(map(context.effects.__getitem__, unique))
    if not _within(context, pieces, effects):
        return None
    return _joined(context, text, pieces, effects)


def _learned(context: _Context, unique: set[str]) -> bool:
    unknown = unique.difference(context.effects)
    if not unknown:
        return True
    if context.size > _MAX_SIZE:
        context.forget()
        unknown = unique
    context.size += sum(map(len, unknown)) + _PER_STATEMENT * len(unknown)
    return all(_learn_within(context, unknown))


def _learn_within(context: _Context, unknown: set[str]) -> Iterator[bool]:
    """Learn one statement after the other, and no more of them than one text may hold."""
    operations = worked = 0
    for piece in unknown:
        yield context.learn(piece)
        operations += context.effects[piece].operations
        worked += context.effects[piece].worked
        yield operations <= MAX_OPERATIONS and worked <= MAX_WORK


def _within(context: _Context, pieces: list[str], effects: set[_Effect]) -> bool:
    operations = max((effect.operations for effect in effects), default=0)
    worked = max((effect.worked for effect in effects), default=0)
    if operations * len(pieces) <= MAX_OPERATIONS and worked * len(pieces) <= MAX_WORK:
        return True
    operations = sum(context.effects[piece].operations for piece in pieces)
    worked = sum(context.effects[piece].worked for piece in pieces)
    return operations <= MAX_OPERATIONS and worked <= MAX_WORK


def _joined(context: _Context, text: str, pieces: list[str], effects: set[_Effect]) -> Scan | None:
    features = frozenset().union(*(effect.features for effect in effects))
    first = _first_measure(context, pieces)
    measures = first < len(pieces)
    dynamic = Feature.DYNAMIC in features or not context.closing.issuperset(pieces[first:])
    if dynamic:
        features |= {Feature.DYNAMIC}
    if all(effect.clifford for effect in effects):
        features |= {Feature.CLIFFORD}
    start = context.start
    return Scan(
        written=text,
        version=start.version,
        qubits=start.qubits,
        bits=start.bits,
        measured=() if dynamic else _measured(context, pieces[first:]),
        measures=measures,
        tail=None if dynamic else len(text) - _offset(text, pieces, first),
        features=features,
        library_gates=start.library_gates.union(*(effect.library for effect in effects)),
        own_gates=start.own_gates,
        include_at=start.include_at,
        body_from=start.body_from,
        qubit_names=start.qubit_names,
    )


def _first_measure(context: _Context, pieces: list[str]) -> int:
    """Return the position of the first statement that measures, which most often begins the last ones."""
    place = len(pieces)
    while place and pieces[place - 1] in context.closing:
        place -= 1
    start = place if context.measuring.isdisjoint(pieces[:place]) else 0
    measuring = (number for number in range(start, len(pieces)) if pieces[number] in context.measuring)
    return next(measuring, len(pieces))


def _measured(context: _Context, pieces: list[str]) -> tuple[tuple[int, int], ...]:
    return tuple(chain.from_iterable(context.effects[piece].measured for piece in pieces))


def _offset(text: str, pieces: list[str], first: int) -> int:
    """Return the offset of the statement at position `first`, from the length of all from there on."""
    if first == len(pieces):
        return len(text)
    last = len(text) - text.rfind(";") - 1
    statements = sum(map(len, pieces[first:])) + len(pieces) - first + last
    spaces = len(pieces[first]) - len(pieces[first].lstrip())
    return len(text) - statements + spaces
