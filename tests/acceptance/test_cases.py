"""Small inputs that failed once, with their right answers, on every target that takes them."""

import json
from pathlib import Path

import pytest

import farshot
from farshot.testing.counts import check_counts, check_form

CASES = Path(__file__).parents[1] / "data" / "cases"
ENTRIES = json.loads((CASES / "manifest.json").read_text(encoding="utf-8"))
TIMED = [entry for entry in ENTRIES if "seconds" in entry]
COUNTED = [entry for entry in ENTRIES if "counts" in entry]
SHOTS = 1000


def text_of(entry):
    return (CASES / entry["file"]).read_text(encoding="utf-8")


def results_of(folder, target, entries, seconds=60, **options):
    """Run cases, none longer than `seconds`; return what each gave."""
    circuits = {entry["file"]: text_of(entry) for entry in entries}
    with farshot.LocalBackend(
        workers=1, data_dir=folder, target=target, shots=SHOTS, circuit_timeout=seconds, seed=3
    ) as backend:
        handle = backend.submit_circuits(circuits, **options)
        backend.poll_job_status(handle, loop_until_complete=True)
        found = backend.get_job_results(handle, partial=True).results
    return {entry["label"]: entry.get("results", entry.get("error")) for entry in found}


@pytest.mark.parametrize("target", ["auto", "prism", "aer", "prism:statevector", "aer:density_matrix", "aer:mps"])
def test_counts(tmp_path, target):
    found = results_of(tmp_path, target, COUNTED)
    for entry in COUNTED:
        check_counts(found[entry["file"]], entry["counts"], SHOTS)


@pytest.mark.parametrize("target", ["auto", "prism", "aer", "prism:stabilizer", "aer:stabilizer"])
@pytest.mark.parametrize("entry", TIMED, ids=[entry["file"] for entry in TIMED])
def test_within_the_time_that_a_circuit_may_take(tmp_path, target, entry):
    (counts,) = results_of(tmp_path, target, [entry], entry["seconds"]).values()
    check_form(counts, 60, SHOTS)


def test_every_case_is_tested():
    assert all(entry.keys() & {"counts", "values", "seconds"} for entry in ENTRIES)
