"""How a circuit will be run, said before it begins: never otherwise than it then is, and cheap."""

import pytest

from farshot.openqasm.scanner import scan
from farshot.protocols import Task
from farshot.simulators.aer import AerSimulator
from farshot.simulators.prism import PrismSimulator

PRISM, AER = PrismSimulator(), AerSimulator()
HEAD = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'


def circuit(qubits, layers, gate="ry(0.{layer}1)", ties=None):
    """A line of qubits, each tied to the next in every layer."""
    pairs = ties or [(first, first + 1) for first in range(qubits - 1)]
    lines = [f"{HEAD}qreg q[{qubits}];\ncreg c[{qubits}];"]
    for layer in range(layers):
        lines += [f"{gate.format(layer=layer)} q[{qubit}];" for qubit in range(qubits)]
        lines += [f"cx q[{first}],q[{second}];" for first, second in pairs]
    return "\n".join([*lines, "measure q -> c;"])


LOOPED = """OPENQASM 3.0; include "stdgates.inc"; qubit[18] q; bit[18] c;
for int k in [0:60] { for int i in [0:17] { rx(0.1*k+0.3) q[i]; } for int i in [0:16] { cx q[i],q[i+1]; } }
c = measure q;"""
HALVES = [(first, first + 1) for first in range(15) if first != 7]
KINDS = {
    "dense": (circuit(16, 90), None, "statevector"),
    "told to be dense": (circuit(16, 90), "statevector", "statevector"),
    "dynamic": (circuit(16, 90).replace("measure q", "if(c==1) x q[0]; measure q"), None, "statevector"),
    "dynamic and small": (circuit(3, 2).replace("measure q", "if(c==1) x q[0]; measure q"), None, "statevector"),
    "dynamic and never entangled": (HEAD + "qreg q[9];creg c[9];ry(0.3) q;if(c==1) x q[0];measure q -> c;", None, None),
    "dynamic, entangled by a control": (
        (
            'OPENQASM 3.0;include "stdgates.inc";qubit[3] q;bit[3] c;ry(0.3) q;ctrl @ x q[0],q[1];'
            "c[0]=measure q[0];if(c[0]) x q[1];c=measure q;"
        ),
        None,
        "statevector",
    ),
    "dynamic, by a gate that is built in": (
        (
            "OPENQASM 2.0;qreg q[3];creg c[3];U(0.3,0,0) q;CX q[0],q[1];"
            "measure q[0]->c[0];if(c==1) U(0.3,0,0) q[1];measure q -> c;"
        ),
        None,
        "statevector",
    ),
    "wide": (circuit(28, 7), None, "mps"),
    "told to be products": (circuit(16, 8), "mps", "mps"),
    "halves": (circuit(16, 90, ties=HALVES), None, None),
    "clifford": (circuit(16, 90, "h"), None, None),
    "told to be stabilizer": (circuit(16, 90, "h"), "stabilizer", "stabilizer"),
    "clifford and t": (circuit(16, 90, "h").replace("h q[3];", "t q[3];"), None, None),
    "looped": (LOOPED, None, "statevector"),
    "brief": (circuit(3, 2), None, None),
}


def task_of(source, method=None, shots=10):
    return Task(scan(source), 1, shots, None, method)


@pytest.mark.parametrize("kind", KINDS)
def test_prism_runs_as_was_said(kind):
    source, method, expected = KINDS[kind]
    task = task_of(source, method)
    forecast = PRISM.forecast(task)
    assert (forecast.simulator, forecast.method) == ("prism", expected)
    assert PRISM.simulate(task).method.endswith(expected or "")  # a stabilizer may be a compiled one


@pytest.mark.parametrize("gate", ["ry(0.{layer}1)", "h"])
@pytest.mark.parametrize("method", [None, "mps"])
def test_aer_runs_as_was_said(gate, method):
    task = task_of(circuit(8, 3, gate), method)
    assert AER.simulate(task).method == AER.forecast(task).method


def test_what_takes_long_is_known_to():
    assert PRISM.forecast(task_of(circuit(26, 90))).seconds > 60
    assert AER.forecast(task_of(circuit(26, 90))).seconds > PRISM.forecast(task_of(circuit(26, 90))).seconds
    assert PRISM.forecast(task_of(circuit(40, 30), "mps")).seconds > 300
    assert PRISM.forecast(task_of(circuit(4, 90))).seconds is None


def test_a_dynamic_circuit_takes_aer_as_often_as_it_is_sampled():
    source = circuit(12, 30).replace("measure q", "if(c==1) x q[0]; measure q")
    few, many = (AER.forecast(task_of(source, shots=shots)).seconds for shots in (1_000, 10_000))
    assert many == pytest.approx(10 * few)


@pytest.mark.parametrize("method", [None, "statevector", "mps"])
def test_what_no_array_holds_is_refused_not_before(method):
    task = task_of(circuit(5000, 1), method)
    assert PRISM.forecast(task).simulator == "prism"
    assert AER.forecast(task).method == (method or "statevector")


@pytest.mark.parametrize("written", ["a" * 1_000_000, "(" * 1_000_000, "q[" + "1" * 1_000_000 + "],", "q[99],q[0],"])
def test_what_is_written_in_a_comment_costs_and_breaks_nothing(written):
    task = task_of(circuit(20, 90).replace("measure q", f"// {written}\nmeasure q"))
    assert PRISM.forecast(task).method == "statevector"


def test_a_small_circuit_is_told_the_same_object():
    tasks = [task_of(circuit(5, layers)) for layers in (2, 3)]
    assert PRISM.forecast(tasks[0]) is PRISM.forecast(tasks[1])
