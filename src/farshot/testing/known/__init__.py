"""Circuits whose exact outcome is known in closed form, grouped by the feature that they test.

No circuit is symmetric: reversing bits, qubits or Pauli strings changes the outcome.
"""

from __future__ import annotations

from farshot.testing.known.cases import Ability, Case, ValueCase
from farshot.testing.known.dynamic import CONDITIONS, MID_CIRCUIT, OPENQASM_3
from farshot.testing.known.static import BIT_ORDER, GATES, VALUES, WIDE

__all__ = [
    "BIT_ORDER",
    "CONDITIONS",
    "GATES",
    "MID_CIRCUIT",
    "OPENQASM_3",
    "VALUES",
    "WIDE",
    "Ability",
    "Case",
    "ValueCase",
]
