"""Every gate that OpenQASM's includes bring, on every simulator, against Qiskit's unitary: phases too."""

import cmath
import random

import numpy as np
import pytest
from qiskit import qasm2
from qiskit.circuit.library import IGate
from qiskit.quantum_info import Operator
from qiskit_qasm3_import import parse

from farshot.openqasm.library import BUILTINS, INCLUDES, LIBRARIES
from farshot.openqasm.scanner import scan
from farshot.protocols import Task
from farshot.simulators.router import Router, run_circuit

ROUTER = Router()
U0 = qasm2.CustomInstruction("u0", 1, 1, lambda _length: IGate(), builtin=True)
GATES2 = [*LIBRARIES[2].values(), *BUILTINS[2].values()]
GATES3 = [*LIBRARIES[3].values(), BUILTINS[3]["U"]]
MODIFIED3 = [(modifier, gate) for gate in GATES3 for modifier in ("", "inv @ ", "ctrl @ ")]


def use_of(gate, qubits, modifier=""):
    rng = random.Random(gate.name)
    angles = ",".join(f"{rng.uniform(-6, 6):.6f}" for _ in gate.parameters)
    operands = ",".join(f"q[{index}]" for index in range(qubits))
    return f"{modifier}{gate.name}{f'({angles})' if angles else ''} {operands};"


def unitary2(statement, qubits):
    text = f'include "qelib1.inc"; qreg q[{qubits}]; {statement}'
    instructions = [given for given in qasm2.LEGACY_CUSTOM_INSTRUCTIONS if given.name != "u0"]
    return Operator(qasm2.loads(text, include_path=(), custom_instructions=[*instructions, U0])).data


def unitary3(statement, qubits):
    return Operator(parse(f'OPENQASM 3.0; include "stdgates.inc"; qubit[{qubits}] q; {statement}')).data


def vector(axes, unitary, start):
    """Return the values of every Pauli string after `unitary`, for a product state with one angle a qubit."""
    state = np.array([1.0 + 0j])
    for angle in start:
        state = np.kron([np.cos(angle / 2), np.sin(angle / 2) * cmath.exp(0.7j * angle)], state)
    state = unitary @ state
    return [expectation(state, term) for term in axes]


PAULIS = {"I": np.eye(2), "X": [[0, 1], [1, 0]], "Y": [[0, -1j], [1j, 0]], "Z": np.diag([1, -1])}


def expectation(state, term):
    operator = np.eye(1)
    for letter in term:
        operator = np.kron(PAULIS[letter], operator)
    return float(np.vdot(state, operator @ state).real)


def terms_of(qubits):
    rng = random.Random(qubits)
    return tuple("".join(rng.choices("IXYZ", k=qubits)) for _ in range(40))


def check(target, version, statement, qubits, unitary):
    """Compare the state after `statement` on a state that has no symmetry."""
    start = [0.4 + 0.5 * index for index in range(qubits)]
    prepared = "".join(f"ry({angle}) q[{index}]; U(0,0,{0.7 * angle}) q[{index}];" for index, angle in enumerate(start))
    register = f"qreg q[{qubits}];" if version == 2 else f"qubit[{qubits}] q;"
    text = f'OPENQASM {version}.0; include "{INCLUDES[version]}"; {register} {prepared} {statement}'
    terms = terms_of(qubits)
    _, run = run_circuit(ROUTER, target, Task(scan(text), 1, terms=terms))
    assert run.outcome.values == pytest.approx(vector(terms, unitary, start), abs=1e-9)


@pytest.mark.parametrize("target", ["prism", "prism:mps", "aer", "aer:mps", "aer:density_matrix"])
@pytest.mark.parametrize("gate", GATES2, ids=lambda gate: gate.name)
def test_openqasm_2(target, gate):
    statement = use_of(gate, gate.qubits)
    check(target, 2, statement, gate.qubits, unitary2(statement, gate.qubits))


@pytest.mark.parametrize("target", ["prism", "aer"])
@pytest.mark.parametrize(("modifier", "gate"), MODIFIED3, ids=[modifier + gate.name for modifier, gate in MODIFIED3])
def test_openqasm_3(target, modifier, gate):
    qubits = gate.qubits + (modifier == "ctrl @ ")
    statement = use_of(gate, qubits, modifier)
    check(target, 3, statement, qubits, unitary3(statement, qubits))
