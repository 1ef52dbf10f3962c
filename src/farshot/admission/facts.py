"""What the scan of one circuit's text finds out: all that routing and simulation need to know of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Feature", "Scan"]


class Feature(StrEnum):
    """A trait of a circuit that decides which simulator may run it."""

    DYNAMIC = "dynamic"
    """Something follows a measurement of the circuit, or it has `if` or `reset`."""
    CLIFFORD = "clifford"
    """Every gate is a Clifford gate by name (h s sdg x y z id sx sxdg cx cy cz swap ...)."""
    WIDE_CONDITION = "wide condition"
    """An `if` compares a register of more than 63 bits."""
    CONDITIONED_ROTATION = "conditioned Pauli rotation"
    """A Pauli rotation (rxx, ryy, rzz) stands under an `if`."""
    RICH = "rich"
    """OpenQASM 3 beyond what the scan follows closely (loops, switch, aliases, expressions ...)."""


@dataclass(frozen=True, slots=True)
class Scan:
    """The facts of one circuit.

    `version` is 2 or 3; `qubits` and `bits` are the declared totals. `measured` lists (qubit, bit) in
    order of the text, as flat indices in order of declaration, for a circuit that is not dynamic.
    `measures_from` is the character offset of the first measurement of such a circuit in its text:
    the text before it is the circuit without its measurements (None: not dynamic, but measurements and
    other statements alternate, or there is none). `undefined` names the gates used that the text takes
    from its include. `body_from` is the character offset after the last leading declaration, where
    statements can be inserted. `include_at` is the offset after the include statement (or after the
    version line), where gate definitions can be inserted on the same line.
    """

    version: int
    qubits: int
    bits: int
    measured: tuple[tuple[int, int], ...]
    measures_from: int | None
    features: frozenset[Feature]
    library_gates: frozenset[str]
    include_at: int
    body_from: int
    qubit_names: tuple[tuple[str, int], ...]
    measures: bool
