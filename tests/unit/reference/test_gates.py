import math

import numpy as np
import pytest
from qiskit import QuantumCircuit, qasm2
from qiskit.quantum_info import Operator

from reference.gates import FIXED, TURNED, anticontrolled, controlled, library_matrix

ANGLES = (0.3, 0.7, -1.1, 0.4)
COUNTS = {"u2": 2, "u3": 3, "u": 3, "U": 3, "cu3": 3, "cu": 4}
NOT_IN_QELIB1 = {
    "ryy": lambda circuit, turn: circuit.ryy(turn, 0, 1),
    "CX": lambda circuit: circuit.cx(0, 1),
    "U": lambda circuit, *angles: circuit.u(*angles, 0),
    "phase": lambda circuit, turn: circuit.p(turn, 0),
    "cphase": lambda circuit, turn: circuit.cp(turn, 0, 1),
    "u0": lambda circuit, _length: circuit.id(0),
}


def qiskit_circuit(name, angles, width):
    if name in NOT_IN_QELIB1:
        circuit = QuantumCircuit(width)
        NOT_IN_QELIB1[name](circuit, *angles)
        return circuit
    call = f"({','.join(map(str, angles))})" if angles else ""
    operands = ",".join(f"q[{index}]" for index in range(width))
    source = f'OPENQASM 2.0; include "qelib1.inc"; qreg q[{width}]; {name}{call} {operands};'
    return qasm2.loads(source, include_path=(), custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS)


@pytest.mark.parametrize("name", [*FIXED, *TURNED])
def test_a_gate_is_the_operator_that_qiskit_says(name):
    angles = ANGLES[: 0 if name in FIXED else COUNTS.get(name, 1)]
    matrix = library_matrix(name, angles)
    width = int(math.log2(len(matrix)))
    operator = Operator(qiskit_circuit(name, angles, width)).reverse_qargs()
    np.testing.assert_allclose(matrix, operator.data, atol=1e-12)


@pytest.mark.parametrize("name", [*FIXED, *TURNED])
def test_a_gate_is_unitary(name):
    matrix = library_matrix(name, ANGLES[: 0 if name in FIXED else COUNTS.get(name, 1)])
    np.testing.assert_allclose(matrix @ matrix.conj().T, np.eye(len(matrix)), atol=1e-14)


def test_the_first_qubit_is_the_most_significant():
    np.testing.assert_array_equal(FIXED["cx"], [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]])


def test_two_controls_are_one_twice():
    np.testing.assert_array_equal(controlled(controlled(FIXED["x"])), FIXED["ccx"])


def test_a_control_on_zero_acts_where_the_first_qubit_is_zero():
    np.testing.assert_array_equal(anticontrolled(FIXED["x"]), [[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
