import pytest
from qiskit import qasm2, transpile
from qiskit_aer import AerSimulator
from qiskit_qasm3_import import parse

import farshot
from farshot.testing.circuits import draw
from farshot.testing.conformance import check_counts_of, check_values_of, draw_mixed
from farshot.testing.counts import MismatchError, check_counts
from farshot.testing.runners import evaluator, sampler
from reference import distribution, expectations

CIRCUITS = 600
VALUED = 250
SHOTS = 1_000


@pytest.fixture(scope="module")
def backend(tmp_path_factory):
    with farshot.LocalBackend(data_dir=tmp_path_factory.mktemp("generated")) as opened:
        yield opened


@pytest.fixture(scope="module")
def drawn():
    return list(draw_mixed(range(CIRCUITS)))


@pytest.fixture(scope="module")
def report(backend, drawn):
    return check_counts_of(drawn, sampler(backend, seed=1), distribution, SHOTS)


def aer_counts(source, version):
    if version == 3:
        circuit = parse(source)
    else:
        circuit = qasm2.loads(source, include_path=(), custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS)
    simulator = AerSimulator(method="statevector", enable_truncation=False)
    counts = simulator.run(transpile(circuit, simulator), shots=SHOTS, seed_simulator=1).result().data()["counts"]
    return {f"{int(word, 16):0{circuit.num_clbits}b}": count for word, count in counts.items()}


def aer_is_right(one):
    """Say whether Qiskit and Aer alone read and run a circuit and are right."""
    try:
        check_counts(aer_counts(one.source, one.program.version), distribution(one.program), SHOTS)
    except (MismatchError, Exception):  # noqa: BLE001 -- the importers fail in many ways
        return False
    return True


def test_no_answer_is_wrong(report):
    assert report.circuits == CIRCUITS
    assert not report.wrong


def test_nothing_is_refused_that_aer_gets_right(report, drawn):
    assert [one.label for one in drawn if one.label in report.refused and aer_is_right(one)] == []


def test_values_are_exact(backend):
    drawn = [draw("static", number) for number in range(VALUED)]
    report = check_values_of(drawn, evaluator(backend), expectations, terms=12)
    assert report.circuits == VALUED
    assert not report.wrong
    assert not report.refused
