"""A hundred million shots of one circuit: the right counts at once, or a refusal that names the shots."""

import pytest

from farshot.errors import CircuitError, FaultCode
from farshot.model import Fault
from farshot.openqasm.scanner import scan
from farshot.packing import unpack
from farshot.protocols import Task
from farshot.simulators import limits
from farshot.simulators.router import Router, run_circuit
from farshot.simulators.shots import naming_shots

SHOTS = 10**8
HEAD = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'
CIRCUITS = {
    "bell": "qreg q[4]; creg c[4]; h q[0]; cx q[0],q[1]; cx q[1],q[2]; cx q[2],q[3]; measure q -> c;",
    "dense": "qreg q[14]; creg c[14]; ry(0.1) q; cx q[0],q[1]; measure q -> c;",
    "two outcomes": "qreg a[1]; qreg q[39]; creg c[40]; h a; cx a[0],q; measure a[0] -> c[39]; measure q[38] -> c[0];",
    "all outcomes": "qreg q[40]; creg c[40]; h q; cx q[0],q[1]; measure q -> c;",
    "dense and wide": "qreg q[40]; creg c[40]; ry(1) q; cx q[0],q[1]; measure q -> c;",
    "condition": "qreg q[2]; creg c[2]; h q[0]; measure q[0] -> c[0]; if(c==1) x q[1]; measure q[1] -> c[1];",
    "reset": "qreg q[2]; creg c[2]; ry(1) q[0]; measure q[0] -> c[0]; reset q[0]; h q[0]; measure q[0] -> c[1];",
    "dense condition": "qreg q[10]; creg c[10]; ry(1) q; measure q[0] -> c[0]; if(c==1) x q[1]; ry(1) q; measure q->c;",
}
AER = ("aer", "aer:statevector", "aer:stabilizer", "aer:density_matrix", "aer:mps")
ANSWERED = [
    *(("bell", target) for target in ("auto", "prism", "prism:statevector", "prism:stabilizer")),
    *(("dense", target) for target in ("auto", "prism", "prism:statevector")),
    *(("two outcomes", target) for target in ("auto", "prism", "prism:stabilizer")),
]
REFUSED = [
    *(("bell", target) for target in AER),
    *(("dense", target) for target in AER if target not in {"aer:stabilizer", "aer:density_matrix"}),
    *(("two outcomes", target) for target in ("aer", "aer:stabilizer", "aer:mps")),
    *(("all outcomes", target) for target in ("auto", "prism", "prism:stabilizer", "prism:mps", "aer", "aer:mps")),
    *(("dense and wide", target) for target in ("auto", "prism", "prism:mps", "aer:mps")),
    *(
        ("condition", target)
        for target in ("auto", "prism", "prism:statevector", "prism:stabilizer", "prism:mps", *AER)
    ),
    *(("reset", target) for target in ("auto", "prism", "prism:statevector", "prism:mps", "aer", "aer:statevector")),
    *(("dense condition", target) for target in ("auto", "prism", "prism:statevector", "aer", "aer:mps")),
]
ROUTER = Router()


def run(circuit, target, shots=SHOTS):
    return run_circuit(ROUTER, target, Task(scan(HEAD + CIRCUITS[circuit]), 1, shots))


@pytest.mark.parametrize(("circuit", "target"), ANSWERED)
def test_what_is_drawn_at_once_is_answered(circuit, target):
    _, made = run(circuit, target)
    counts = unpack(made.outcome)
    assert sum(counts.values()) == SHOTS
    if circuit != "dense":
        assert all(abs(tally - SHOTS / 2) < 30_000 for tally in counts.values())


@pytest.mark.parametrize(("circuit", "target"), REFUSED)
def test_else_the_shots_are_named(circuit, target):
    with pytest.raises(CircuitError, match=r"^100,000,000 shots (take|of this circuit) .*: ask for fewer") as raised:
        run(circuit, target)
    assert raised.value.code is FaultCode.ADMISSION


@pytest.mark.parametrize("circuit", CIRCUITS)
def test_a_thousand_shots_are_refused_nowhere(circuit):
    assert sum(unpack(run(circuit, "auto", 1000)[1].outcome).values()) == 1000


def test_where_the_memory_is_large_the_time_is_named(monkeypatch):
    monkeypatch.setenv(limits.MEMORY_VARIABLE, str(2**40))
    limits.worker_memory.cache_clear()
    try:
        with pytest.raises(
            CircuitError, match=r"^100,000,000 shots of this circuit take about 17 min here, where each"
        ):
            run("bell", "aer:mps")
    finally:
        limits.worker_memory.cache_clear()


@pytest.mark.parametrize("code", [FaultCode.MEMORY, FaultCode.TIMEOUT])
def test_what_stops_a_circuit_of_many_shots_names_them(code):
    fault = Fault(code, "the circuit was stopped")
    hint = "it has 10,000,000 shots: fewer take less, or several circuits with a part of them each"
    assert naming_shots(fault, 10**7).message == f"the circuit was stopped; {hint}"
    assert naming_shots(fault, 1000) is naming_shots(fault, None) is fault


def test_a_crash_is_not_put_down_to_shots():
    fault = Fault(FaultCode.CRASH, "the worker was killed by SIGSEGV")
    assert naming_shots(fault, 10**7) is fault
