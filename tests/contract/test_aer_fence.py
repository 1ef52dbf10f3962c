"""What Aer and Qiskit's importers alone get wrong, or refuse, and Farshot gets right on the target `aer`."""

import pytest
from qiskit import QuantumCircuit, qasm2
from qiskit.quantum_info import Pauli
from qiskit_aer import AerSimulator
from qiskit_aer.library import SaveExpectationValue
from qiskit_qasm3_import import ConversionError, parse

from farshot.openqasm.scanner import scan
from farshot.packing import unpack
from farshot.protocols import Task
from farshot.simulators.aer_engine import _circuit
from farshot.simulators.router import Router, run_circuit

ROUTER = Router()
SHOTS = 100
HEAD = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'
HEAD3 = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'


def loads(source):
    return qasm2.loads(source, include_path=(), custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS)


def alone(circuit, **options):
    return AerSimulator(method="statevector").run(circuit, shots=SHOTS, **options).result()


def fenced(source, target="aer"):
    return unpack(run_circuit(ROUTER, target, Task(scan(source), 1, SHOTS))[1].outcome)


def test_values_of_several_observables_where_qubits_are_idle():
    circuit = QuantumCircuit(3)
    circuit.x(2)
    for qubit in (0, 2):
        circuit.append(SaveExpectationValue(Pauli("Z"), str(qubit)), [qubit])
    assert alone(circuit).data(0) == {"0": -1.0, "2": -1.0}
    source = f"{HEAD}qreg q[3]; x q[2];"
    _, run = run_circuit(ROUTER, "aer:statevector", Task(scan(source), 1, terms=("Z", "IIZ")))
    assert run.outcome.values == (1.0, -1.0)


@pytest.mark.parametrize("target", ["aer", "prism", "auto"])
def test_a_gate_of_the_circuits_own_with_the_name_of_one_of_aers(target):
    source = f"{HEAD}gate ecr a, b {{ x b; }} qreg q[2]; creg c[2]; ecr q[0], q[1]; measure q -> c;"
    assert alone(loads(source)).get_counts() != {"10": SHOTS}
    assert fenced(source, target) == {"10": SHOTS}


def test_gates_that_aer_lacks():
    source = f"{HEAD}qreg q[3]; creg c[3]; x q[0]; x q[1]; rccx q[0], q[1], q[2]; measure q -> c;"
    with pytest.raises(Exception, match="unknown instruction: rccx"):
        alone(loads(source))
    assert fenced(source) == {"111": SHOTS}


def test_a_length_that_is_not_whole():
    source = f"{HEAD}qreg q[1]; creg c[1]; u0(0.5) q[0]; x q[0]; measure q -> c;"
    with pytest.raises(Exception, match="must be an integer"):
        loads(source)
    assert fenced(source) == {"1": SHOTS}


def test_a_gate_of_later_libraries_that_the_circuit_brings_itself():
    source = f"{HEAD}gate rzz(t) a, b {{ x a; }} qreg q[2]; creg c[2]; rzz(1) q[0], q[1]; measure q -> c;"
    assert alone(loads(source)).get_counts() == {"00": SHOTS}
    assert fenced(source) == {"01": SHOTS}


@pytest.mark.parametrize("angle", ["2 * arcsin(1)", "pi ** 1"])
def test_formulas_of_openqasm_3(angle):
    source = f"{HEAD3}qubit q; bit c; rx({angle}) q; c = measure q;"
    with pytest.raises(ConversionError):
        parse(source)
    assert fenced(source) == {"1": SHOTS}


@pytest.mark.parametrize("controls", [3, 4])
def test_gates_under_many_controls_stay_whole_beside_ones_that_aer_lacks(controls):
    operands = ",".join(f"q[{place}]" for place in range(controls + 1))
    source = f"{HEAD}qreg q[5]; creg c[5]; x q[0]; c{controls}x {operands}; rccx q[0], q[1], q[2]; measure q -> c;"
    names = set(_circuit(scan(source), None, "statevector").count_ops())
    assert "mcx" in names
    assert len(names) < 8
    assert fenced(source) == {"00001": SHOTS}


def test_a_slice_that_steps_down_to_the_start():
    source = f"{HEAD3}qubit[3] q; bit[3] c; x q[2:-1:0]; c = measure q;"
    assert "x" not in parse(source).count_ops()
    assert fenced(source) == {"111": SHOTS}
