"""Qiskit Aer: the reference, and the fallback for circuits that prism-q refuses. Needs the extra `aer`."""

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


_AVERAGING_METHODS = frozenset({None, "density_matrix"})
"""The methods that average over the outcomes of a reset."""
_INDICES_PER_QUBIT = {"statevector": 1, "density_matrix": 2}
"""The number of indices that a dense array has for each qubit."""
_AMPLITUDE_SECONDS = 5e-9
"""The measured time of an operation for each amplitude."""


class AerSimulator:
    """The simulator Qiskit Aer, which is imported when the first circuit needs it."""

    name = "aer"
    methods = ("statevector", "density_matrix", "stabilizer", "mps")

    def refusal(self, task: Task) -> str | None:
        """Return the reason why Aer must not run `task`, or None."""
        if task.method == "stabilizer" and Feature.CLIFFORD not in task.scan.features:
            return "the stabilizer method runs Clifford gates only; the circuit has others"
        if task.terms is not None and Feature.DYNAMIC in task.scan.features and task.method not in _AVERAGING_METHODS:
            return f"the {task.method} method follows one random course of a dynamic circuit: sample it instead"
        return None

    def check(self, task: Task) -> None:
        """Parse the circuit of `task`; raises `CircuitError`."""
        self._engine.check(task)

    def forecast(self, task: Task) -> Forecast:
        """Return the method by which `simulate` runs `task`, and about how long that takes if that is known."""
        method = task.method or _default_method(task)
        return Forecast(self.name, method, _dense_seconds(task, method))

    def simulate(self, task: Task) -> Run:
        """Run `task` and return its outcome; raises `CircuitError`."""
        method = task.method or _default_method(task)
        if method in _INDICES_PER_QUBIT:
            check_dense(_INDICES_PER_QUBIT[method] * task.scan.qubits, method)
        if task.shots is None:
            return self._engine.evaluate(task, method)
        check_room(task.shots, _shot_bytes(task.scan, method, task.shots))
        check_time(task.shots, lambda: _shot_seconds(task.scan, method))
        return self._engine.sample(task, method)

    @cached_property
    def _engine(self) -> AerEngine:
        missing = missing_extra(self.name)
        if missing is not None:
            raise MissingExtraError(missing)
        from farshot.simulators.aer_engine import AerEngine

        return AerEngine()


def _default_method(task: Task) -> str:
    if task.terms is not None and Feature.DYNAMIC in task.scan.features:
        return "density_matrix"
    return "stabilizer" if Feature.CLIFFORD in task.scan.features else "statevector"


def _shot_bytes(scan: Scan, method: str, shots: int) -> float:
    """Return the measured bytes that Aer takes for a shot: it keeps the shots of a static circuit."""
    if scan.tail is None:
        return 0
    return (176 if method == "mps" else 120) + (300 + 4 * scan.bits) * distinct_share(scan, shots)


def _shot_seconds(scan: Scan, method: str) -> float:
    """Return the measured seconds of a shot: a dynamic circuit is run once for each."""
    if scan.tail is None:
        operation = _AMPLITUDE_SECONDS * amplitudes(_INDICES_PER_QUBIT.get(method, 0) * scan.qubits)
        return 1e-5 + len(operations_of(scan)) * (3e-7 + operation)
    return {"mps": 1e-5, "stabilizer": 5e-7 * scan.qubits}.get(method, 2e-6)


def _dense_seconds(task: Task, method: str) -> float | None:
    """Return the seconds that a task takes with a dense array; None if the method has none or the task is brief."""
    if method not in _INDICES_PER_QUBIT:
        return None
    operation = _AMPLITUDE_SECONDS * amplitudes(_INDICES_PER_QUBIT[method] * task.scan.qubits)
    return None if is_brief(task, operation) else guess(task, operation)
