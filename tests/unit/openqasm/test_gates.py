"""Plain gates against unitaries that are written down apart: Qiskit's, and the exact reference's."""

import itertools
import math
import random

import numpy as np
import pytest
from qiskit.exceptions import QiskitError
from qiskit.quantum_info import Clifford, Operator

from farshot.openqasm.library import BUILTINS, LIBRARIES
from farshot.openqasm.lowering import lower
from farshot.operations.clifford import as_clifford
from farshot.operations.operations import Gate
from farshot.simulators.aer_circuit import circuit_of
from reference.gates import anticontrolled, controlled, library_matrix

GATES = {**LIBRARIES[2], **LIBRARIES[3], "U": BUILTINS[3]["U"]}
HEADS = {2: 'OPENQASM 2.0; include "qelib1.inc"; qreg q[8]; ', 3: 'OPENQASM 3.0; include "stdgates.inc"; qubit[8] q; '}


def version_of(name):
    return 2 if name in LIBRARIES[2] else 3


def program_of(use, version, qubits):
    return lower(HEADS[version].replace("[8]", f"[{qubits}]") + use)


def use_of(name, angles, first=0):
    written = f"({','.join(map(repr, angles))})" if angles else ""
    return f"{name}{written} {','.join(f'q[{first + place}]' for place in range(GATES[name].qubits))};"


def unitary(program):
    """Return what the circuit does, with the first qubit as the most significant."""
    return Operator(circuit_of(program).reverse_bits()).data


def same(one, other):
    """Whether two unitaries differ by a phase alone."""
    return abs(abs(np.vdot(one, other)) - len(one)) < 1e-9


def drawn(name):
    rng = random.Random(name)
    return tuple(rng.uniform(-6, 6) for _ in GATES[name].parameters)


@pytest.mark.parametrize("name", GATES)
def test_every_gate_of_the_libraries(name):
    angles = drawn(name)
    found = unitary(program_of(use_of(name, angles), version_of(name), GATES[name].qubits))
    assert same(found, library_matrix(name, angles))


@pytest.mark.parametrize("controls", [1, 2, 3])
@pytest.mark.parametrize("name", [name for name in LIBRARIES[3] if LIBRARIES[3][name].qubits < 3] + ["U"])
def test_controls(name, controls):
    angles = drawn(name)
    qubits = GATES[name].qubits + controls
    operands = ",".join(f"q[{place}]" for place in range(qubits))
    written = f"({','.join(map(repr, angles))})" if angles else ""
    found = unitary(program_of(f"ctrl({controls}) @ {name}{written} {operands};", 3, qubits))
    assert same(found, controlled(library_matrix(name, angles), controls))
    operands = f"q[{qubits}],{operands}"
    found = unitary(program_of(f"negctrl @ ctrl({controls}) @ inv @ {name}{written} {operands};", 3, qubits + 1))
    inner = controlled(library_matrix(name, angles).conj().T, controls)
    order = [qubits, *range(qubits)]
    assert same(found, moved(anticontrolled(inner), order))


def moved(matrix, order):
    """Return the unitary that acts on the qubits `order` as `matrix` does on 0, 1, and so on."""
    size = len(order)
    places = [order.index(qubit) for qubit in range(size)]
    tensor = matrix.reshape([2] * 2 * size)
    return tensor.transpose([*places, *(size + place for place in places)]).reshape(matrix.shape)


@pytest.mark.parametrize("name", [name for name in LIBRARIES[3] if LIBRARIES[3][name].qubits < 3])
@pytest.mark.parametrize("exponent", [0, 1, 2, -1, -3, 7])
def test_whole_powers(name, exponent):
    angles = drawn(name)
    found = unitary(program_of(f"pow({exponent}) @ {use_of(name, angles)}", 3, GATES[name].qubits))
    assert same(found, np.linalg.matrix_power(library_matrix(name, angles), exponent))


@pytest.mark.parametrize(
    "name",
    ["x", "y", "z", "h", "s", "sdg", "t", "tdg", "sx", "cx", "cz", "swap", "ccx", "p", "rx", "ry", "rz", "crz", "cp"],
)
@pytest.mark.parametrize("exponent", [0.5, -0.25, 1.3])
def test_principal_roots(name, exponent):
    angles = tuple(angle / 3 for angle in drawn(name))
    use = f"ctrl @ pow({exponent}) @ {use_of(name, angles, 1)}".replace(" q[1]", " q[0],q[1]")
    values, vectors = np.linalg.eig(library_matrix(name, angles))
    turns = np.angle(values)
    turns[turns < -math.pi + 1e-9] = math.pi
    root = vectors @ np.diag(np.exp(1j * turns * exponent)) @ np.linalg.inv(vectors)
    assert same(unitary(program_of(use, 3, GATES[name].qubits + 1)), controlled(root))


QUARTERS = [quarter * math.pi / 2 for quarter in range(-4, 9)]


def quarter_turns(name):
    """Yield angles in quarter turns, in eighths too, and of many some."""
    eighths = [*QUARTERS, math.pi / 4, -3 * math.pi / 4]
    every = list(itertools.product(eighths, repeat=len(GATES[name].parameters)))
    return every if len(every) < 30 else random.Random(name).sample(every, 30)


def is_clifford(program):
    try:
        Clifford.from_operator(Operator(circuit_of(program)))
    except QiskitError:
        return False
    return True


@pytest.mark.parametrize("name", GATES)
def test_clifford_is_what_the_unitaries_are(name):
    for angles in quarter_turns(name):
        program = program_of(use_of(name, angles), version_of(name), GATES[name].qubits)
        plain = as_clifford(program)
        alone = all(isinstance(one, Gate) for one in program.operations) and len(program.operations) == 1
        if plain is not None:
            assert same(unitary(plain), unitary(program)), angles
        elif alone:
            assert not is_clifford(program), angles


@pytest.mark.parametrize("error", [1e-8, 1e-6, 1e-3])
def test_what_is_nearly_clifford_is_not(error):
    assert as_clifford(program_of(f"rz({math.pi / 2 + error}) q[0];", 3, 1)) is None
    assert as_clifford(program_of(f"ctrl @ rx({math.pi * 2 + error}) q[0],q[1];", 3, 2)) is None
