"""Wide Clifford circuits in many spellings, whose outcome is known: what is done is undone in other words."""

import random

import pytest

from farshot.openqasm.scanner import scan
from farshot.packing import unpack
from farshot.protocols import Task
from farshot.simulators.router import Router, run_circuit

ROUTER = Router()
TARGETS = ["auto", "prism", "aer", "prism:stabilizer", "aer:stabilizer"]
HEAD = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'
QUBITS = 45

ALONE = [
    ("h", "u2(0,pi)"),
    ("s", "rz(-pi/2)"),
    ("sx", "rx(-pi/2)"),
    ("u1(pi/2)", "sdg"),
    ("ry(pi/2)", "ry(-pi/2)"),
    ("u3(pi/2,pi/2,pi)", "u3(-pi/2,-pi,-pi/2)"),
    ("rz(3*pi/2)", "s"),
    ("rz(0)", "id"),
    ("x", "u3(pi,0,pi)"),
    ("p(pi)", "z"),
    ("u(0,0,pi/2)", "u1(-pi/2)"),
]
PAIRS = [
    ("cx", "cx"),
    ("cy", "cu3(pi,pi/2,pi/2)"),
    ("cz", "cp(pi)"),
    ("crz(pi)", "crz(-pi)"),
    ("rzz(pi/2)", "rzz(-pi/2)"),
    ("rxx(pi/2)", "rxx(-pi/2)"),
    ("cu1(-pi)", "cz"),
    ("swap", "swap"),
    ("cu(pi,0,pi,pi/2)", "cu(-pi,-pi,0,-pi/2)"),
    ("crx(pi)", "crx(-pi)"),
]


def mirrored(seed, layers=4):
    """Return gates that do nothing together, and where they end the first and the second half."""
    rng = random.Random(seed)
    there, back = [], []
    for _ in range(layers):
        for qubit in range(QUBITS):
            one, other = rng.choice(ALONE)
            there.append(f"{one} q[{qubit}];")
            back.append(f"{other} q[{qubit}];")
        order = rng.sample(range(QUBITS), QUBITS)
        for first, second in zip(order[::2], order[1::2], strict=False):
            one, other = rng.choice(PAIRS)
            there.append(f"{one} q[{first}],q[{second}];")
            back.append(f"{other} q[{first}],q[{second}];")
    return "".join(there) + "".join(reversed(back))


def circuit(body, bits=QUBITS):
    return f"{HEAD}qreg q[{QUBITS}]; creg c[{bits}]; {body}"


def run(target, source, **options):
    return run_circuit(ROUTER, target, Task(scan(source), 1, **options))[1]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("seed", range(3))
def test_counts(target, seed):
    source = circuit(f"x q[0]; x q[7]; {mirrored(seed)} measure q -> c;")
    found = run(target, source, shots=100)
    assert unpack(found.outcome) == {"0" * (QUBITS - 8) + "10000001": 100}
    assert "stabilizer" in found.method


@pytest.mark.parametrize("target", TARGETS)
def test_values(target):
    source = circuit(f"h q[0]; cx q[0],q[44]; x q[7]; {mirrored(9)}")
    terms = ("X" + "I" * 43 + "X", "Z" + "I" * 43 + "Z", "I" * 7 + "Z", "Z")
    assert run(target, source, terms=terms).outcome.values == pytest.approx((1, 1, -1, 0), abs=1e-9)


@pytest.mark.parametrize("target", TARGETS)
def test_with_measurements_on_the_way(target):
    dynamic = "measure q[3] -> c[0]; if(c==1) cy q[3],q[4]; reset q[3];"
    source = circuit(f"x q[3]; {mirrored(1)} {dynamic} {mirrored(2)} measure q[4] -> c[1];", bits=2)
    assert unpack(run(target, source, shots=50).outcome) == {"11": 50}


@pytest.mark.parametrize("target", ["prism:stabilizer", "aer:stabilizer"])
def test_narrow_circuits_where_a_stabilizer_method_is_asked_for(target):
    source = f"{HEAD}qreg q[2]; creg c[2]; u2(0,pi) q[0]; h q[0]; cu3(pi,0,pi) q[0],q[1]; rx(pi) q[1]; measure q -> c;"
    assert unpack(run(target, source, shots=50).outcome) == {"10": 50}


@pytest.mark.parametrize("target", ["auto", "prism", "aer", "prism:statevector", "aer:density_matrix", "aer:mps"])
def test_a_wide_register_of_which_few_qubits_are_used(target):
    source = f"{HEAD}qreg q[500]; creg c[4]; rx(pi) q[400]; cx q[400],q[3]; t q[7]; "
    measured = "measure q[400] -> c[0]; measure q[3] -> c[1]; measure q[9] -> c[2]; measure q[7] -> c[3];"
    assert unpack(run(target, source + measured, shots=50).outcome) == {"0011": 50}
    terms = ("I" * 400 + "Z", "IIIZ" + "I" * 496, "Z" * 500, "IX", "IIIIIIIII" + "Y", "")
    values = run(target, source, terms=terms[:-1]).outcome.values
    assert values == pytest.approx((-1, -1, 1, 0, 0), abs=1e-9)
