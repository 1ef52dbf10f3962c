"""Qiskit Aer: the reference, and the fallback for what prism-q refuses. Needs the extra `aer`."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from farshot.errors import MissingExtraError
from farshot.model import Forecast
from farshot.openqasm.facts import Feature
from farshot.simulators.durations import amplitudes, guess, is_brief
from farshot.simulators.limits import check_dense
from farshot.simulators.shots import check_room, check_time, distinct_share, operations_of
from farshot.simulators.targets import missing_extra

if TYPE_CHECKING:
    from farshot.openqasm.facts import Scan
    from farshot.protocols import Run, Task
    from farshot.simulators.aer_engine import AerEngine


_FITTING = frozenset({None, "density_matrix"})
"""The methods that average over the outcomes of a reset."""
_INDICES = {"statevector": 1, "density_matrix": 2}
"""How many indices a dense array has for each qubit."""
_AMPLITUDE = 5e-9
"""Seconds that an operation was seen to take for each amplitude."""


class AerSimulator:
    """Runs circuits with Qiskit Aer, which is imported when the first circuit needs it."""

    name = "aer"
    methods = ("statevector", "density_matrix", "stabilizer", "mps")

    def refusal(self, task: Task) -> str | None:
        """Return why Aer must not be given `task`, or None."""
        if task.method == "stabilizer" and Feature.CLIFFORD not in task.scan.features:
            return "the stabilizer method runs Clifford gates only; the circuit has others"
        if task.terms is not None and Feature.DYNAMIC in task.scan.features and task.method not in _FITTING:
            return f"the {task.method} method follows one random course of a dynamic circuit: sample it instead"
        return None

    def check(self, task: Task) -> None:
        """Parse `task`."""
        self._engine.check(task)

    def forecast(self, task: Task) -> Forecast:
        """Return how `simulate` will run `task`."""
        method = task.method or _fitting_method(task)
        return Forecast(self.name, method, _seconds(task, method))

    def simulate(self, task: Task) -> Run:
        """Run `task`."""
        method = task.method or _fitting_method(task)
        _check_width(task.scan.qubits, method)
        if task.shots is None:
            return self._engine.evaluate(task, method)
        check_room(task.shots, _shot_size(task.scan, method, task.shots))
        check_time(task.shots, lambda: _shot_seconds(task.scan, method))
        return self._engine.sample(task, method)

    @cached_property
    def _engine(self) -> AerEngine:
        missing = missing_extra(self.name)
        if missing is not None:
            raise MissingExtraError(missing)
        from farshot.simulators.aer_engine import AerEngine

        return AerEngine()


def _fitting_method(task: Task) -> str:
    if task.terms is not None and Feature.DYNAMIC in task.scan.features:
        return "density_matrix"
    return "stabilizer" if Feature.CLIFFORD in task.scan.features else "statevector"


def _check_width(qubits: int, method: str) -> None:
    """Raise the fault `memory` where the array of `method` does not fit."""
    if method in _INDICES:
        check_dense(_INDICES[method] * qubits, method)


def _shot_size(scan: Scan, method: str, shots: int) -> float:
    """Return the bytes that Aer was seen to take for a shot: it keeps those of a static circuit."""
    if scan.tail is None:
        return 0
    return (176 if method == "mps" else 120) + (300 + 4 * scan.bits) * distinct_share(scan, shots)


def _shot_seconds(scan: Scan, method: str) -> float:
    """Return what a shot was seen to take: a dynamic circuit is run once for each."""
    if scan.tail is None:
        operation = _AMPLITUDE * amplitudes(_INDICES.get(method, 0) * scan.qubits)
        return 1e-5 + len(operations_of(scan)) * (3e-7 + operation)
    return {"mps": 1e-5, "stabilizer": 5e-7 * scan.qubits}.get(method, 2e-6)


def _seconds(task: Task, method: str) -> float | None:
    """Return what a task takes with a dense array; None where it has another, or is brief."""
    if method not in _INDICES:
        return None
    operation = _AMPLITUDE * amplitudes(_INDICES[method] * task.scan.qubits)
    return None if is_brief(task, operation) else guess(task, operation)
