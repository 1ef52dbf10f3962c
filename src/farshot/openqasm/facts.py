"""The facts of one circuit that its scan finds: all that routing and simulation need to know of it."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from farshot.openqasm.pattern import Row
from farshot.operations.operations import PlainCircuit


class Feature(StrEnum):
    """A property of a circuit that decides which simulator may run it."""

    DYNAMIC = "dynamic"
    """Something other than a barrier or a measurement follows a measurement, or it has `if` or `reset`."""
    CLIFFORD = "clifford"
    """Every gate, those inside the circuit's own gates included, is a Clifford gate by name alone."""
    WIDE_CONDITION = "wide condition"
    """An `if` compares a register of more than 63 bits."""
    CONDITIONED_ROTATION = "conditioned Pauli rotation"
    """A Pauli rotation (rxx, ryy, rzz) depends on an `if`, possibly inside one of the circuit's own gates."""
    RICH = "rich"
    """The text has a construct that prism-q refuses or reads wrongly, such as `ctrl(2) @`, physical qubits,
    annotations, a bit declared with a measurement, or a parameter named `tau`.
    """
    LONG = "long"
    """The text names so many numbers that prism-q, which copies all of them for every block, takes minutes to read it,
    or has an expression so long that prism-q's stack overflows.
    """
    UNICODE = "unicode"
    """A name has letters outside ASCII (comments may, and π and τ)."""


class Scan(msgspec.Struct, frozen=True):
    """The facts of one circuit."""

    written: str
    """The source without its byte order mark; empty for a row of a template, which writes its text itself."""
    version: int
    """2 or 3."""
    qubits: int
    """The number of declared qubits."""
    bits: int
    """The number of declared classical bits: the width of the counts."""
    measured: tuple[tuple[int, int], ...]
    """(qubit, bit) of each measurement in order of the text, as flat indices in order of declaration;
    where several write one bit, the last holds. Empty for a dynamic circuit.
    """
    measures: bool
    """True if the text has a measurement, be it in a block."""
    tail: int | None
    """The number of characters from the start of the first measurement on, 0 if nothing is measured. None exactly
    for a dynamic circuit.
    """
    features: frozenset[Feature]
    library_gates: frozenset[str]
    """The gates used, also inside the circuit's own gates, that come from its include."""
    own_gates: frozenset[str]
    """The gates that the text defines."""
    include_at: int
    """The offset after the last include statement, else after the version line, else 0: definitions of gates may be
    put here without moving a line.
    """
    body_from: int
    """The offset after the last declaration of qubits: all of them can be used here, at the top level."""
    qubit_names: tuple[tuple[str, int], ...]
    """(name, size) of each quantum register in order of declaration; a scalar (`qubit q;`) has size 0."""
    row: Row | None = None
    """The row of a template that the text comes from, if it does."""
    warnings: tuple[str, ...] = ()
    """Probable mistakes in the text."""
    program: PlainCircuit | None = None
    """The operations that the text was written from, if it was."""

    @property
    def text(self) -> str:
        """The text for a parser. Every offset counts in it."""
        return self.written if self.row is None else self.row.text

    @property
    def measures_from(self) -> int | None:
        """`text[:measures_from]` is the circuit without its measurements. None exactly for a dynamic circuit."""
        return None if self.tail is None else len(self.text) - self.tail
