"""Comparison of the results of drawn circuits with an exact reference that you supply.

>>> from farshot.testing.circuits import draw
>>> def run(sources, shots):
...     return {label: "no" for label in sources}
>>> report = check_counts_of(draw_mixed(range(2)), run, lambda program: {"0": 1.0}, shots=10)
>>> report.circuits, len(report.wrong), set(report.refused.values())
(2, 0, {'no'})
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from farshot.testing.circuits import Program, draw
from farshot.testing.counts import MismatchError, check_counts

if TYPE_CHECKING:
    from farshot.testing.circuits import Drawn

__all__ = ["Report", "check_counts_of", "check_values_of", "draw_mixed", "draw_terms"]

Sampler = Callable[[Mapping[str, str], int], Mapping[str, Mapping[str, int] | str]]
"""Maps sources by label, and shots, to counts by label, or to the reason if there are none."""
Evaluator = Callable[[Mapping[str, str], Sequence[str]], Mapping[str, Mapping[str, float] | str]]
"""Maps sources by label, and Pauli strings, to the value of each string by label, or to the reason if none."""
Reference = Callable[[Program], Mapping[str, float]]
"""Returns the exact distribution of a circuit."""
ValueReference = Callable[[Program, Sequence[str]], Sequence[float]]
"""Returns the exact values of Pauli strings."""

_MIXED_SHAPES = ("static", "blocks", "dynamic", "blocks")
_TOLERANCE = 1e-9


@dataclass
class Report:
    """The number of circuits that were checked, and the reasons by label for wrong and refused ones."""

    circuits: int = 0
    wrong: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    def __iadd__(self, other: Report) -> Report:  # noqa: PYI034 -- reports are not subclassed
        """Add the circuits of another report to this circuit."""
        self.circuits += other.circuits
        self.wrong |= other.wrong
        self.refused |= other.refused
        return self


def draw_mixed(numbers: Iterable[int], shapes: Sequence[str] = _MIXED_SHAPES) -> Iterator[Drawn]:
    """Draw a circuit for each number, cycling through the shapes."""
    return (draw(shapes[number % len(shapes)], number) for number in numbers)


def draw_terms(rng: Random, width: int, count: int) -> list[str]:
    """Draw up to `count` different Pauli strings of this width."""
    return sorted({"".join(rng.choices("IXYZ", k=width)) for _ in range(count)})


def check_counts_of(drawn: Iterable[Drawn], run: Sampler, reference: Reference, shots: int) -> Report:
    """Sample circuits and compare their counts with the reference."""
    circuits = {circuit.label: circuit for circuit in drawn}
    outcomes = run({label: circuit.source for label, circuit in circuits.items()}, shots)
    report = Report(len(circuits))
    for label, circuit in circuits.items():
        outcome = outcomes[label]
        if isinstance(outcome, str):
            report.refused[label] = outcome
            continue
        distribution = reference(circuit.program)
        try:
            check_counts(outcome, distribution, shots)
        except MismatchError as mismatch:
            report.wrong[label] = str(mismatch)
    return report


def check_values_of(drawn: Iterable[Drawn], run: Evaluator, reference: ValueReference, terms: int) -> Report:
    """Evaluate up to `terms` Pauli strings for circuits, one width at a time, and compare with the reference."""
    by_width: dict[int, list[Drawn]] = {}
    for circuit in drawn:
        by_width.setdefault(circuit.program.qubits, []).append(circuit)
    report = Report()
    for width, alike in by_width.items():
        report += _check_one_width(alike, run, reference, draw_terms(Random(width), width, terms))
    return report


def _check_one_width(alike: Sequence[Drawn], run: Evaluator, reference: ValueReference, terms: Sequence[str]) -> Report:
    report = Report(len(alike))
    outcomes = run({circuit.label: circuit.source for circuit in alike}, terms)
    for circuit in alike:
        outcome = outcomes[circuit.label]
        if isinstance(outcome, str):
            report.refused[circuit.label] = outcome
        else:
            for term, value in zip(terms, reference(circuit.program, terms), strict=True):
                if not abs(outcome[term] - value) < _TOLERANCE:
                    report.wrong[circuit.label] = f"{term} is {outcome[term]}, not {value}"
    return report
