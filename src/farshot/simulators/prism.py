"""prism-q: the default simulator. What it would get wrong is refused here or rewritten on its way in."""

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
from farshot.simulators.prism_forecast import AMPLITUDE_SECONDS, BRIEF, SMALL, forecast
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

_UNTRUNCATED = 1 - 1e-9

_REFUSED = {
    Feature.UNICODE: "the text has characters outside ASCII",
    Feature.RICH: "the text uses OpenQASM 3 beyond gates, measurements and if",
    Feature.WIDE_CONDITION: "an if compares a register of more than 63 bits",
}
_DYNAMIC_VALUES = (
    "expectation values of a circuit with mid-circuit measurements, resets or if are not computed exactly; "
    "sample it instead"
)
_APPROXIMATE = "the result would be approximate; the target 'prism:mps' accepts that"
_DRAWN_METHODS = frozenset({None, "statevector"})
_ROTATIONS = frozenset({"rxx", "ryy", "rzz"})
_OF_ONE_QUBIT = frozenset(
    name for gates in (*LIBRARIES.values(), *BUILTINS.values()) for name, gate in gates.items() if gate.qubits == 1
)
_KINDS = {
    None: BackendKind.auto(),
    "statevector": BackendKind.statevector(),
    "stabilizer": BackendKind.stabilizer(),
    "mps": BackendKind.mps(BOND),
}


class PrismSimulator:
    """Runs circuits with prism-q."""

    name = "prism"
    methods = ("statevector", "stabilizer", "mps")

    def __init__(self) -> None:
        """Fix prism-q's caps on dense arrays, which it would take from the machine's memory."""
        cap = str(dense_qubits())
        for variable in ("PRISM_MAX_SV_QUBITS", "PRISM_MAX_PROB_QUBITS"):
            os.environ[variable] = cap
        self._templates = Templates()

    def refusal(self, task: Task) -> str | None:
        """Return why prism-q must not be given `task`, or None."""
        features = task.scan.features
        for feature, reason in _REFUSED.items():
            if feature in features:
                return reason
        if task.method == "stabilizer" and Feature.CLIFFORD not in features:
            return "the stabilizer method runs Clifford gates only; the circuit has others"
        return _dynamic_refusal(task) if Feature.DYNAMIC in features else None

    @translating
    def check(self, task: Task) -> None:
        """Parse `task`."""
        parse_qasm(_sampled_text(task))

    def forecast(self, task: Task) -> Forecast:
        """Return how `simulate` will run `task`, as far as that is known. Most circuits are small, and over at once."""
        if task.method is None and task.scan.qubits <= SMALL and task.scan.tail is not None:
            return BRIEF
        return forecast(task, _method(task))

    @translating
    def simulate(self, task: Task) -> Run:
        """Run `task`."""
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


def _dynamic_refusal(task: Task) -> str | None:
    if task.terms is not None:
        return _DYNAMIC_VALUES
    if (task.method == "mps" or _is_wide(task)) and _has_rotations(task):
        return "rxx, ryy and rzz in a circuit with mid-circuit measurements, resets or if need a state vector"
    return None


def _is_wide(task: Task) -> bool:
    return task.scan.qubits > dense_qubits()


def _has_rotations(task: Task) -> bool:
    return not _ROTATIONS.isdisjoint(task.scan.library_gates)


def _outcome(unmeasured: Ready, task: Task, shots: int) -> RunOutcome:
    """Run the circuit, with a plan only where what that rounds differently changes no counts."""
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
    """Sample with prism-q's own means."""
    check_room(shots, _shot_size(task.scan, shots))
    check_time(shots, lambda: _shot_seconds(task, shots))
    result = _simulation(parse_qasm(_sampled_text(task)), task).seed(task.seed).sample_counts(shots)
    return _run(_packed(result.counts(), task.scan.bits), result.metadata, task)


def _shot_size(scan: Scan, shots: int) -> float:
    """Return the bytes that prism-q was seen to take for a shot: of a dynamic one it keeps what it went through."""
    return 170 if scan.tail is None else 16 + (200 + 4 * scan.bits) * distinct_share(scan, shots)


def _shot_seconds(task: Task, shots: int) -> float:
    """Return what a shot of a dynamic circuit takes on a state vector, which is run once for each way that is taken."""
    scan, method = task.scan, _method(task)
    if scan.tail is not None or task.method is not None or method == "stabilizer" or _is_wide(task):
        return 0.0
    passes = path_share(scan, shots) if method == "statevector" else 1.0
    return passes * AMPLITUDE_SECONDS * len(operations_of(scan)) * 2.0**scan.qubits


def _evaluate(unmeasured: Simulation, task: Task) -> Run:
    """Compute the expectation values of the task's terms; an identity is 1 without asking."""
    factors, identities = _factors(task.terms or ())
    result = unmeasured.expectation_values_reported(factors)
    values = result.values.tolist()
    for place in identities:
        values.insert(place, 1.0)
    return _run(Values(tuple(values)), result.metadata, task)


def _sampled_text(task: Task) -> str:
    scan = task.scan
    if scan.qubits >= BLOCK_QUBITS and (scan.tail is None or _overwrites(scan)):
        return joined(scan)
    return with_prelude(scan)


def _overwrites(scan: Scan) -> bool:
    """Whether several measurements write one bit."""
    return len({bit for _, bit in scan.measured}) < len(scan.measured)


def _simulation(circuit: Circuit, task: Task) -> Simulation:
    return simulate(circuit).backend(_KINDS[_method(task)])


def _method(task: Task) -> str | None:
    """Return the method to ask for: of its own accord prism-q takes some on which Pauli rotations panic, and a state
    vector for every shot of a dynamic circuit, be it Clifford.
    """
    if task.method is not None:
        return task.method
    if task.shots is not None and task.scan.qubits >= BLOCK_QUBITS and _is_stabilized(task.scan):
        return "stabilizer"
    if _is_wide(task):
        return "mps" if _has_rotations(task) else None
    return "statevector" if task.shots is not None and _branches(task.scan) else None


def _branches(scan: Scan) -> bool:
    """Whether a state vector that branches where it is measured is the best for a circuit. Prism-q has one, which it
    takes where it is asked for; of its own accord it may begin anew with every shot, above all where the gates are
    Clifford: up to 700 times as long, it was seen to take. What is never entangled needs no state vector.
    """
    return scan.tail is None and _entangles(scan)


def _entangles(scan: Scan) -> bool:
    """Whether a circuit has a gate of several qubits, also by controls or of those that need no include."""
    if scan.program is not None:
        return any(map(_is_of_several, scan.program.operations))
    if scan.own_gates or not scan.library_gates <= _OF_ONE_QUBIT:
        return True
    return "CX" in scan.text or "ctrl" in scan.text


def _is_of_several(operation: Operation) -> bool:
    """Whether an operation acts on several qubits, maybe under a condition."""
    if isinstance(operation, Branch):
        return any(map(_is_of_several, (*operation.body, *operation.otherwise)))
    return isinstance(operation, Gate) and len(operation.qubits) > 1


def _is_stabilized(scan: Scan) -> bool:
    """Whether a circuit is dynamic and of gates that prism-q's stabilizer method takes: it takes no cy, for one."""
    if scan.own_gates or scan.tail is not None or Feature.CLIFFORD not in scan.features:
        return False
    return scan.library_gates <= STABILIZED


@lru_cache(maxsize=16)
def _factors(terms: tuple[str, ...]) -> tuple[list[Factors], list[int]]:
    """Return the factors of each term that has any, and the places of those that have none."""
    factors = [[(qubit, axis) for qubit, axis in enumerate(term) if axis != "I"] for term in terms]
    return [own for own in factors if own], [place for place, own in enumerate(factors) if not own]


def _packed(counts: dict[str, int], width: int) -> Counts:
    """Pack counts whose keys start with bit 0."""
    characters = np.frombuffer("".join(counts).encode("ascii"), np.uint8).reshape(len(counts), width)
    return pack_bits(width, characters & 1, np.fromiter(counts.values(), np.uint32, len(counts)))


def _run(outcome: Counts | Values, metadata: RunMetadata, task: Task) -> Run:
    if metadata.is_exact or _is_untruncated(metadata):
        return Run(outcome, _name(metadata.backend))
    if task.method == "mps":
        return Run(outcome, "mps", exact=False, fidelity=metadata.fidelity_lower_bound)
    raise CircuitError(FaultCode.UNSUPPORTED, _APPROXIMATE)


def _is_untruncated(metadata: RunMetadata) -> bool:
    """Whether matrix product states never lost a part: prism-q does not call them exact even then."""
    if metadata.bond is not None and metadata.bond.saturated:
        return False
    return (metadata.fidelity_lower_bound or 0.0) >= _UNTRUNCATED


@cache
def _name(backend: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", backend).lower()
