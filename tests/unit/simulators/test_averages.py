"""Values of dynamic circuits: exact, on average over all outcomes."""

import struct
from math import cos, sin

import pytest

from farshot.errors import CircuitError, FaultCode
from farshot.model import TemplateSource
from farshot.openqasm.scanner import scan
from farshot.protocols import Task
from farshot.simulators.lowered import lowered
from farshot.simulators.router import Router, run_circuit
from farshot.templates.rows import rows_of

HEAD = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'
HEAD3 = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'
TWO = f"{HEAD}qreg q[2]; creg c[1];"
TELEPORT = f"""{HEAD}qreg q[3]; creg a[1]; creg b[1]; ry(1.1) q[0]; h q[1]; cx q[1], q[2]; cx q[0], q[1]; h q[0];
measure q[0] -> a[0]; measure q[1] -> b[0]; if (b == 1) x q[2]; if (a == 1) z q[2];"""
ROUTER = Router()


def run(source, *terms, target="auto"):
    return run_circuit(ROUTER, target, Task(scan(source), 1, None, terms))


@pytest.mark.parametrize("target", ["auto", "prism", "aer", "prism:mps", "aer:density_matrix", "aer:mps"])
@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (f"{TWO} x q[0]; measure q[0] -> c[0]; if (c == 1) x q[1];", {"IZ": -1, "ZI": -1}),
        (f"{TWO} h q[0]; measure q[0] -> c[0]; if (c == 1) x q[1];", {"ZZ": 1, "XX": 0, "IZ": 0}),
        (f"{TWO} h q[0]; measure q[0] -> c[0]; if (c == 1) measure q[1] -> c[0];", {"XI": 0, "IZ": 1}),
        (TELEPORT, {"IIZ": cos(1.1), "IIX": sin(1.1), "IIY": 0}),
        (f"{HEAD3}qubit[2] q; bit c; x q[0]; c = measure q[0]; if (c) x q[1]; else y q[1];", {"IZ": -1}),
        (f"{HEAD3}qubit[2] q; bit[2] c; x q; c = measure q; switch (c) {{ case 3 {{ x q[0]; }} }}", {"Z": 1, "IZ": -1}),
        (f"{TWO} h q[0]; measure q[0] -> c[0]; h q[0];", {"ZI": 0, "XI": 0}),
        (f"{TWO} h q[0]; measure q[0] -> c[0]; x q[1];", {"XI": 1, "IZ": -1}),
        (f"{TWO} h q[0]; measure q[0] -> c[0]; id q[0]; measure q[0] -> c[0];", {"XI": 1}),
        (f"{HEAD}gate n a {{ id a; }} qreg q[1]; creg c[1]; h q[0]; measure q[0] -> c[0]; n q[0];", {"X": 1}),
        (f"{TWO} h q[0]; cx q[0], q[1]; reset q[0];", {"ZI": 1, "IZ": 0, "ZZ": 0}),
    ],
)
def test_a_measurement_that_a_later_condition_reads_counts(source, expected, target):
    run_of = run(source, *expected, target=target)[1]
    assert run_of.outcome.values == pytest.approx(tuple(expected.values()), abs=1e-9)


@pytest.mark.parametrize("target", ["auto", "prism:stabilizer", "aer:stabilizer"])
def test_a_wide_clifford_circuit_with_conditions(target):
    chain = "".join(f"cx q[{place}], q[{place + 1}]; " for place in range(59))
    undone = "".join(f"if (m == 1) x q[{place}]; " for place in range(1, 60))
    text = f"{HEAD}qreg q[60]; creg m[1]; h q[0]; {chain} measure q[0] -> m[0]; {undone}"
    values = run(text, "I" * 59 + "Z", "Z" + "I" * 59, target=target)[1].outcome.values
    assert values == pytest.approx((1, 0), abs=1e-12)


def test_many_measurements_of_few_qubits_take_a_density_matrix():
    rounds = "measure q[0] -> c[0]; reset q[1]; cx q[0], q[1]; h q[1];" * 40
    name, run_of = run(f"{TWO} ry(1) q[0]; {rounds}", "ZI", "XI")
    assert (name, run_of.method) == ("aer", "density_matrix")
    assert run_of.outcome.values == pytest.approx((cos(1), 0), abs=1e-12)


def test_more_outcomes_than_fit_are_refused_with_the_numbers():
    body = "h q[0]; measure q[0] -> c[0]; if (c == 1) ry(0.3) q[1]; cx q[1], q[0];" * 60
    with pytest.raises(CircuitError, match=r"take 62 qubits here, 2 and 60 more for .*: sample it instead") as raised:
        run(f"{TWO} {body}", "ZI", target="aer")
    assert raised.value.code is FaultCode.MEMORY


DEFINED = "".join(f"gate g{number} a {{ x a; }} " for number in range(60))
LONG = [
    f"{HEAD}{DEFINED} qreg q[1]; creg c[1]; g7 q[0]; measure q -> c;",
    f"{HEAD}qreg q[1]; creg c[1]; rx({'+'.join(['pi'] * 1_001)}) q[0]; measure q -> c;",
    f"{HEAD}gate g(t) a {{ rx({'+'.join(['t'] * 1_001)}) a; }} qreg q[1]; creg c[1]; g(pi) q[0]; measure q -> c;",
    (
        f"{HEAD3}{''.join(f'const int n{number} = 1; ' for number in range(60))}"
        "qubit q; bit c; if (!c) { x q; } c = measure q;"
    ),
]


@pytest.mark.parametrize("source", LONG)
def test_what_a_simulator_takes_long_to_read_is_written_out(source):
    task = Task(scan(source), 1, 10)
    written = lowered(task, None).task.scan.text
    assert not any(word in written for word in ("gate g", "const", "+"))
    assert run_circuit(ROUTER, "prism", task)[1].outcome.words == b"\x01"


def test_a_long_template_with_many_definitions_is_written_out():
    text = f"{HEAD}{DEFINED} qreg q[1]; creg c[1]; rx(t) q[0]; g7 q[0]; measure q -> c;"
    short, long = (rows_of(TemplateSource(source.encode(), ("t",))) for source in (text, text + " " * 70_000))
    row = struct.pack("<d", 0.5)
    assert lowered(Task(short.scan(row), 1, 10), None) is None
    assert lowered(Task(long.scan(row), 1, 10), None) is not None
