import pytest

from farshot.errors import CircuitError, FaultCode, MissingExtraError
from farshot.openqasm.scanner import scan
from farshot.packing import unpack
from farshot.protocols import Task
from farshot.simulators import limits, targets
from farshot.simulators.aer import AerSimulator
from farshot.testing.counts import check_counts

HEAD = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'
HEAD3 = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'
BELL = f"{HEAD}qreg q[3]; creg c[2]; h q[0]; cx q[0], q[2]; measure q[0] -> c[1]; measure q[2] -> c[0];"
AER = AerSimulator()


def task_of(source, method=None, shots=1000, terms=None, seed=1):
    found = scan(source)
    return Task(found, seed, None if terms else shots, terms, method)


def run(source, **options):
    return AER.simulate(task_of(source, **options))


def counts_of(source, **options):
    return unpack(run(source, **options).outcome)


@pytest.mark.parametrize("method", [None, *AerSimulator.methods])
def test_sampling(method):
    check_counts(counts_of(BELL, method=method), {"00": 0.5, "11": 0.5}, 1000)


@pytest.mark.parametrize("method", [None, *AerSimulator.methods])
def test_values(method):
    found = run(BELL, terms=("ZIZ", "XIX", "YIY", "Z", "IZ", "III"), method=method).outcome.values
    assert found == pytest.approx((1, 1, -1, 0, 1, 1), abs=1e-12)


def test_keys_join_registers_and_the_first_is_rightmost():
    text = f"{HEAD}qreg q[2]; creg a[2]; creg b[70]; x q[0]; measure q[0] -> a[1]; measure q[1] -> b[0];"
    assert counts_of(text) == {"0" * 70 + "10": 1000}


def test_a_seed_repeats_counts_and_another_does_not():
    assert counts_of(BELL, seed=2**63 - 1) == counts_of(BELL, seed=2**63 - 1) != counts_of(BELL, seed=5)


@pytest.mark.parametrize(
    ("source", "method"),
    [
        (BELL, "stabilizer"),
        (f"{BELL} t q[0];", "statevector"),
        (f"{BELL} reset q[0];", "stabilizer"),
    ],
)
def test_the_fitting_method_is_taken(source, method):
    assert run(source).method == method


def test_values_after_a_reset_are_exact():
    found = run(f"{HEAD}qreg q[2]; h q[0]; cx q[0], q[1]; reset q[0];", terms=("ZI", "IZ", "ZZ"))
    assert found.method == "density_matrix"
    assert found.outcome.values == pytest.approx((1, 0, 0), abs=1e-12)


def test_values_after_a_measurement_are_refused():
    with pytest.raises(CircuitError, match="sample it instead") as raised:
        run(f"{HEAD}qreg q[1]; creg c[1]; h q[0]; measure q -> c; x q[0];", terms=("Z",))
    assert raised.value.code is FaultCode.UNSUPPORTED


@pytest.mark.parametrize(
    "body",
    [
        "qreg q[2]; creg c[1]; x q[0]; measure q[0] -> c[0]; if (c == 1) x q[1];",
        "qreg q[2]; creg c[1]; h q[0]; measure q[0] -> c[0]; if (c == 1) measure q[1] -> c[0];",
    ],
)
def test_a_measurement_that_a_later_condition_reads_is_not_final(body):
    with pytest.raises(CircuitError, match="sample it instead"):
        run(HEAD + body, terms=("IZ",))


def test_a_method_that_follows_one_course_gives_no_values():
    assert "sample it" in AER.refusal(task_of(f"{HEAD}qreg q[1]; reset q[0];", "statevector", terms=("Z",)))


def test_the_stabilizer_method_runs_clifford_gates_only():
    assert "Clifford" in AER.refusal(task_of(f"{HEAD}qreg q[1]; t q[0];", "stabilizer"))


@pytest.fixture
def worker_memory(monkeypatch):
    """Say how many bytes the worker may use, which a worker reads once."""

    def forget():
        limits.worker_memory.cache_clear()
        limits.dense_qubits.cache_clear()

    def use(size):
        monkeypatch.setenv(limits.MEMORY_VARIABLE, str(size))
        forget()

    yield use
    monkeypatch.undo()
    forget()


@pytest.mark.parametrize(("method", "fits"), [(None, 10), ("statevector", 10), ("density_matrix", 20)])
def test_what_does_not_fit_is_refused_before_it_is_tried(worker_memory, method, fits):
    worker_memory(16 * 2 * 2**fits)
    source = f"{HEAD}qreg q[11]; creg c[1]; t q[0]; measure q[0] -> c[0];"
    with pytest.raises(CircuitError, match=r"method needs .* [GM]iB .* the worker has .* [GM]iB; .*:mps") as raised:
        run(source, method=method)
    assert raised.value.code is FaultCode.MEMORY
    assert counts_of(source, method="mps", shots=50) == {"0": 50}


@pytest.mark.parametrize("kind", [0, 1])
def test_gates_that_aer_lacks_are_taken_apart(kind):
    used = ("rccx q[0], q[1], q[2];", "rc3x q[0], q[1], q[2], q[3]; c4x q[0], q[1], q[2], q[3], q[4];")[kind]
    text = f"{HEAD}gate flip a {{ x a; }} qreg q[5]; creg c[5]; flip q[0]; x q[1]; {used} measure q -> c;"
    assert counts_of(text) == {("00111", "00011")[kind]: 1000}


def test_names_of_the_library_may_stand_for_registers_where_nothing_is_included():
    assert counts_of("OPENQASM 2.0; qreg p[1]; creg h[1]; U(pi, 0, pi) p[0]; measure p -> h;") == {"1": 1000}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("for int i in [0:2] { x q[0]; } c[0] = measure q[0];", "01"),
        ("x q[0]; ctrl(1) @ x q[0], q[1]; negctrl @ x q[0], q[1]; pow(2) @ sx q[0]; c = measure q;", "10"),
        ("gate \N{GREEK SMALL LETTER PSI} a { x a; } \N{GREEK SMALL LETTER PSI} q[1]; c = measure q;", "10"),
        ("let both = q[0:1]; x both; c = measure both;", "11"),
    ],
)
def test_rich_openqasm_3(body, expected):
    assert counts_of(f"{HEAD3}qubit[2] q; bit[2] c; {body}") == {expected: 1000}


@pytest.mark.parametrize(
    "angle", ["2 * arcsin(1)", "pi ** 1", "mod(3 * pi, 2 * pi)", "pi % 4.0", "-sqrt(pi) ** 2", "pi"]
)
def test_formulas(angle):
    assert counts_of(f"{HEAD3}qubit q; bit c; rx({angle}) q; c = measure q;") == {"1": 1000}


def test_formulas_inside_gates():
    text = f"{HEAD3}gate turn(a) q {{ rx(2 * arcsin(sin(a))) q; }} qubit q; bit c; turn(pi / 2) q; c = measure q;"
    assert counts_of(text) == {"1": 1000}


def test_a_missing_extra_shows_when_it_is_needed(monkeypatch):
    monkeypatch.setattr(targets, "find_spec", lambda _module: None)
    simulator = AerSimulator()
    assert simulator.refusal(task_of(BELL)) is None
    with pytest.raises(MissingExtraError, match=r"pip install 'farshot\[aer\]'"):
        simulator.simulate(task_of(BELL))
