"""What the scan of one circuit's text finds out: all that routing and simulation need to know of it."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from farshot.openqasm.pattern import Row
from farshot.operations.operations import PlainCircuit


class Feature(StrEnum):
    """A trait of a circuit that decides which simulator may run it."""

    DYNAMIC = "dynamic"
    """Something other than a barrier or a measurement follows a measurement, or it has `if` or `reset`."""
    CLIFFORD = "clifford"
    """Every gate, those inside the circuit's own gates included, is a Clifford gate by name alone."""
    WIDE_CONDITION = "wide condition"
    """An `if` compares a register of more than 63 bits."""
    CONDITIONED_ROTATION = "conditioned Pauli rotation"
    """A Pauli rotation (rxx, ryy, rzz) stands under an `if`, be it inside one of the circuit's own gates."""
    RICH = "rich"
    """The text has what prism-q refuses or reads wrongly, such as `ctrl(2) @`, physical qubits, annotations,
    a bit declared with a measurement, or a parameter named `tau`.
    """
    LONG = "long"
    """The text names so many numbers that prism-q, which copies all of them for every block, takes minutes to read it,
    or has a formula so long that prism-q's stack overflows.
    """
    UNICODE = "unicode"
    """A name has letters outside ASCII (comments may, and π and τ)."""


class Scan(msgspec.Struct, frozen=True):
    """The facts of one circuit."""

    written: str
    """The source without its byte order mark; empty for a row of a template, whose text is its own to write."""
    version: int
    """2 or 3."""
    qubits: int
    """How many are declared."""
    bits: int
    """How many classical bits are declared: the width of the counts."""
    measured: tuple[tuple[int, int], ...]
    """(qubit, bit) of each measurement in order of the text, as flat indices in order of declaration;
    where several write one bit, the last holds. Empty for a dynamic circuit.
    """
    measures: bool
    """Whether the text has a measurement at all."""
    tail: int | None
    """How many characters follow the start of the first measurement, 0 where nothing is measured. None exactly
    for a dynamic circuit.
    """
    features: frozenset[Feature]
    library_gates: frozenset[str]
    """The gates used, also inside the circuit's own gates, that come from its include."""
    own_gates: frozenset[str]
    """The gates that the text defines."""
    include_at: int
    """Offset after the last include statement, else after the version line, else 0: the text's own
    definitions of gates may be put here without moving a line.
    """
    body_from: int
    """Offset after the last declaration of qubits: all of them can be used here, at the top level."""
    qubit_names: tuple[tuple[str, int], ...]
    """(name, size) of each quantum register in order of declaration; a scalar (`qubit q;`) has size 0."""
    row: Row | None = None
    """Where the text came from, if it is a row of a template."""
    warnings: tuple[str, ...] = ()
    """What in the text is probably not meant."""
    program: PlainCircuit | None = None
    """The operations, where the text was written from them."""

    @property
    def text(self) -> str:
        """What to give to a parser. Every offset counts in it."""
        return self.written if self.row is None else self.row.text

    @property
    def measures_from(self) -> int | None:
        """`text[:measures_from]` is the circuit without its measurements. None exactly for a dynamic circuit."""
        return None if self.tail is None else len(self.text) - self.tail
