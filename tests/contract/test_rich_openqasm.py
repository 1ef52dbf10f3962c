"""OpenQASM beyond the plain form, on every simulator, against an exact reference of what it stands for.

The reference is given the same circuit in OpenQASM 2, and reads it through Qiskit.
"""

import math

import pytest
from qiskit import qasm2

from farshot.openqasm.scanner import scan
from farshot.packing import unpack
from farshot.protocols import Task
from farshot.simulators.router import Router, run_circuit
from farshot.testing.counts import check_counts
from reference import distribution, program_of

ROUTER = Router()
SHOTS = 2000
TARGETS = ["auto", "prism", "aer", "prism:mps", "aer:density_matrix", "aer:mps"]
HEAD3 = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'
HEAD2 = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'
FOUR3 = "qubit[4] q; bit[4] c; "
FOUR2 = "qreg q[4]; creg c[4]; "
BOTH = "c = measure q;", "measure q -> c;"

SPREAD = "ry(0.4) q[0]; ry(0.9) q[1]; ry(1.4) q[2]; ry(1.9) q[3]; "
"""A state without symmetry, so that an exchanged qubit shows."""


def four(rich, plain):
    """Return both texts of a circuit on four qubits that starts without symmetry and is measured in the end."""
    return f"{FOUR3}{SPREAD}{rich} {BOTH[0]}", f"{FOUR2}{SPREAD}{plain} {BOTH[1]}"


CASES = {
    "a slice that steps down to 0": four("x q[2:-1:0]; h q[3:-2:0];", "x q[2]; x q[1]; x q[0]; h q[3]; h q[1];"),
    "negative indices": four("h q[-1]; cx q[-1], q[-4];", "h q[3]; cx q[3],q[0];"),
    "a slice from a negative index": four("x q[-3:-1];", "x q[1]; x q[2]; x q[3];"),
    "a slice of a slice": four("x q[1:3][-2:-1:0];", "x q[2]; x q[1];"),
    "sets of indices": four("cx q[{3, 0}], q[{1, 2}];", "cx q[3],q[1]; cx q[0],q[2];"),
    "aliases": four("let a = q[2:3] ++ q[0]; h a[0]; cx a[0], a[2];", "h q[2]; cx q[2],q[0];"),
    "a loop over one statement": four(
        "for int i in [0:2] cx q[i], q[i + 1];", "cx q[0],q[1]; cx q[1],q[2]; cx q[2],q[3];"
    ),
    "a loop over a set": four(
        "for uint i in {3, 1} { h q[i]; rx(i) q[i]; }", "h q[3]; rx(3) q[3]; h q[1]; rx(1) q[1];"
    ),
    "a loop of no rounds": four("for int i in [3:0] x q[i]; h q[1];", "h q[1];"),
    "many controls": four("ctrl(3) @ x q[0], q[1], q[2], q[3];", "c3x q[0],q[1],q[2],q[3];"),
    "controls on 0": four("negctrl @ ctrl @ x q[0], q[1], q[3];", "x q[0]; ccx q[0],q[1],q[3]; x q[0];"),
    "several controls on 0": four(
        "negctrl(2) @ h q[0], q[1], q[3];",
        "x q[0]; x q[1]; s q[3]; h q[3]; t q[3]; ccx q[0],q[1],q[3]; tdg q[3]; h q[3]; sdg q[3]; x q[0]; x q[1];",
    ),
    "the inverse of a gate of the text's own": four(
        "gate g(a) x, y { rx(a) x; cx x, y; s y; } h q; inv @ g(0.3) q[0], q[2]; h q;",
        "h q; sdg q[2]; cx q[0],q[2]; rx(-0.3) q[0]; h q;",
    ),
    "a controlled gate of the text's own": four(
        "gate g(a) x { rz(a) x; h x; } h q; ctrl(1) @ g(0.7) q[3], q[1]; h q;",
        "h q; crz(0.7) q[3],q[1]; ch q[3],q[1]; h q;",
    ),
    "controlled phases of the whole": four("h q; ctrl(1) @ gphase(0.8) q[2]; h q;", "h q; u1(0.8) q[2]; h q;"),
    "powers": four(
        "pow(3) @ sx q[1]; pow(-2) @ rx(0.3) q[2]; ctrl(1) @ pow(0.5) @ x q[0], q[3];",
        "sx q[1]; sx q[1]; sx q[1]; rx(-0.6) q[2]; csx q[0],q[3];",
    ),
    "roots": four(
        "h q; let a = q[0]; pow(0.5) @ z a; pow(0.25) @ y q[1]; pow(0.5) @ h q[2]; h q;",
        "h q; s q[0]; sdg q[1]; h q[1]; u1(pi/4) q[1]; h q[1]; s q[1]; ry(-pi/4) q[2]; s q[2]; ry(pi/4) q[2]; h q;",
    ),
    "a constant inside a gate": four("const float w = 0.7; gate g a { rx(2 * w) a; } g q[1];", "rx(1.4) q[1];"),
    "an empty gate": four("gate none a, b { } none q[0], q[1]; x q[3];", "x q[3];"),
    "angles round": four("angle[3] w = 0.3 * pi; rx(w) q[1]; rx(w / 2) q[2];", "rx(pi/4) q[1];"),
    "angles wrap": four("h q; angle w = -pi / 2; crx(w) q[0], q[1]; h q;", "h q; crx(3*pi/2) q[0],q[1]; h q;"),
    "names that mean something elsewhere": four("const float tau = 0.3; rx(tau) q[0];", "rx(0.3) q[0];"),
    "letters outside ASCII": four("let ψ = q[1:2]; h ψ[0]; cx ψ[0], ψ[1];", "h q[1]; cx q[1],q[2];"),
    "a bit declared with its measurement": (
        "qubit[2] q; h q[0]; cx q[0], q[1]; bit[2] c = measure q;",
        "qreg q[2]; creg c[2]; h q[0]; cx q[0],q[1]; measure q -> c;",
    ),
    "annotations": four("@keep this\nx q[0];", "x q[0];"),
    "a comparison with bits in quotes": (
        f'{FOUR3}{SPREAD}c = measure q; bit d; if (c == "0110") {{ h q[0]; }} d = measure q[0];',
        f"{FOUR2}creg d[1]; {SPREAD}measure q -> c; if(c==6) h q[0]; measure q[0] -> d[0];",
    ),
    "a value that is never reached": (
        f"{FOUR3}{SPREAD}bit[2] d; d = measure q[0:1]; if (d == 4) x q[2]; {BOTH[0]}",
        f"{FOUR2}creg d[2]; {SPREAD}measure q[0] -> d[0]; measure q[1] -> d[1]; {BOTH[1]}",
    ),
    "a switch as Qiskit writes it": (
        (
            f"{FOUR3}bit[2] m; int v; {SPREAD}m[0] = measure q[0]; m[1] = measure q[3]; v = m; "
            f"switch (v) {{ case 0 {{ x q[1]; }} case 1, 2 {{ h q[2]; }} default {{ x q[3]; }} }} {BOTH[0]}"
        ),
        (
            f"{FOUR2}creg m[2]; {SPREAD}measure q[0] -> m[0]; measure q[3] -> m[1];"
            f"if(m==0) x q[1]; if(m==1) h q[2]; if(m==2) h q[2]; if(m==3) x q[3]; {BOTH[1]}"
        ),
    ),
    "negated conditions": (
        f"{FOUR3}bit[2] m; {SPREAD}m = measure q[{{3, 1}}]; if (~m[0]) x q[0]; if (m != 2) {{ h q[2]; }} {BOTH[0]}",
        (
            f"{FOUR2}creg m[2]; {SPREAD}measure q[3] -> m[0]; measure q[1] -> m[1]; if(m==0) x q[0]; if(m==2) x q[0];"
            f"if(m==0) h q[2]; if(m==1) h q[2]; if(m==3) h q[2]; {BOTH[1]}"
        ),
    ),
    "physical qubits": (
        "bit[2] c; ry(1.1) $7; cx $7, $29; c[0] = measure $29; c[1] = measure $3;",
        "qreg q[2]; creg c[2]; ry(1.1) q[0]; cx q[0],q[1]; measure q[1] -> c[0];",
    ),
}


def exact(plain):
    text = HEAD2 + plain
    circuit = qasm2.loads(text, include_path=(), custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS)
    return distribution(program_of(circuit))


def counts_of(source, target):
    _, run = run_circuit(ROUTER, target, Task(scan(source), 7, SHOTS))
    return unpack(run.outcome)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", CASES)
def test_counts(name, target):
    rich, plain = CASES[name]
    check_counts(counts_of(HEAD3 + rich, target), exact(plain), SHOTS)


@pytest.mark.parametrize("target", TARGETS)
def test_a_body_that_changes_what_its_condition_reads(target):
    body = "if (m[0]) { m[0] = measure q[1]; } else { x q[1]; }"
    source = f"{HEAD3}qubit[2] q; bit[2] m; bit c; x q[0]; m[0] = measure q[0]; {body} let a = q[-1]; c = measure a;"
    assert counts_of(source, target) == {"000": SHOTS}


@pytest.mark.parametrize("target", ["auto", "aer"])
def test_cases_that_change_what_is_switched_on(target):
    body = "switch (m) { case 1 { m = measure q[1:2]; } case 2 { x q[1]; } default { x q[2]; } }"
    source = f"{HEAD3}qubit[3] q; bit[2] m; bit[2] c; x q[0]; x q[2]; m = measure q[0:1]; {body} c = measure q[1:2];"
    assert counts_of(source, target) == {"1010": SHOTS}


@pytest.mark.parametrize("target", TARGETS)
def test_a_bit_that_both_a_used_and_an_untouched_qubit_write(target):
    source = f"{HEAD3}bit[2] c; ry(1.1) $9; c[0] = measure $9; if (c[0]) x $2; c[1] = measure $2; c[0] = measure $5;"
    check_counts(counts_of(source, target), exact("qreg q[1]; creg c[2]; ry(1.1) q[0]; measure q[0] -> c[1];"), SHOTS)


@pytest.mark.parametrize("target", TARGETS)
def test_terms_on_a_large_device(target):
    terms = ("I" * 30, "Z" * 30, "I" * 28 + "ZI", "I" * 28 + "XX", "X" + "I" * 29, "ZY", "Z", "I" * 28 + "XY")
    source = f"{HEAD3}rx(pi/3) $29; cx $29, $28;"
    _, run = run_circuit(ROUTER, target, Task(scan(source), 7, terms=terms))
    assert run.outcome.values == pytest.approx((1, 1, 0.5, 0, 0, 0, 1, -math.sin(math.pi / 3)), abs=1e-9)
