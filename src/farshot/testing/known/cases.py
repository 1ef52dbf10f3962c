"""Cases of known outcome, and functions to write them briefly."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum


class Ability(StrEnum):
    """An optional ability of a simulator."""

    DYNAMIC = "dynamic"
    """Mid-circuit measurements, resets, conditions."""
    OPENQASM_3 = "openqasm3"
    """OpenQASM 3."""
    OBSERVABLES = "observables"
    """Expectation values of Pauli strings."""
    SEEDS = "seeds"
    """The same seed gives the same counts."""
    WIDE = "wide"
    """Hundreds of qubits, if all gates are Clifford gates."""


@dataclass(frozen=True, slots=True)
class Case:
    """A circuit and its exact distribution. `needs` are the abilities that it requires."""

    name: str
    source: str
    distribution: dict[str, float]
    needs: frozenset[Ability] = frozenset()


@dataclass(frozen=True, slots=True)
class ValueCase:
    """A circuit and the exact values of Pauli strings, whose leftmost letter is qubit 0."""

    name: str
    source: str
    values: dict[str, float]


def circuit(name: str, body: str, distribution: dict[str, float], *needs: Ability) -> Case:
    """Return a case in OpenQASM 2."""
    return Case(name, f'OPENQASM 2.0;\ninclude "qelib1.inc";\n{body}\n', distribution, frozenset(needs))


def dynamic(name: str, body: str, distribution: dict[str, float]) -> Case:
    """Return a case in OpenQASM 2 that requires `Ability.DYNAMIC`."""
    return circuit(name, body, distribution, Ability.DYNAMIC)


def circuit_3(name: str, body: str, distribution: dict[str, float], *needs: Ability) -> Case:
    """Return a case in OpenQASM 3."""
    source = f'OPENQASM 3.0;\ninclude "stdgates.inc";\n{body}\n'
    return Case(name, source, distribution, frozenset({Ability.OPENQASM_3, *needs}))


def valued(name: str, body: str, values: dict[str, float]) -> ValueCase:
    """Return a case of expectation values."""
    return ValueCase(name, f'OPENQASM 2.0;\ninclude "qelib1.inc";\n{body}\n', values)


def even(*keys: str) -> dict[str, float]:
    """Return a distribution of equal probabilities."""
    return dict.fromkeys(keys, 1 / len(keys))


def turned(angle: float) -> float:
    """Return the probability that a qubit rotated by `angle` is measured as 1."""
    return math.sin(angle / 2) ** 2
