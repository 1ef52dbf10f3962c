"""Where the reading of a text stands, and the operands that statements share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from farshot.openqasm.expressions import ExpressionReader, integer
from farshot.openqasm.facts import Feature
from farshot.openqasm.limits import MAX_NESTING
from farshot.openqasm.output import Output
from farshot.openqasm.refusal import reject, reject_limit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from farshot.openqasm.effects import Effects
    from farshot.openqasm.expressions import Expression
    from farshot.openqasm.symbols import Symbols
    from farshot.openqasm.tokens import Cursor


_FORMULA = 500
"""Steps of a formula that every simulator reads; prism-q dies of some 10,000."""
_PICKING = 8
"""What picking one index of a range counts as."""


class Operand(NamedTuple):
    """What a statement acts on: flat indices, and whether they stand for one qubit or bit alone."""

    indices: Sequence[int]
    scalar: bool
    at: int


@dataclass(slots=True)
class ReaderState:
    """Where the reading stands: `start` is the offset of the statement that is read, `conditions`,
    `blocks` and `loops` how many of them it stands in. `follow` reads one statement; what it does goes to `out`.
    Blocks are numbered as they are entered, `opened` are those that are open.
    """

    cursor: Cursor
    declared: Symbols
    trace: Effects
    follow: Callable[[ReaderState], None]
    start: int = 0
    conditions: int = 0
    blocks: int = 0
    loops: int = 0
    out: Output = field(default_factory=Output)
    entered: int = 0
    opened: list[int] = field(default_factory=list)

    @property
    def version(self) -> int:
        """The version of OpenQASM."""
        return self.declared.version

    def rich(self) -> None:
        """Note that the text holds what only some parsers read right."""
        self.trace.features.add(Feature.RICH)

    def enter_block(self, at: int) -> None:
        """Count one level of nesting."""
        self.blocks += 1
        if self.blocks > MAX_NESTING:
            reject_limit(f"blocks are nested more than {MAX_NESTING} deep", at)
        self.entered += 1
        self.opened.append(self.entered)

    def leave_block(self) -> None:
        """Count one level less."""
        self.blocks -= 1
        self.opened.pop()

    def end_statement(self) -> None:
        """Step over the semicolon."""
        self.cursor.expect(";")

    def expression(self, free: frozenset[str] = frozenset()) -> Expression:
        """Read a formula."""
        return self.formula(self.declared.numbers, free)

    def formula(self, known: Mapping[str, int | float], free: frozenset[str] = frozenset()) -> Expression:
        """Read a formula in which numbers are `known` and parameters `free`."""
        found = ExpressionReader(self.cursor, self.version, known, free).read()
        if len(found.steps) > _FORMULA:
            self.trace.features.add(Feature.LONG)
        return found

    def integer(self) -> int:
        """Read an integer: a literal in OpenQASM 2, a constant formula in OpenQASM 3."""
        if self.version == 2:
            return self.literal()
        return integer(self.expression(), self.version)

    def literal(self) -> int:
        """Read an integer literal."""
        cursor = self.cursor
        if cursor.kind != "int":
            cursor.reject("an integer")
        word = cursor.word.replace("_", "")
        value = int(word) if word.isdecimal() else int(word, 0)
        cursor.advance()
        return value

    def qubits(self) -> Operand:
        """Read one quantum operand."""
        if self.cursor.kind == "physical" and self.version == 3:
            return self._physical()
        return self.operand(classical=False)

    def _physical(self) -> Operand:
        at = self.cursor.at
        index = int(self.cursor.advance()[1:])
        self.declared.add_physical(index, at)
        self.rich()
        self.trace.features.add(Feature.DYNAMIC)
        return Operand((index,), scalar=True, at=at)

    def operand(self, *, classical: bool) -> Operand:
        """Read a register of the wanted kind, or a part of one."""
        at = self.cursor.at
        name = self.cursor.name("a bit or a register of bits" if classical else "a qubit or a register of qubits")
        register = self.declared.register(name, at, classical=classical)
        operand = Operand(register.indices, register.scalar, at)
        if self.cursor.word == "[":
            operand = self._indexed(operand)
        while self.version == 3 and self.cursor.word == "[":
            self.rich()
            operand = self._indexed(operand)
        return operand

    def _indexed(self, operand: Operand) -> Operand:
        if operand.scalar:
            reject("this is one qubit or bit alone and takes no index", self.cursor.at)
        self.cursor.expect("[")
        listed = self.version == 3 and self.cursor.word == "{"
        part = self._listed(operand) if listed else self._sliced(operand)
        self.cursor.expect("]")
        return part

    def _listed(self, operand: Operand) -> Operand:
        self.cursor.expect("{")
        indices = [self._index(operand)]
        while self.cursor.take(","):
            indices.append(self._index(operand))
        if len(set(indices)) < len(indices):
            reject("a set of indices cannot name one twice", operand.at)
        self.cursor.expect("}")
        return Operand(tuple(indices), scalar=False, at=operand.at)

    def _index(self, operand: Operand) -> int:
        at = self.cursor.at
        return self._place(operand, self.integer(), at)

    def _place(self, operand: Operand, index: int, at: int) -> int:
        size = len(operand.indices)
        if self.version == 3 and -size <= index < 0:
            self.rich()
            index += size
        if not 0 <= index < size:
            reject(f"index {index} is outside the register, which has {size} (0 to {size - 1})", at)
        return operand.indices[index]

    def _sliced(self, operand: Operand) -> Operand:
        at = self.cursor.at
        first = 0 if self.cursor.word == ":" else self.integer()
        if self.version == 2 or self.cursor.word != ":":
            return Operand((self._place(operand, first, at),), scalar=True, at=operand.at)
        bounds = [first]
        while self.cursor.take(":") and len(bounds) < 3:
            bounds.append(len(operand.indices) - 1 if self.cursor.word == "]" else self.integer())
        chosen = inclusive(self._from_start(bounds, len(operand.indices)), at)
        if not chosen:
            reject("this range names no index", at)
        if len(chosen) > len(operand.indices):
            reject(f"this range is longer than the register, which has {len(operand.indices)}", at)
        self.trace.work(_PICKING * len(chosen), at)
        return Operand(tuple(self._place(operand, index, at) for index in chosen), scalar=False, at=operand.at)

    def _from_start(self, bounds: list[int], size: int) -> list[int]:
        """Return the bounds of a range with those that count from the end counted from the start."""
        ends = (0, len(bounds) - 1)
        if any(bounds[end] < 0 for end in ends):
            self.rich()
        return [bound + size if place in ends and -size <= bound < 0 else bound for place, bound in enumerate(bounds)]


def inclusive(bounds: list[int], at: int) -> range:
    """Return the numbers of `[first:last]` or `[first:step:last]`, both ends included."""
    if len(bounds) == 2:
        return range(bounds[0], bounds[1] + 1)
    first, step, last = bounds
    if step == 0:
        reject("the step of a range cannot be 0", at)
    return range(first, last + (1 if step > 0 else -1), step)
