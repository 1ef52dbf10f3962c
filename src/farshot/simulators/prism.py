"""prism-q, the default simulator. Circuits that it would get wrong are refused here or rewritten for it."""

from __future__ import annotations

import os
import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from prism_q import BackendKind, parse_qasm, simulate

from farshot.errors import CircuitError, FaultCode
from farshot.model import Values
from farshot.openqasm.facts import Feature
from farshot.openqasm.library import BUILTINS, LIBRARIES
from farshot.operations.operations import Branch, Gate
from farshot.packing import pack_bits
from farshot.protocols import Run
from farshot.simulators.draws import draw, drops_points, record
from farshot.simulators.limits import check_dense, dense_qubits
from farshot.simulators.lowered import STABILIZED
from farshot.simulators.prism_faults import translating
from farshot.simulators.prism_forecast import AMPLITUDE_SECONDS, BRIEF, MAX_BRIEF_QUBITS, forecast
from farshot.simulators.prism_mps import BOND, check_exactness
from farshot.simulators.prism_source import joined, with_prelude
from farshot.simulators.prism_templates import Templates
from farshot.simulators.shots import check_room, check_time, distinct_share, operations_of, path_share

if TYPE_CHECKING:
    from prism_q import Circuit, RunMetadata, RunOutcome, Simulation

    from farshot.model import Counts, Forecast
    from farshot.openqasm.facts import Scan
    from farshot.operations.operations import Operation
    from farshot.protocols import Task
    from farshot.simulators.prism_circuits import Ready


Factors: TypeAlias = list[tuple[int, str]]

DRAWN_QUBITS = 14
"""Up to this width drawing from exact probabilities is faster than prism-q's own sampling."""
BLOCK_QUBITS = 8
"""From this width on prism-q splits circuits into independent blocks."""

_MIN_UNTRUNCATED_FIDELITY = 1 - 1e-9

_REFUSED_FEATURES = {
    Feature.UNICODE: "the text has characters outside ASCII",
    Feature.RICH: "the text uses OpenQASM 3 beyond gates, measurements and if",
    Feature.WIDE_CONDITION: "an if compares a register of more than 63 bits",
}
_DYNAMIC_VALUES = (
    "expectation values of a circuit with mid-circuit measurements, resets or if are not computed exactly; "
    "sample it instead"
)
_DYNAMIC_ROTATIONS = "rxx, ryy and rzz in a circuit with mid-circuit measurements, resets or if need a state vector"
_APPROXIMATE = "the result would be approximate; the target 'prism:mps' accepts that"
_DRAWN_METHODS = frozenset({None, "statevector"})
_ROTATIONS = frozenset({"rxx", "ryy", "rzz"})
_ONE_QUBIT_GATES = frozenset(
    name for gates in (*LIBRARIES.values(), *BUILTINS.values()) for name, gate in gates.items() if gate.qubits == 1
)
_KINDS = {
    None: BackendKind.auto(),
    "statevector": BackendKind.statevector(),
    "stabilizer": BackendKind.stabilizer(),
    "mps": BackendKind.mps(BOND),
}


class PrismSimulator:
    """The simulator prism-q."""

    name = "prism"
    methods = ("statevector", "stabilizer", "mps")

    def __init__(self) -> None:
        """Set prism-q's limits on dense arrays by the worker's memory; its defaults depend on the machine's."""
        cap = str(dense_qubits())
        for variable in ("PRISM_MAX_SV_QUBITS", "PRISM_MAX_PROB_QUBITS"):
            os.environ[variable] = cap
        self._templates = Templates()

    def refusal(self, task: Task) -> str | None:
        """Return the reason why prism-q must not run `task`, or None."""
        features = task.scan.features
        for feature, reason in _REFUSED_FEATURES.items():
            if feature in features:
                return reason
        if task.method == "stabilizer" and Feature.CLIFFORD not in features:
            return "the stabilizer method runs Clifford gates only; the circuit has others"
        if Feature.DYNAMIC not in features:
            return None
        if task.terms is not None:
            return _DYNAMIC_VALUES
        return _DYNAMIC_ROTATIONS if (task.method == "mps" or _is_wide(task)) and _has_rotations(task) else None

    @translating
    def check(self, task: Task) -> None:
        """Parse the circuit of `task`; raises `CircuitError`."""
        parse_qasm(_sampled_text(task))

    def forecast(self, task: Task) -> Forecast:
        """Return the method by which `simulate` runs `task`, and about how long that takes, as far as that is known."""
        if task.method is None and task.scan.qubits <= MAX_BRIEF_QUBITS and task.scan.tail is not None:
            return BRIEF
        return forecast(task, _method(task))

    @translating
    def simulate(self, task: Task) -> Run:
        """Run `task` and return its outcome; raises `CircuitError`."""
        if task.method == "statevector":
            check_dense(task.scan.qubits, "statevector")
        elif task.method is None and _is_wide(task) and Feature.CLIFFORD not in task.scan.features:
            check_exactness(task.scan)
        if task.shots is None:
            return _evaluate(_simulation(self._unmeasured(task).circuit, task), task)
        if task.method in _DRAWN_METHODS and task.scan.qubits <= DRAWN_QUBITS and task.scan.tail is not None:
            return _draw(_outcome(self._unmeasured(task), task, task.shots), task, task.shots)
        return _sample(task, task.shots)

    def _unmeasured(self, task: Task) -> Ready:
        """Return the circuit without its measurements."""
        scan = task.scan
        return self._templates.row(scan) or self._templates.circuit(
            with_prelude(scan, scan.measures_from), scan.include_at
        )


def _is_wide(task: Task) -> bool:
    return task.scan.qubits > dense_qubits()


def _has_rotations(task: Task) -> bool:
    return not _ROTATIONS.isdisjoint(task.scan.library_gates)


def _outcome(unmeasured: Ready, task: Task, shots: int) -> RunOutcome:
    """Run the circuit, with a plan only if the rounding of a plan does not change the counts."""
    if task.method is None and drops_points(2**task.scan.qubits, shots):
        return unmeasured.run()
    return _simulation(unmeasured.circuit, task).run()


def _draw(outcome: RunOutcome, task: Task, shots: int) -> Run:
    """Sample by drawing from the exact probabilities of the circuit without its measurements."""
    probabilities = outcome.probabilities
    if probabilities is None:
        return _sample(task, shots)
    return _run(record(*draw(probabilities, shots, task.seed), task.scan), outcome.metadata, task)


def _sample(task: Task, shots: int) -> Run:
    """Sample with prism-q's own sampling."""
    check_room(shots, _shot_bytes(task.scan, shots))
    check_time(shots, lambda: _shot_seconds(task, shots))
    result = _simulation(parse_qasm(_sampled_text(task)), task).seed(task.seed).sample_counts(shots)
    return _run(_packed(result.counts(), task.scan.bits), result.metadata, task)


def _shot_bytes(scan: Scan, shots: int) -> float:
    """Return the measured bytes that prism-q takes for a shot: it keeps every shot of a dynamic circuit."""
    return 170 if scan.tail is None else 16 + (200 + 4 * scan.bits) * distinct_share(scan, shots)


def _shot_seconds(task: Task, shots: int) -> float:
    """Return the seconds that a shot of a dynamic circuit takes on a state vector, which is run once for each path."""
    scan, method = task.scan, _method(task)
    if scan.tail is not None or task.method is not None or method == "stabilizer" or _is_wide(task):
        return 0.0
    passes = path_share(scan, shots) if method == "statevector" else 1.0
    return passes * AMPLITUDE_SECONDS * len(operations_of(scan)) * 2.0**scan.qubits


def _evaluate(unmeasured: Simulation, task: Task) -> Run:
    """Compute the expectation values of the task's terms; those of identities are 1."""
    factors, identities = _factors(task.terms or ())
    result = unmeasured.expectation_values_reported(factors)
    values = result.values.tolist()
    for place in identities:
        values.insert(place, 1.0)
    return _run(Values(tuple(values)), result.metadata, task)


def _sampled_text(task: Task) -> str:
    """Return the text to sample, as one block of qubits if the order of measurements matters."""
    scan = task.scan
    if scan.qubits < BLOCK_QUBITS:
        return with_prelude(scan)
    is_ordered = scan.tail is None or len({bit for _, bit in scan.measured}) < len(scan.measured)
    return joined(scan) if is_ordered else with_prelude(scan)


def _simulation(circuit: Circuit, task: Task) -> Simulation:
    return simulate(circuit).backend(_KINDS[_method(task)])


def _method(task: Task) -> str | None:
    """Return the method to ask for, None to let prism-q choose.

    Left to itself prism-q chooses some methods on which Pauli rotations panic, and may run a dynamic circuit anew for
    every shot, even a Clifford circuit, which was measured to take up to 700 times as long as the state vector that
    branches at measurements. Without entanglement no state vector is needed.
    """
    if task.method is not None:
        return task.method
    if task.shots is not None and task.scan.qubits >= BLOCK_QUBITS and _is_stabilized(task.scan):
        return "stabilizer"
    if _is_wide(task):
        return "mps" if _has_rotations(task) else None
    is_branching = task.shots is not None and task.scan.tail is None and _entangles(task.scan)
    return "statevector" if is_branching else None


def _entangles(scan: Scan) -> bool:
    """Return whether a circuit has a gate of several qubits, including controlled and built-in gates."""
    if scan.program is not None:
        return any(map(_has_several_qubits, scan.program.operations))
    if scan.own_gates or not scan.library_gates <= _ONE_QUBIT_GATES:
        return True
    return "CX" in scan.text or "ctrl" in scan.text


def _has_several_qubits(operation: Operation) -> bool:
    """Return whether an operation acts on several qubits, even under a condition."""
    if isinstance(operation, Branch):
        return any(map(_has_several_qubits, (*operation.body, *operation.otherwise)))
    return isinstance(operation, Gate) and len(operation.qubits) > 1


def _is_stabilized(scan: Scan) -> bool:
    """Return whether a circuit is dynamic and prism-q's stabilizer method runs all its gates, which excludes cy."""
    if scan.own_gates or scan.tail is not None or Feature.CLIFFORD not in scan.features:
        return False
    return scan.library_gates <= STABILIZED


@lru_cache(maxsize=16)
def _factors(terms: tuple[str, ...]) -> tuple[list[Factors], list[int]]:
    """Return the factors of each term other than identities, and the places of the identities."""
    factors = [[(qubit, axis) for qubit, axis in enumerate(term) if axis != "I"] for term in terms]
    return [own for own in factors if own], [place for place, own in enumerate(factors) if not own]


def _packed(counts: dict[str, int], width: int) -> Counts:
    """Pack counts whose keys start with bit 0."""
    characters = np.frombuffer("".join(counts).encode("ascii"), np.uint8).reshape(len(counts), width)
    return pack_bits(width, characters & 1, np.fromiter(counts.values(), np.uint32, len(counts)))


def _run(outcome: Counts | Values, metadata: RunMetadata, task: Task) -> Run:
    if metadata.is_exact or _is_untruncated(metadata):
        return Run(outcome, _method_name(metadata.backend))
    if task.method == "mps":
        return Run(outcome, "mps", exact=False, fidelity=metadata.fidelity_lower_bound)
    raise CircuitError(FaultCode.UNSUPPORTED, _APPROXIMATE)


def _is_untruncated(metadata: RunMetadata) -> bool:
    """Return whether matrix product states were never truncated; prism-q does not call them exact even then."""
    if metadata.bond is not None and metadata.bond.saturated:
        return False
    return (metadata.fidelity_lower_bound or 0.0) >= _MIN_UNTRUNCATED_FIDELITY


@cache
def _method_name(backend: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", backend).lower()
