"""The cache of statements: a text of known statements is not read token by token again.

Texts are split at their semicolons. The effect of a statement depends on the declarations before it and on its own
text alone, so each is read once per set of declarations; a known text then takes a few operations on sets. Other
texts (with blocks, late declarations, any error) are left to the full reader.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass, field
from itertools import chain

import msgspec

from farshot.openqasm.effects import SAFE_ARGUMENT, Effects
from farshot.openqasm.facts import Feature, Scan
from farshot.openqasm.grammar import begin, facts_of, read_statement
from farshot.openqasm.library import Gate
from farshot.openqasm.limits import MAX_OPERATIONS, MAX_WORK
from farshot.openqasm.refusal import RefusalError
from farshot.openqasm.shapes import head_end
from farshot.openqasm.state import ReaderState
from farshot.openqasm.symbols import Register, SymbolTable
from farshot.openqasm.tokens import Cursor

_COMMENT = re.compile(r"//[^\n]*")
_UNFIT = ("{", "/*", '"', "'", "$", "#")
_PLAIN_GATE = re.compile(
    r"\s*+(\w++)(\(0(?:,0){0,2}\))?\s++(\w++)\[(\d{1,6})\](?:\s*+,\s*+(\w++)\[(\d{1,6})\])?\s*+", re.ASCII
)
_NONE: frozenset[Feature] = frozenset()
_LEADING = re.compile(r"\s*+(\w*+)")
_CACHED = frozenset({"measure", "barrier", "reset", "if"})
_MAX_CONTEXTS = 8
_MAX_BYTES = 4 * 2**20
_STATEMENT_BYTES = 100


@dataclass(frozen=True, slots=True, eq=False)
class _Effect:
    """The effect of one statement. `closes`: it is a measurement or a barrier, which may end a circuit."""

    operations: int
    worked: int
    measured: tuple[tuple[int, int], ...]
    features: frozenset[Feature]
    library: frozenset[str]
    clifford: bool
    closes: bool


@dataclass(slots=True)
class _Context:
    """The declarations that begin a text, and the effects of the statements known after them."""

    symbols: SymbolTable
    start: Scan
    effects: dict[str, _Effect] = field(default_factory=dict)
    measuring: set[str] = field(default_factory=set)
    closing: set[str] = field(default_factory=set)
    shared: dict[tuple[object, ...], _Effect] = field(default_factory=dict)
    """One effect for all statements with the same one, so that a text has few different effects."""
    size: int = 0

    def learn(self, piece: str) -> bool:
        """Read a statement and remember its effect; return whether that is possible without the full reader."""
        if self._learn_plain(piece):
            return True
        if not self._is_cachable(piece):
            return False
        effects = Effects()
        state = ReaderState(Cursor(f"{piece};"), self.symbols, effects, read_statement)
        read_statement(state)
        if state.cursor.kind != "end" or effects.depends_on_values or Feature.RICH in effects.features:
            return False
        measured = tuple(effects.measured)
        closes = bool(measured) or piece.lstrip().startswith("barrier")
        features, library = frozenset(effects.features), frozenset(effects.library)
        parts = (effects.operations, effects.worked, measured, features, library, effects.clifford, closes)
        self.effects[piece] = self.shared.setdefault(parts, _Effect(*parts))
        if measured:
            self.measuring.add(piece)
        if closes:
            self.closing.add(piece)
        return True

    def _learn_plain(self, piece: str) -> bool:
        """Remember the effect of a gate on one or two indexed qubits; return whether the statement is one."""
        match = _PLAIN_GATE.fullmatch(piece)
        if match is None:
            return False
        name, zeros, first, index, second, other = match.groups()
        gate = self.symbols.names.get(name)
        if not isinstance(gate, Gate) or gate.limit < SAFE_ARGUMENT or len(gate.parameters) != (zeros or "").count("0"):
            return False
        places = {self._find_qubit(first, index)}
        if second is not None:
            places.add(self._find_qubit(second, other))
        if len(places) != gate.qubits or (second is not None and gate.qubits != 2) or None in places:
            return False
        parts = (gate.cost, len(places) + gate.work, (), _NONE, gate.library, gate.clifford, False)
        self.effects[piece] = self.shared.get(parts) or self.shared.setdefault(parts, _Effect(*parts))
        return True

    def _find_qubit(self, name: str, index: str) -> int | None:
        register = self.symbols.names.get(name)
        if not isinstance(register, Register) or register.classical or register.scalar:
            return None
        place = int(index)
        return register.indices[place] if place < len(register.indices) else None

    def _is_cachable(self, piece: str) -> bool:
        leading = _LEADING.match(piece)
        word = leading[1] if leading else ""
        if word in _CACHED:
            return word != "if" or self.symbols.version == 2
        known = self.symbols.names.get(word)
        return isinstance(known, Gate) if self.symbols.version == 2 else known is not None

    def forget(self) -> None:
        """Forget all statements."""
        for memory in (self.effects, self.measuring, self.closing, self.shared):
            memory.clear()
        self.size = 0


class StatementCache:
    """Reads texts by their statements and remembers these. For one thread."""

    def __init__(self) -> None:
        self._contexts: OrderedDict[str, _Context | None] = OrderedDict()

    def read(self, text: str) -> Scan | None:
        """Return the facts of `text`, or None if it takes the full reader."""
        bare = _COMMENT.sub(lambda comment: " " * len(comment[0]), text) if "//" in text else text
        try:
            scan = self._read(bare)
        except RefusalError:
            return None
        return scan if scan is None or bare is text else msgspec.structs.replace(scan, written=text)

    def _read(self, text: str) -> Scan | None:
        end = head_end(text)
        body = text[end:]
        if not text.isascii() or any(mark in body for mark in _UNFIT):
            return None
        context = self._context(text[:end])
        return None if context is None else _scan_body(context, text, body)

    def _context(self, head: str) -> _Context | None:
        if head not in self._contexts:
            self._contexts[head] = _read_head(head)
            if len(self._contexts) > _MAX_CONTEXTS:
                self._contexts.popitem(last=False)
        self._contexts.move_to_end(head)
        return self._contexts[head]


def _read_head(head: str) -> _Context | None:
    """Return the context of declarations; None if they do more than declare, or if the numbers in them matter."""
    state = begin(head)
    while state.cursor.kind != "end":
        read_statement(state)
    if state.effects.operations or state.effects.depends_on_values or state.effects.features:
        return None
    return _Context(state.symbols, facts_of(state))


def _scan_body(context: _Context, text: str, body: str) -> Scan | None:
    pieces = body.split(";")
    if pieces.pop().strip() or not context.symbols.qubits:
        return None
    unique = set(pieces)
    if not _learn_all(context, unique):
        return None
    effects = set(map(context.effects.__getitem__, unique))
    return _join(context, text, pieces, effects) if _is_within_limits(context, pieces, effects) else None


def _learn_all(context: _Context, unique: set[str]) -> bool:
    """Learn the unknown statements, but no more of them than one text may hold; return whether all are known."""
    unknown = unique.difference(context.effects)
    if not unknown:
        return True
    if context.size > _MAX_BYTES:
        context.forget()
        unknown = unique
    context.size += sum(map(len, unknown)) + _STATEMENT_BYTES * len(unknown)
    operations = worked = 0
    for piece in unknown:
        if not context.learn(piece):
            return False
        operations += context.effects[piece].operations
        worked += context.effects[piece].worked
        if operations > MAX_OPERATIONS or worked > MAX_WORK:
            return False
    return True


def _is_within_limits(context: _Context, pieces: list[str], effects: set[_Effect]) -> bool:
    operations = max((effect.operations for effect in effects), default=0)
    worked = max((effect.worked for effect in effects), default=0)
    if operations * len(pieces) <= MAX_OPERATIONS and worked * len(pieces) <= MAX_WORK:
        return True
    operations = sum(context.effects[piece].operations for piece in pieces)
    worked = sum(context.effects[piece].worked for piece in pieces)
    return operations <= MAX_OPERATIONS and worked <= MAX_WORK


def _join(context: _Context, text: str, pieces: list[str], effects: set[_Effect]) -> Scan:
    features = frozenset().union(*(effect.features for effect in effects))
    first = _find_first_measure(context, pieces)
    measures = first < len(pieces)
    dynamic = Feature.DYNAMIC in features or not context.closing.issuperset(pieces[first:])
    if dynamic:
        features |= {Feature.DYNAMIC}
    if all(effect.clifford for effect in effects):
        features |= {Feature.CLIFFORD}
    measured = (
        () if dynamic else tuple(chain.from_iterable(context.effects[piece].measured for piece in pieces[first:]))
    )
    start = context.start
    return Scan(
        written=text,
        version=start.version,
        qubits=start.qubits,
        bits=start.bits,
        measured=() if dynamic else tuple(measured),
        measures=measures,
        tail=None if dynamic else len(text) - _offset_of(text, pieces, first),
        features=features,
        library_gates=start.library_gates.union(*(effect.library for effect in effects)),
        own_gates=start.own_gates,
        include_at=start.include_at,
        body_from=start.body_from,
        qubit_names=start.qubit_names,
    )


def _find_first_measure(context: _Context, pieces: list[str]) -> int:
    """Return the position of the first statement that measures; in most texts only measurements follow it."""
    place = len(pieces)
    while place and pieces[place - 1] in context.closing:
        place -= 1
    start = place if context.measuring.isdisjoint(pieces[:place]) else 0
    measuring = (number for number in range(start, len(pieces)) if pieces[number] in context.measuring)
    return next(measuring, len(pieces))


def _offset_of(text: str, pieces: list[str], first: int) -> int:
    """Return the offset of the statement at position `first`, from the length of all from there on."""
    if first == len(pieces):
        return len(text)
    last = len(text) - text.rfind(";") - 1
    statements = sum(map(len, pieces[first:])) + len(pieces) - first + last
    spaces = len(pieces[first]) - len(pieces[first].lstrip())
    return len(text) - statements + spaces
