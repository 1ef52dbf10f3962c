"""What prism-q alone gets wrong, or refuses, and Farshot gets right.

Each test shows that a part of the fence around the pinned version is still needed. Where a test fails
because prism-q alone has become right, that part can go.
"""

import prism_q
import pytest

from farshot.errors import CircuitError
from farshot.openqasm.scanner import scan
from farshot.packing import unpack
from farshot.protocols import Task
from farshot.simulators.prism import PrismSimulator
from farshot.simulators.router import Router, run_circuit
from farshot.testing.counts import MismatchError, check_counts

ROUTER = Router()
SHOTS = 400
HEAD = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'
HEAD3 = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'


def alone(source, kind=None):
    """Return prism-q's counts, bit 0 rightmost."""
    simulation = prism_q.simulate(prism_q.parse_qasm(source)).seed(1)
    result = (simulation.backend(kind) if kind else simulation).sample_counts(SHOTS)
    return {key[::-1]: count for key, count in result.counts().items()}


def fenced(source, target="auto"):
    name, run = run_circuit(ROUTER, target, Task(scan(source), 1, SHOTS))
    return name, unpack(run.outcome)


IF_TOP_BIT = f"if(c=={2**63}) x q[1];"
WRONG = {
    "the last write of a bit, from another block": (
        "qreg q[8]; creg c[2]; x q[0]; measure q[7] -> c[0]; measure q[0] -> c[0]; h q[7]; measure q[7] -> c[1];",
        {"01": 0.5, "11": 0.5},
    ),
    "the last write of a bit, all measurements at the end, more than 64 qubits": (
        "qreg q[70]; creg c[1]; ry(pi) q[0]; cx q[0], q[1]; cx q[8], q[9]; measure q[9] -> c[0]; measure q[0] -> c[0];",
        {"1": 1.0},
    ),
    "a condition on a register with an unmeasured bit": (
        "qreg q[9]; creg c[2]; creg d[1]; x q[8]; measure q[8] -> c[1]; if(c==2) ry(pi) q[7]; measure q[7] -> d[0];",
        {"110": 1.0},
    ),
    "a condition on 64 bits": (
        f"qreg q[2]; creg c[64]; creg d[1]; x q[0]; measure q[0] -> c[63]; {IF_TOP_BIT} measure q[1] -> d[0];",
        {"11" + "0" * 63: 1.0},
    ),
    "a condition on 65 bits": (
        "qreg q[2]; creg c[65]; creg d[1]; x q[0]; measure q[0] -> c[64]; if(c==1) x q[1]; measure q[1] -> d[0];",
        {"01" + "0" * 64: 1.0},
    ),
    "a gate of the circuit's own with the name of one of prism-q's": (
        "gate mcx a, b { x a; } gate twice a, b { mcx a, b; } qreg q[2]; creg c[2]; twice q[0], q[1]; measure q -> c;",
        {"01": 1.0},
    ),
}


@pytest.mark.parametrize(("body", "right"), WRONG.values(), ids=WRONG)
def test_wrong_counts(body, right):
    with pytest.raises(MismatchError):
        check_counts(alone(HEAD + body), right, SHOTS)
    check_counts(fenced(HEAD + body)[1], right, SHOTS)


@pytest.mark.parametrize("kind", [prism_q.BackendKind.statevector(), prism_q.BackendKind.mps(16)])
def test_asking_prism_for_a_method_does_not_help(kind):
    body, right = WRONG["the last write of a bit, from another block"]
    with pytest.raises(MismatchError):
        check_counts(alone(HEAD + body, kind), right, SHOTS)


@pytest.mark.parametrize("target", ["prism", "prism:statevector", "prism:mps", "aer"])
def test_ties_help_with_every_method(target):
    for body, right in (WRONG[name] for name in WRONG if "from another block" in name or "unmeasured" in name):
        check_counts(fenced(HEAD + body, target)[1], right, SHOTS)


def test_a_panic_between_blocks(capfd):
    source = f"{HEAD}qreg q[9]; creg c[2]; measure q[8] -> c[1]; if(c==1) ry(.1) q[7];"
    with pytest.raises(BaseException, match="index out of bounds"):
        alone(source)
    assert "panicked" in capfd.readouterr().err
    assert fenced(source) == ("prism", {"00": SHOTS})


def test_a_panic_of_a_rotation_outside_a_state_vector(capfd):
    source = f"{HEAD}qreg q[8]; creg c[1]; h q[0]; measure q[0] -> c[0]; if(c==1) rxx(.3) q[1], q[2];"
    with pytest.raises(BaseException, match="matrix_2x2"):
        alone(source, prism_q.BackendKind.mps(16))
    assert "panicked" in capfd.readouterr().err
    with pytest.raises(CircuitError, match="need a state vector"):
        fenced(source, "prism:mps")
    check_counts(fenced(source)[1], {"0": 0.5, "1": 0.5}, SHOTS)


def test_probabilities_of_a_measured_circuit_are_those_of_one_outcome():
    source = f"{HEAD}qreg q[1]; creg c[1]; h q[0]; measure q -> c;"
    assert sorted(prism_q.simulate(prism_q.parse_qasm(source)).run().probabilities) == pytest.approx([0, 1])
    check_counts(fenced(source)[1], {"0": 0.5, "1": 0.5}, SHOTS)


def test_without_a_seed_every_run_is_the_same():
    circuit = prism_q.parse_qasm(f"{HEAD}qreg q[9]; creg c[9]; h q; measure q -> c;")
    first, second = (prism_q.simulate(circuit).sample_counts(SHOTS).counts() for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    "use", ["cu1(1) q[1], q[0];", "cu3(1,2,3) q[1], q[0];", "c3sqrtx q[3], q[2], q[1], q[0];", "u0(1) q[0];"]
)
def test_library_gates_that_prism_lacks(use):
    source = f"{HEAD}qreg q[4]; creg c[1]; x q[0]; {use} measure q[0] -> c[0];"
    with pytest.raises(prism_q.PrismError):
        alone(source)
    assert fenced(source) == ("prism", {"1": SHOTS})


def test_an_else_whose_condition_the_body_overwrites():
    source = (
        f"{HEAD3}qubit[2] q; bit c; bit d; x q[0]; c = measure q[0];"
        "if (c) { c = measure q[1]; } else { x q[1]; } d = measure q[1];"
    )
    with pytest.raises(prism_q.PrismError, match="else"):
        alone(source)
    assert fenced(source) == ("aer", {"00": SHOTS})


def test_letters_outside_ascii():
    source = f"{HEAD3}qubit psi; bit c; x psi; c = measure psi;".replace("psi", "\N{GREEK SMALL LETTER PSI}")
    with pytest.raises(prism_q.PrismError):
        alone(source)
    assert fenced(source) == ("prism", {"1": SHOTS})


def test_a_wide_circuit_that_needs_no_approximation():
    layers = "".join(f"ry(0.3) q[{i}]; cx q[{i}], q[{i + 1}];" for i in range(39))
    source = f"{HEAD}qreg q[40]; creg c[1]; {layers} measure q[0] -> c[0];"
    with pytest.raises(prism_q.PrismError, match="require_exact"):
        prism_q.simulate(prism_q.parse_qasm(source)).require_exact().sample_counts(SHOTS)
    run = PrismSimulator().simulate(Task(scan(source), 1, SHOTS))
    assert run.exact
    check_counts(unpack(run.outcome), {"0": 0.9776682445628030, "1": 0.0223317554371970}, SHOTS)


ACCEPTED = {
    "one qubit twice": f"{HEAD}qreg q[3]; creg c[3]; ccx q[0], q[1], q[0]; measure q -> c;",
    "a parameter too many": f"{HEAD}qreg q[1]; creg c[1]; h(1) q[0]; measure q -> c;",
    "an index that is no integer": f"{HEAD}qreg q[2]; creg c[2]; x q[1.0]; measure q -> c;",
    "library gates without the include": "OPENQASM 2.0; qreg q[1]; creg c[1]; h q[0]; measure q -> c;",
    "OpenQASM 3 in OpenQASM 2": f"{HEAD}qubit[1] q; bit[1] c; c = measure q;",
    "any include": 'OPENQASM 2.0; include "/etc/hostname"; qreg q[1]; creg c[1]; x q[0]; measure q -> c;',
    "a body that makes no sense": f"{HEAD}gate odd a {{ nothing a, b; }} qreg q[1]; creg c[1]; measure q -> c;",
    "gates of other languages": f"{HEAD}qreg q[1]; creg c[1]; gpi(0.1) q[0]; measure q -> c;",
    "a library gate defined again": f"{HEAD}gate h a {{ x a; }} qreg q[1]; creg c[1]; h q[0]; measure q -> c;",
    "nothing": "",
}


@pytest.mark.parametrize("source", ACCEPTED.values(), ids=ACCEPTED)
def test_texts_that_prism_reads_though_they_are_wrong(source):
    prism_q.parse_qasm(source)
    with pytest.raises(CircuitError):
        fenced(source)
