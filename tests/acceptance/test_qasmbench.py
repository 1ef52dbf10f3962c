"""Real files: the QASMBench circuits in tests/data, all in one job."""

import pytest
from qiskit import qasm2
from qiskit_aer import AerSimulator

import farshot
from farshot.testing.counts import check_counts, check_form
from reference import distribution, program_of
from samples import DATA

FILES = sorted((DATA / "qasmbench").glob("*.qasm"))
SHOTS = 4000
EXACT_WIDTH = 14


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    circuits = {path.stem: path.read_text(encoding="utf-8") for path in FILES}
    with farshot.LocalBackend(data_dir=tmp_path_factory.mktemp("store"), shots=SHOTS, seed=2) as backend:
        handle = backend.submit_circuits(circuits)
        status = backend.poll_job_status(handle, loop_until_complete=True, verbose=False)
        entries = backend.get_job_results(handle, partial=True).results
    return status, {entry["label"]: entry for entry in entries}


def loads(path):
    return qasm2.loads(
        path.read_text(encoding="utf-8"),
        include_path=(),
        custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS,
    )


def is_well_formed(path):
    try:
        loads(path)
    except qasm2.QASM2ParseError:
        return False
    return True


GOOD = [path for path in FILES if is_well_formed(path)]
BAD = [path for path in FILES if path not in GOOD]


def test_there_are_files_of_both_kinds():
    assert len(FILES) == 42
    assert BAD


def test_the_job_fails_and_keeps_every_other_result(job):
    status, entries = job
    assert status == "FAILED"
    assert list(entries) == [path.stem for path in FILES]
    assert {label for label, entry in entries.items() if "error" in entry} == {path.stem for path in BAD}


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_malformed_file_gives_an_error_with_its_line(job, path):
    error = job[1][path.stem]["error"]
    assert error["code"] == "parse"
    assert error["line"] > 1
    assert error["message"]


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_well_formed_file_gives_the_right_counts(job, path):
    circuit = loads(path)
    counts = job[1][path.stem]["results"]
    if circuit.num_qubits <= EXACT_WIDTH:
        check_counts(counts, distribution(program_of(circuit)), SHOTS)
    else:
        check_form(counts, circuit.num_clbits, SHOTS)
        compare(counts, aer_counts(circuit))


def aer_counts(circuit):
    simulator = AerSimulator(method="matrix_product_state" if circuit.num_qubits > 24 else "statevector")
    result = simulator.run(circuit, shots=SHOTS * 4, seed_simulator=1).result()
    return {key.replace(" ", ""): count for key, count in result.get_counts().items()}


def compare(ours, theirs):
    """Two samples of one distribution agree in the outcomes that are frequent in either."""
    for key in {*ours, *theirs}:
        one, other = ours.get(key, 0) / SHOTS, theirs.get(key, 0) / (SHOTS * 4)
        spread = ((one + other) / 2 / SHOTS) ** 0.5
        assert abs(one - other) < 6 * spread + 3 / SHOTS
