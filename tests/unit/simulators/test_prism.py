import pytest

from farshot.errors import CircuitError, FaultCode
from farshot.model import Values
from farshot.openqasm.scanner import scan
from farshot.packing import unpack
from farshot.protocols import Task
from farshot.simulators import prism
from farshot.simulators.prism import PrismSimulator
from farshot.simulators.prism_source import joined, with_prelude
from farshot.testing.counts import check_counts

HEAD = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'
BELL = f"{HEAD}qreg q[3]; creg c[3]; h q[0]; cx q[0], q[1]; t q[2]; measure q -> c;"
DENSE = "".join(f"ry(0.{i}) q[{i}]; cx q[{i}], q[{i + 1}];" for i in range(1, 5))


def task_of(source, method=None, shots=1000, terms=None, seed=1):
    found = scan(source)
    return Task(found, seed, None if terms else shots, terms, method)


def counts_of(source, **options):
    return unpack(PrismSimulator().simulate(task_of(source, **options)).outcome)


def values_of(source, *terms, **options):
    return PrismSimulator().simulate(task_of(source, terms=terms, **options)).outcome.values


def wide(qubits, layers):
    """Return a circuit whose entanglement grows by a factor of two every other layer."""
    body = []
    for layer in range(layers):
        body += [f"ry(0.{layer + 3}{qubit}) q[{qubit}];" for qubit in range(qubits)]
        body += [f"cx q[{qubit}], q[{qubit + 1}];" for qubit in range(layer % 2, qubits - 1, 2)]
    return f"{HEAD}qreg q[{qubits}]; creg c[{qubits}]; {''.join(body)} measure q -> c;"


@pytest.mark.parametrize("method", [None, "statevector", "mps"])
def test_sampling(method):
    check_counts(counts_of(BELL, method=method), {"000": 0.5, "011": 0.5}, 1000)


@pytest.mark.parametrize("drawn", [0, 14])
def test_both_ways_of_sampling_agree(monkeypatch, drawn):
    monkeypatch.setattr(prism, "DRAWN_QUBITS", drawn)
    text = f"{HEAD}qreg q[3]; creg a[2]; creg b[70]; x q[0]; h q[1]; measure q[0] -> b[69]; measure q[1] -> a[0];"
    zeros = "0" * 69
    check_counts(counts_of(text), {f"1{zeros}00": 0.5, f"1{zeros}01": 0.5}, 1000)


@pytest.mark.parametrize("source", [BELL, wide(16, 2), f"{BELL} h q[0]; measure q[0] -> c[0];"])
def test_a_seed_repeats_counts_and_another_does_not(source):
    assert counts_of(source, seed=2**63 - 1) == counts_of(source, seed=2**63 - 1) != counts_of(source, seed=5)


def test_values_of_a_bell_pair():
    values = values_of(BELL, "ZZI", "XX", "YY", "ZII", "III", "Z")
    assert values == pytest.approx((1, 1, -1, 0, 1, 0), abs=1e-12)


def test_the_leftmost_letter_is_qubit_0():
    assert values_of(f"{HEAD}qreg q[3]; x q[0];", "ZII", "IZI", "IIZ") == pytest.approx((-1, 1, 1))


def test_values_alone_of_identities():
    assert PrismSimulator().simulate(task_of(BELL, terms=("III",))).outcome == Values((1.0,))


def test_40_qubits_of_low_depth_are_exact():
    run = PrismSimulator().simulate(task_of(wide(40, 4)))
    assert (run.method, run.exact, run.fidelity) == ("mps", True, None)
    assert run.outcome.width == 40


@pytest.mark.parametrize(("qubits", "depth"), [(40, 20), (40, 40), (100, 30)])
def test_what_cannot_be_exact_is_refused_before_it_begins(qubits, depth):
    numbers = (
        r"a state vector of .* GiB or matrix product states with bonds of up to .* about .* MiB .*'prism:mps' does"
    )
    with pytest.raises(CircuitError, match=numbers) as raised:
        PrismSimulator().simulate(task_of(wide(qubits, depth)))
    assert raised.value.code is FaultCode.MEMORY


def test_many_gates_that_entangle_little_run_exactly():
    pairs = [(first, second) for first in range(30) for second in range(first, 30)]
    phases = "".join(
        f"cp(pi/{2 ** (second - first)}) q[{second}],q[{first}];" if second > first else f"h q[{first}];"
        for first, second in pairs
    )
    task = task_of(f"{HEAD}qreg q[30]; creg c[1]; x q[3]; {phases} measure q[0] -> c[0];")
    assert PrismSimulator().simulate(task).exact


def test_dynamic_clifford_circuits_of_many_shots_take_no_state_vector():
    source = f"{HEAD}qreg q[12]; creg c[2]; h q; measure q[0] -> c[0]; if(c==1) x q[11]; measure q[11] -> c[1];"
    assert "stabilizer" in PrismSimulator().simulate(task_of(source)).method


@pytest.mark.parametrize(
    "gates",
    ["cy q[0], q[1];", "swap q[0], q[1]; cz q[1], q[0]; CX q[0], q[1];", "u3(0,0,0) q[1];", "ccx q[1], q[2], q[8];"],
)
def test_dynamic_clifford_circuits_run_however_their_gates_are_called(gates):
    source = f"{HEAD}qreg q[9]; creg c[2]; x q[0]; measure q[0] -> c[0]; if(c==0) x q[8]; {gates} measure q[8] -> c[1];"
    assert counts_of(source) == {"01": 1000}


def test_what_would_be_approximate_is_refused_unless_asked_for(monkeypatch):
    monkeypatch.setitem(prism._KINDS, None, prism.BackendKind.mps(2))
    monkeypatch.setitem(prism._KINDS, "mps", prism.BackendKind.mps(2))
    with pytest.raises(CircuitError, match="target 'prism:mps' accepts that") as raised:
        PrismSimulator().simulate(task_of(wide(16, 6)))
    assert raised.value.code is FaultCode.UNSUPPORTED
    run = PrismSimulator().simulate(task_of(wide(16, 6), "mps"))
    assert (run.method, run.exact) == ("mps", False)
    assert 0 < run.fidelity < 1


@pytest.mark.parametrize("qubits", [50, 5000])
def test_wide_clifford_circuits(qubits):
    chain = "".join(f"cx q[{qubit}], q[{qubit + 1}];" for qubit in range(qubits - 1))
    source = f"{HEAD}qreg q[{qubits}]; creg c[{qubits}]; h q[0]; {chain} measure q -> c;"
    check_counts(counts_of(source), {"0" * qubits: 0.5, "1" * qubits: 0.5}, 1000)
    assert values_of(source, "ZZ", "X" * qubits, "Z") == pytest.approx((1, 1, 0))


def test_too_wide_a_state_vector_says_how_much_fits():
    with pytest.raises(
        CircuitError, match=r"the statevector method needs 2\*\*34 GiB .* the worker has 2 GiB"
    ) as raised:
        counts_of(wide(60, 2), method="statevector")
    assert raised.value.code is FaultCode.MEMORY


@pytest.mark.parametrize(
    ("method", "terms", "text", "reason"),
    [
        (None, None, "creg c[64]; measure q[0] -> c[0]; if(c==1) x q[1];", "more than 63 bits"),
        (None, ("Z",), "creg c[1]; measure q[0] -> c[0]; x q[0];", "sample it instead"),
        ("stabilizer", None, "creg c[1]; t q[0]; measure q[0] -> c[0];", "Clifford gates only"),
        ("mps", None, "creg c[1]; measure q[0] -> c[0]; rxx(1) q[0], q[1];", "need a state vector"),
        ("mps", None, "creg c[1]; measure q[0] -> c[0]; if(c==1) rzz(1) q[0], q[1];", "need a state vector"),
    ],
)
def test_refusals(method, terms, text, reason):
    assert reason in PrismSimulator().refusal(task_of(f"{HEAD}qreg q[2]; {text}", method, terms=terms))


@pytest.mark.parametrize(
    ("body", "reason"),
    [("ctrl(1) @ x q[0], q[1];", "beyond gates"), ("gate \N{GREEK SMALL LETTER PSI} a { x a; }", "outside ASCII")],
)
def test_refusals_of_openqasm_3(body, reason):
    assert reason in PrismSimulator().refusal(task_of(f'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[2] q; {body}'))


@pytest.mark.parametrize("method", [None, "statevector"])
def test_rotations_in_a_dynamic_circuit_run_as_a_state_vector(method):
    text = f"{HEAD}qreg q[2]; creg c[1]; measure q[0] -> c[0]; rxx(1) q[0], q[1];"
    assert PrismSimulator().refusal(task_of(text, method)) is None


def test_what_prism_cannot_read_is_unsupported_and_has_a_line():
    text = (
        'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[2] q;\nbit c;\n'
        "c = measure q[0];\nif (c) { c = measure q[1]; } else { x q[0]; }"
    )
    with pytest.raises(CircuitError) as raised:
        PrismSimulator().check(task_of(text))
    assert (raised.value.code, raised.value.line) == (FaultCode.UNSUPPORTED, 6)


def test_a_panic_ends_its_circuit_only(monkeypatch, capfd):
    monkeypatch.setattr(prism, "BLOCK_QUBITS", 100)
    text = f"{HEAD}qreg q[9]; creg c[2]; measure q[8] -> c[1]; if(c==1) ry(.1) q[7];"
    with pytest.raises(CircuitError, match="the simulator failed on this circuit") as raised:
        counts_of(text)
    assert raised.value.code is FaultCode.INTERNAL
    assert "panicked" in capfd.readouterr().err
    assert counts_of(f"{HEAD}qreg q[1]; creg c[1]; x q[0]; measure q -> c;") == {"1": 1000}


def test_ties_come_after_the_declarations_and_move_no_line():
    text = f"{HEAD}qreg a[2];\nqreg b[1];\ncreg c[1];\nmeasure a[0] -> c[0];\nx a[0];"
    tied = joined(scan(text))
    ties = "CX a[0],a[1];CX a[0],a[1];CX a[1],b[0];CX a[1],b[0];"
    assert tied.replace(ties, "") == text
    assert tied.count(ties) == 1
    assert tied.index("qreg b[1]") < tied.index(ties) < tied.index("measure")


def test_ties_of_single_qubits():
    text = 'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit a;\nqubit[1] b;\nbit c;\nc = measure a;\nx a;'
    assert "CX a,b[0];CX a,b[0];" in joined(scan(text))


def test_the_prelude_holds_what_is_used_and_moves_no_line():
    text = f"{HEAD}qreg q[2];\ncu1(1) q[0], q[1];\n"
    written = with_prelude(scan(text))
    assert written.splitlines()[2:] == text.splitlines()[2:]
    assert "gate cu1(" in written
    assert "gate cu3(" not in written


def test_a_gate_of_the_circuits_own_needs_no_prelude():
    text = f"{HEAD}gate u0(g) a {{ x a; }}\nqreg q[1]; creg c[1]; u0(1) q[0]; measure q -> c;"
    assert counts_of(text) == {"1": 1000}
