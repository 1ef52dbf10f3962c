"""Running circuits on Qiskit Aer. This module loads Qiskit, so it is imported when the first circuit needs it."""

from __future__ import annotations

import logging
from functools import cache
from typing import TYPE_CHECKING, Any

from qiskit import transpile
from qiskit.circuit import ControlFlowOp
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.quantum_info import Pauli
from qiskit_aer import AerError, AerSimulator
from qiskit_aer.library import SaveExpectationValue

from farshot.errors import CircuitError, FaultCode
from farshot.model import Values
from farshot.packing import pack_mapping
from farshot.protocols import Run
from farshot.simulators.aer_source import load, load_plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from qiskit import QuantumCircuit

    from farshot.model import Counts
    from farshot.openqasm.facts import Scan
    from farshot.protocols import Task


_log = logging.getLogger(__name__)

_AER_NAMES = {"mps": "matrix_product_state"}
_CONTROL_FLOW = ("for_loop", "if_else", "switch_case", "while_loop")
_DIRECTIVES = frozenset({"barrier", "break_loop", "continue_loop"})
_NOT_AVERAGED = (
    "expectation values of a circuit with mid-circuit measurements or conditions are not computed exactly: "
    "sample it instead"
)


class AerEngine:
    """The Aer back end. It runs one circuit at a time, so that no outcome depends on the place in a batch."""

    def __init__(self) -> None:
        self._simulator = AerSimulator()

    def check(self, task: Task) -> None:
        """Parse the circuit of `task`."""
        load(task.scan)

    def sample(self, task: Task, method: str) -> Run:
        """Draw the shots of `task`."""
        circuit = _circuit(task.scan, None, method)
        data = self._run(circuit, method, task, shots=task.shots)
        return Run(_packed(data["counts"], circuit.num_clbits), method)

    def evaluate(self, task: Task, method: str) -> Run:
        """Compute the expectation values of `task`."""
        circuit = _unmeasured(task, method)
        terms = task.terms or ()
        for place, term in enumerate(terms):
            letters, qubits = _factors(term)
            if qubits:
                circuit.append(SaveExpectationValue(Pauli(letters), str(place)), qubits)
        data = self._run(circuit, method, task, shots=1)
        return Run(Values(tuple(float(data.get(str(place), 1.0)) for place in range(len(terms)))), method)

    def _run(self, circuit: QuantumCircuit, method: str, task: Task, *, shots: int | None) -> Mapping[str, Any]:
        options = {
            "method": _AER_NAMES.get(method, method),
            "shots": shots,
            "seed_simulator": task.seed,
            "max_parallel_threads": 1,
            "enable_truncation": False,  # it drops qubits that a later condition or an observable needs
        }
        try:
            result = self._simulator.run(circuit, **options).result()
        except AerError as error:
            raise _fault(error.message, method) from error
        if not result.success:
            raise _fault(result.results[0].status if result.results else result.status, method)
        data: Mapping[str, Any] = result.data(0)
        return data


def _unmeasured(task: Task, method: str) -> QuantumCircuit:
    """Return the circuit without its final measurements; raises `CircuitError` if it has others or conditions."""
    if task.scan.measures_from is not None:
        return _circuit(task.scan, task.scan.measures_from, method)
    circuit = _without_final_measurements(_circuit(task.scan, None, method))
    if not _operation_names(circuit).isdisjoint({"measure", *_CONTROL_FLOW}):
        raise CircuitError(FaultCode.UNSUPPORTED, _NOT_AVERAGED)
    return circuit


def _without_final_measurements(circuit: QuantumCircuit) -> QuantumCircuit:
    """Return `circuit` without the measurements after which only measurements follow on their qubit and no condition
    reads their bit.
    """
    kept: list[Any] = []
    used: set[Any] = set()
    read: set[Any] = set()
    for item in reversed(circuit.data):
        if item.operation.name == "measure" and not (used.intersection(item.qubits) or read.intersection(item.clbits)):
            continue
        kept.append(item)
        if item.operation.name != "barrier":
            used.update(item.qubits)
        if isinstance(item.operation, ControlFlowOp):  # its conditions may read any of its bits
            read.update(item.clbits)
    remaining = circuit.copy_empty_like()
    for item in reversed(kept):
        remaining.append(item)
    return remaining


def _factors(term: str) -> tuple[str, list[int]]:
    """Return the letters other than I, last qubit first as Qiskit writes them, and their qubits.

    >>> _factors("XIZ")
    ('ZX', [0, 2])
    """
    qubits = [qubit for qubit, letter in enumerate(term) if letter != "I"]
    return "".join(term[qubit] for qubit in reversed(qubits)), qubits


def _circuit(scan: Scan, end: int | None, method: str) -> QuantumCircuit:
    """Return the circuit of the text up to `end`, with the gates that the method lacks decomposed.

    Plain operations are tried first: Qiskit decomposes more than it has to, such as an x under many controls.
    """
    circuit = load(scan, end)
    if scan.version == 2 and not _runs(circuit, method):
        circuit = load_plain(scan, end)
    return circuit if _runs(circuit, method) else transpile(circuit, basis_gates=_basis(method), optimization_level=0)


def _runs(circuit: QuantumCircuit, method: str) -> bool:
    return _operation_names(circuit) <= _native(method)


@cache
def _native(method: str) -> frozenset[str]:
    """Return the names of the operations that the method runs."""
    gates = AerSimulator(method=_AER_NAMES.get(method, method)).configuration().basis_gates
    return frozenset(gates) | _DIRECTIVES | {"measure"}


@cache
def _basis(method: str) -> list[str]:
    """Return the names of those of them into which Qiskit can decompose other gates."""
    return sorted(_native(method).intersection([*get_standard_gate_name_mapping(), *_CONTROL_FLOW]) - _DIRECTIVES)


def _operation_names(circuit: QuantumCircuit) -> set[str]:
    """Return the names of all operations, including those in the bodies of control flow."""
    return {name for item in circuit.data for name in _names_within(item.operation)}


def _names_within(operation: Any) -> Iterator[str]:  # noqa: ANN401 -- Qiskit ships no types
    yield operation.name
    if isinstance(operation, ControlFlowOp):
        for block in operation.blocks:
            yield from _operation_names(block)


def _packed(counts: Mapping[str, int], width: int) -> Counts:
    """Pack counts whose keys are hexadecimal, classical bit 0 lowest."""
    return pack_mapping(width, {f"{int(key, 16):0{width}b}": tally for key, tally in counts.items()})


def _fault(status: str, method: str) -> CircuitError:
    """Return Aer's `status` as a fault, and log its text."""
    _log.warning("Aer: %s", status)
    if "memory" in status.lower():
        return CircuitError(FaultCode.MEMORY, f"the {method} method needs more memory than the worker has")
    message = f"the simulator does not run this circuit with the {method} method: choose another target"
    return CircuitError(FaultCode.UNSUPPORTED, message)
