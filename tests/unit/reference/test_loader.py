import pytest
from qiskit import qasm2

from reference import distribution, program_of

HEAD = 'OPENQASM 2.0; include "qelib1.inc"; '


def load(text):
    return program_of(qasm2.loads(HEAD + text, include_path=(), custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS))


def test_registers_are_joined_in_order_of_declaration():
    circuit = load("creg a[2]; qreg r[1]; creg b[1]; qreg q[2]; x q[1]; measure q[1] -> b[0];")
    assert distribution(circuit) == {"100": 1.0}


def test_defined_gates_are_replaced_by_their_bodies():
    circuit = load("gate twice(a) s { ry(a) s; ry(a) s; } qreg q[1]; creg c[1]; twice(pi/3) q[0]; measure q -> c;")
    assert distribution(circuit) == pytest.approx({"0": 0.25, "1": 0.75})


def test_conditions_and_resets():
    circuit = load(
        "qreg q[2]; creg c[2]; x q[0]; measure q[0] -> c[1]; barrier q; if (c == 2) x q[1]; reset q[0];"
        "measure q[0] -> c[1]; measure q[1] -> c[0];"
    )
    assert distribution(circuit) == {"01": 1.0}
