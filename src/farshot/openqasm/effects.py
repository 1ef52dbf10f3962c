"""The effects of the statements of a text, collected while it is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isfinite
from typing import TYPE_CHECKING

from farshot.openqasm.expressions import evaluate
from farshot.openqasm.facts import Feature
from farshot.openqasm.limits import MAX_EVALUATIONS, MAX_OPERATIONS, MAX_STEPS, MAX_WORK
from farshot.openqasm.refusal import reject_limit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from farshot.openqasm.library import Gate


SAFE_ARGUMENT = 1e4
"""A gate whose angles stay finite for every argument up to this is safe with any plain argument."""
_MAX_WARNINGS = 10


@dataclass(slots=True)
class Effects:
    """The effects of the statements read so far, and how much of each limit they use up."""

    operations: int = 0
    steps: int = 0
    worked: int = 0
    evaluations: int = 0
    first_measure: int | None = None
    """The offset of the first statement that measures."""
    measured: list[tuple[int, int]] = field(default_factory=list)
    """(qubit, bit) of each measurement."""
    features: set[Feature] = field(default_factory=set)
    library: set[str] = field(default_factory=set)
    """The library gates used."""
    clifford: bool = True
    """True while every gate is a Clifford gate."""
    depends_on_values: bool = False
    """True if the numbers of the text decide whether it may run: the angles of some gate may leave the finite."""
    warnings: list[tuple[str, int]] = field(default_factory=list)
    """Messages with their offsets."""

    def operate(self, count: int, at: int) -> None:
        """Count operations that are neither a barrier nor a measurement."""
        self.count(count, at)
        if self.first_measure is not None:
            self.features.add(Feature.DYNAMIC)

    def count(self, count: int, at: int) -> None:
        """Count operations."""
        self.operations += count
        if self.operations > MAX_OPERATIONS:
            message = f"written out, the circuit has more than {MAX_OPERATIONS:,} operations from here on"
            reject_limit(message, at)

    def work(self, count: int, at: int) -> None:
        """Count computation that is not an operation."""
        self.worked += count
        if self.worked > MAX_WORK:
            message = (
                f"ranges, aliases, loops, conditions and gates up to here take more than {MAX_WORK:,} steps to work out"
            )
            reject_limit(f"{message}: write less of them, or over fewer qubits and bits", at)

    def gate(self, gate: Gate, count: int, at: int, *, conditioned: bool, plain: bool) -> None:
        """Record a gate of `count` operations; `plain` if it has no modifier."""
        self.operate(count, at)
        self.library |= gate.library
        if not (plain and gate.clifford):
            self.clifford = False
        if conditioned and gate.rotates:
            self.features.add(Feature.CONDITIONED_ROTATION)

    def measure(self, pairs: Iterable[tuple[int, int]], at: int, *, nested: bool) -> None:
        """Record a measurement by the statement at `at`; `nested` if it is in a block."""
        before = len(self.measured)
        self.measured += pairs
        self.count(len(self.measured) - before, at)
        if nested:
            self.features.add(Feature.DYNAMIC)
        if self.first_measure is None:
            self.first_measure = at

    def warn(self, message: str, at: int) -> None:
        """Record a warning about a probable mistake, up to `_MAX_WARNINGS` of them."""
        if len(self.warnings) < _MAX_WARNINGS and (message, at) not in self.warnings:
            self.warnings.append((message, at))

    def step(self, at: int) -> None:
        """Count one statement, or one round, of a loop."""
        self.steps += 1
        if self.steps > MAX_STEPS:
            reject_limit(f"the loops of the circuit run more than {MAX_STEPS:,} statements", at)

    def check_angles(self, gate: Gate, values: Sequence[float], version: int, at: int) -> None:
        """Refuse arguments that make an angle inside `gate` other than finite."""
        largest = max(map(abs, values), default=0.0)
        if not isfinite(sum(map(abs, values))):
            reject_limit("these angles add up to more than the largest finite number", at)
        if gate.limit < SAFE_ARGUMENT:
            self.depends_on_values = True
        if largest > gate.limit or gate.limit < SAFE_ARGUMENT:
            self._check_body(gate, values, version, at)

    def _check_body(self, gate: Gate, values: Sequence[float], version: int, at: int) -> None:
        names = dict(zip(gate.parameters, values, strict=True))
        for call in gate.calls_with_arguments:
            self.evaluations += 1
            if self.evaluations > MAX_EVALUATIONS:
                message = f"more than {MAX_EVALUATIONS:,} gates would have to be worked out to show their angles finite"
                reject_limit(message, at)
            self.work(sum(len(argument.steps) for argument in call.arguments), at)
            inner = [evaluate(argument, version, names) * call.factor for argument in call.arguments]
            self.check_angles(call.gate, inner, version, at)
