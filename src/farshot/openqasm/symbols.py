"""The symbol table of a text: its registers, gates and named numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from farshot.openqasm.library import BUILTINS, INCLUDES, LIBRARIES, REDEFINABLE, Gate
from farshot.openqasm.limits import MAX_BITS, MAX_QUBITS
from farshot.openqasm.refusal import reject, reject_limit, reject_unsupported, shown

if TYPE_CHECKING:
    from collections.abc import Sequence


_WORDS_2 = """
OPENQASM include qreg creg gate opaque measure reset barrier if pi sin cos tan exp ln sqrt
"""
_WORDS_3 = """
OPENQASM include defcalgrammar def cal defcal gate extern box let break continue if else end return for while in
switch case default nop pragma input output const readonly mutable qreg qubit creg bool bit int uint float angle
complex array void duration stretch gphase inv pow ctrl negctrl durationof delay reset measure barrier true false
im pi π ℇ arccos arcsin arctan ceiling cos exp floor log mod popcount rotl rotr sin sqrt tan sizeof
"""
MISREAD = frozenset({"tau", "τ", "euler", "e", "true", "false"})
"""Names of parameters and numbers that prism-q takes for its own constants even if the text declares them."""
RESERVED_WORDS = {2: frozenset(_WORDS_2.split()), 3: frozenset(_WORDS_3.split())}
"""The reserved words of each version of OpenQASM."""


@dataclass(frozen=True, slots=True, eq=False)
class Register:
    """Qubits or classical bits under one name, as flat indices; those of an alias have other names too."""

    indices: Sequence[int]
    classical: bool
    scalar: bool = False
    alias: bool = False


@dataclass(slots=True)
class Snapshot:
    """An integer variable of `width` bits that holds a register of bits as it was at the assignment, as Qiskit writes a
    `switch`.
    """

    width: int
    bits: Sequence[int] = ()
    """The bits assigned to it."""
    blocks: tuple[int, ...] = ()
    """The numbers of the blocks around the assignment."""
    measured: int = 0
    """The number of measurements before the assignment."""


@dataclass(slots=True)
class SymbolTable:
    """The declarations of a text of OpenQASM `version`."""

    version: int
    names: dict[str, Register | Gate] = field(default_factory=dict)
    numbers: dict[str, int | float] = field(default_factory=dict)
    """The named numbers in scope."""
    constants: dict[str, int | float] = field(default_factory=dict)
    """The numbers that definitions of gates may use."""
    snapshots: dict[str, Snapshot] = field(default_factory=dict)
    """The variables that registers are assigned to."""
    own_gates: list[Gate] = field(default_factory=list)
    used_in_gates: set[str] = field(default_factory=set)
    """The library gates that the text's own gates use."""
    shadowed: list[tuple[str, int | float | None]] = field(default_factory=list)
    """The values that numbers of open blocks replaced (None: no value)."""
    registers: list[tuple[str, int]] = field(default_factory=list)
    """(name, size) of each quantum register; a scalar has size 0."""
    qubits: int = 0
    bits: int = 0
    physical: bool = False
    included: bool = False
    include_at: int = 0
    body_from: int = 0

    def __post_init__(self) -> None:
        """Declare the gates that need no include."""
        self.names.update(BUILTINS[self.version])

    def include(self, name: str, at: int) -> None:
        """Declare the library gates; `name` must be the file that is built in."""
        library = INCLUDES[self.version]
        if name != library:
            message = f"{shown(name)} cannot be included: only {library} is built in, and no file is ever read"
            reject_unsupported(message, at)
        if self.included:
            reject(f"{library} is included twice: drop this one", at)
        clashes = sorted(LIBRARIES[self.version].keys() & self.names.keys())
        if clashes:
            reject(f"{shown(clashes[0])} was declared before {library}, which declares it too: rename it", at)
        self.names.update(LIBRARIES[self.version])
        self.included = True

    def check_new(self, name: str, at: int) -> None:
        """Refuse `name` if nothing new can have it."""
        self.check_word(name, at)
        known = self.names.get(name)
        if isinstance(known, Gate) and known.library == {name}:
            if self.version == 3 or name not in REDEFINABLE:
                self._reject_redefined(name, at)
        elif known is not None or name in self.numbers or name in self.snapshots:
            reject(f"{shown(name)} is already declared: rename one of the two", at)

    def check_word(self, name: str, at: int) -> None:
        """Refuse a name that is a reserved word."""
        if name in RESERVED_WORDS[self.version]:
            reject(f"{shown(name)} is a word of OpenQASM {self.version} and cannot be a name", at)

    def _reject_redefined(self, name: str, at: int) -> NoReturn:
        message = f"{shown(name)} is a gate of {INCLUDES[self.version]} and cannot be declared again: rename it"
        reject(message, at)

    def add_register(self, name: str, size: int | None, at: int, *, classical: bool) -> Register:
        """Declare a register of `size` (None: a scalar) and return it."""
        self.check_new(name, at)
        if size is not None and size < 1:
            reject_limit(f"the register {shown(name)} is empty: give it a size of at least 1", at)
        first = self.bits if classical else self.qubits
        end = first + (1 if size is None else size)
        if classical:
            self.bits = _check_total(end, MAX_BITS, "classical bits", at)
        else:
            self.qubits = _check_total(end, MAX_QUBITS, "qubits", at)
            self.registers.append((name, size or 0))
        self.names[name] = register = Register(range(first, end), classical, scalar=size is None)
        return register

    def add_physical(self, index: int, at: int) -> None:
        """Record the use of the physical qubit `index`."""
        if self.registers:
            reject_unsupported("physical and declared qubits cannot be mixed", at)
        self.qubits = max(self.qubits, _check_total(index + 1, MAX_QUBITS, "qubits", at))
        self.physical = True

    def check_new_gate(self, name: str, at: int, used: set[str]) -> None:
        """Refuse `name` for a new gate. A gate that old libraries lack may be redefined before its first use;
        inside its own definition it is undefined.
        """
        self.check_new(name, at)
        if name in used or name in self.used_in_gates:
            self._reject_redefined(name, at)
        self.names.pop(name, None)

    def add_gate(self, gate: Gate) -> None:
        """Declare a gate of the text's own."""
        self.names[gate.name] = gate
        self.own_gates.append(gate)
        self.used_in_gates |= gate.library

    def set_number(self, name: str, value: float) -> None:
        """Give a number a value up to the end of the block."""
        self.shadowed.append((name, self.numbers.get(name)))
        self.numbers[name] = value

    def restore_numbers(self, depth: int) -> None:
        """Undo assignments to numbers until only `depth` values are shadowed."""
        while len(self.shadowed) > depth:
            name, value = self.shadowed.pop()
            if value is None:
                del self.numbers[name]
            else:
                self.numbers[name] = value

    def gate(self, name: str, at: int) -> Gate:
        """Return the gate `name`."""
        known = self.names.get(name)
        if not isinstance(known, Gate):
            self._reject_gate(name, at)
        return known

    def _reject_gate(self, name: str, at: int) -> NoReturn:
        if name in self.names or name in self.numbers:
            reject(f"{shown(name)} is not a gate", at)
        if name in RESERVED_WORDS[self.version]:
            reject(f"{shown(name)} cannot begin a statement here", at)
        reject(f"the gate {shown(name)} is not defined{self._hint(name)}", at)

    def _hint(self, name: str) -> str:
        library = INCLUDES[self.version]
        if not self.included and name in LIBRARIES[self.version]:
            return f': add `include "{library}";`'
        if self.version == 2 and name in RESERVED_WORDS[3]:
            return ": it is a word of OpenQASM 3, which texts without a version line or with `OPENQASM 3.0;` use"
        where = f": it is not in {library}" if self.included else ""
        return f"{where}; define it with `gate` before this line"

    def register(self, name: str, at: int, *, classical: bool) -> Register:
        """Return the register `name`, which must be of classical bits or of qubits."""
        known = self.names.get(name)
        if not isinstance(known, Register):
            kind = "classical bits" if classical else "qubits"
            reject(f"no {kind} named {shown(name)} are declared", at)
        if known.classical != classical:
            wanted, found = ("classical bits", "qubits") if classical else ("qubits", "classical bits")
            reject(f"{shown(name)} holds {found}, but {wanted} are needed here", at)
        return known


def _check_total(total: int, limit: int, what: str, at: int) -> int:
    if total > limit:
        shown_total = f"{total:,}" if total < 10**15 else "far more"
        reject_limit(f"the circuit declares {shown_total} {what}; the limit is {limit:,}", at)
    return total
