"""The state of the reader of a text, the parts that statements share, and the output for the operations found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from farshot.openqasm.expressions import ExpressionReader, evaluate_integer
from farshot.openqasm.facts import Feature
from farshot.openqasm.limits import MAX_NESTING
from farshot.openqasm.refusal import reject, reject_limit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from farshot.openqasm.effects import Effects
    from farshot.openqasm.expressions import Expression
    from farshot.openqasm.library import Gate, Modifier
    from farshot.openqasm.symbols import SymbolTable
    from farshot.openqasm.tokens import Cursor
    from farshot.operations.operations import Condition, Operation


_MAX_STEPS = 500
"""Steps of an expression that every simulator reads; prism-q crashes at some 10,000."""
_PICK_WORK = 8
"""The work that picking one index of a range counts as."""


class Use(NamedTuple):
    """A gate with its angles and its modifiers, outermost first."""

    gate: Gate
    angles: tuple[float, ...]
    modifiers: tuple[Modifier, ...] = ()


class Case(NamedTuple):
    """The operations to do if one of several conditions holds."""

    conditions: tuple[Condition, ...]
    body: tuple[Operation, ...]


class Output:
    """Takes the operations of a text as they are read. This class drops them; `lowering` collects them."""

    def register(self, size: int) -> None:
        """Take a classical register."""

    def gate(self, use: Use, columns: Sequence[Sequence[int]], at: int) -> None:
        """Take a gate, once for every row of `columns`, which has one column for each operand."""

    def measure(self, pairs: Iterable[tuple[int, int]], at: int) -> None:
        """Take measurements of (qubit, bit)."""

    def reset(self, qubits: Iterable[int], at: int) -> None:
        """Take resets."""

    def open(self) -> None:
        """Take the operations that follow, up to `close`, as the body of a condition."""

    def close(self) -> tuple[Operation, ...]:
        """Return the operations since `open`, which are no part of the body around them."""
        return ()

    def branch(self, cases: Sequence[Case], otherwise: tuple[Operation, ...], at: int) -> None:
        """Take the first of `cases` that holds as the statement is reached, else `otherwise`."""


class Operand(NamedTuple):
    """The flat indices that a statement acts on; `scalar` if they are one qubit or bit and no register."""

    indices: Sequence[int]
    scalar: bool
    at: int


@dataclass(slots=True)
class ReaderState:
    """The state of the reader of one text."""

    cursor: Cursor
    symbols: SymbolTable
    effects: Effects
    read_statement: Callable[[ReaderState], None]
    start: int = 0
    """The offset of the statement that is being read."""
    condition_depth: int = 0
    block_depth: int = 0
    loop_depth: int = 0
    output: Output = field(default_factory=Output)
    entered_blocks: int = 0
    """The number of blocks entered so far, which is that of the last one."""
    open_blocks: list[int] = field(default_factory=list)
    """The numbers of the open blocks, outermost first."""

    @property
    def version(self) -> int:
        """The version of OpenQASM."""
        return self.symbols.version

    def mark_rich(self) -> None:
        """Note that only some parsers read the text right."""
        self.effects.features.add(Feature.RICH)

    def enter_block(self, at: int) -> None:
        """Count one level of nesting."""
        self.block_depth += 1
        if self.block_depth > MAX_NESTING:
            reject_limit(f"blocks are nested more than {MAX_NESTING} deep", at)
        self.entered_blocks += 1
        self.open_blocks.append(self.entered_blocks)

    def leave_block(self) -> None:
        """Count one level less."""
        self.block_depth -= 1
        self.open_blocks.pop()

    def end_statement(self) -> None:
        """Step over the semicolon."""
        self.cursor.expect(";")

    def read_expression(
        self, known: Mapping[str, int | float] | None = None, free: frozenset[str] = frozenset()
    ) -> Expression:
        """Read an expression of the numbers in `known` (None: all in scope) and the parameters in `free`."""
        known = self.symbols.numbers if known is None else known
        expression = ExpressionReader(self.cursor, self.version, known, free).read()
        if len(expression.steps) > _MAX_STEPS:
            self.effects.features.add(Feature.LONG)
        return expression

    def read_integer(self) -> int:
        """Read an integer: a literal in OpenQASM 2, a constant expression in OpenQASM 3."""
        if self.version == 2:
            return self.read_literal()
        return evaluate_integer(self.read_expression(), self.version)

    def read_size(self) -> int | None:
        """Read an integer in brackets and return it; return None if there is no bracket."""
        if not self.cursor.take("["):
            return None
        size = self.read_integer()
        self.cursor.expect("]")
        return size

    def read_literal(self) -> int:
        """Read an integer literal."""
        cursor = self.cursor
        if cursor.kind != "int":
            cursor.reject("an integer")
        word = cursor.word.replace("_", "")
        value = int(word) if word.isdecimal() else int(word, 0)
        cursor.advance()
        return value

    def skip_qubits(self) -> None:
        """Read quantum operands up to the end of the statement, for their errors only."""
        while self.cursor.word != ";":
            self.read_qubits()
            if not self.cursor.take(","):
                break
        self.end_statement()

    def read_qubits(self) -> Operand:
        """Read one quantum operand."""
        at = self.cursor.at
        if self.cursor.kind != "physical" or self.version != 3:
            return self.read_operand(classical=False)
        index = int(self.cursor.advance()[1:])
        self.symbols.add_physical(index, at)
        self.mark_rich()
        self.effects.features.add(Feature.DYNAMIC)
        return Operand((index,), scalar=True, at=at)

    def read_operand(self, *, classical: bool) -> Operand:
        """Read a register of the wanted kind, or a part of one."""
        at = self.cursor.at
        name = self.cursor.read_name("a bit or a register of bits" if classical else "a qubit or a register of qubits")
        register = self.symbols.register(name, at, classical=classical)
        operand = Operand(register.indices, register.scalar, at)
        if self.cursor.word == "[":
            operand = self._read_index(operand)
        while self.version == 3 and self.cursor.word == "[":
            self.mark_rich()
            operand = self._read_index(operand)
        return operand

    def _read_index(self, operand: Operand) -> Operand:
        if operand.scalar:
            reject("this is one qubit or bit alone and takes no index", self.cursor.at)
        self.cursor.expect("[")
        is_set = self.version == 3 and self.cursor.word == "{"
        part = self._read_set(operand) if is_set else self._read_slice(operand)
        self.cursor.expect("]")
        return part

    def _read_set(self, operand: Operand) -> Operand:
        self.cursor.expect("{")
        indices: list[int] = []
        while not indices or self.cursor.take(","):
            at = self.cursor.at
            indices.append(self._pick(operand, self.read_integer(), at))
        if len(set(indices)) < len(indices):
            reject("a set of indices cannot name one twice", operand.at)
        self.cursor.expect("}")
        return Operand(tuple(indices), scalar=False, at=operand.at)

    def _pick(self, operand: Operand, index: int, at: int) -> int:
        """Return the flat index at `index` of the operand."""
        size = len(operand.indices)
        if self.version == 3 and -size <= index < 0:
            self.mark_rich()
            index += size
        if not 0 <= index < size:
            reject(f"index {index} is outside the register, which has {size} (0 to {size - 1})", at)
        return operand.indices[index]

    def _read_slice(self, operand: Operand) -> Operand:
        at = self.cursor.at
        first = 0 if self.cursor.word == ":" else self.read_integer()
        if self.version == 2 or self.cursor.word != ":":
            return Operand((self._pick(operand, first, at),), scalar=True, at=operand.at)
        bounds = [first]
        while self.cursor.take(":") and len(bounds) < 3:
            bounds.append(len(operand.indices) - 1 if self.cursor.word == "]" else self.read_integer())
        chosen = inclusive_range(self._resolve_negative(bounds, len(operand.indices)), at)
        if not chosen:
            reject("this range names no index", at)
        if len(chosen) > len(operand.indices):
            reject(f"this range is longer than the register, which has {len(operand.indices)}", at)
        self.effects.work(_PICK_WORK * len(chosen), at)
        return Operand(tuple(self._pick(operand, index, at) for index in chosen), scalar=False, at=operand.at)

    def _resolve_negative(self, bounds: list[int], size: int) -> list[int]:
        """Return the bounds of a range with negative ones, which count from the end, counted from the start."""
        ends = (0, len(bounds) - 1)
        if any(bounds[end] < 0 for end in ends):
            self.mark_rich()
        return [bound + size if place in ends and -size <= bound < 0 else bound for place, bound in enumerate(bounds)]


def inclusive_range(bounds: list[int], at: int) -> range:
    """Return the numbers of `[first:last]` or `[first:step:last]`, both ends included."""
    if len(bounds) == 2:
        return range(bounds[0], bounds[1] + 1)
    first, step, last = bounds
    if step == 0:
        reject("the step of a range cannot be 0", at)
    return range(first, last + (1 if step > 0 else -1), step)
