"""A job says what it was submitted as, in JSON that every reader keeps as it is."""

import math

import pytest

from farshot.model import MAX_SEED
from samples import BELL

SEED = MAX_SEED - 12345
ROTATED = BELL.replace("h q[0]", "rx(t) q[0]")


def pages(caller, job_id, **query):
    """Return every page of a job's circuits."""
    found, cursor = [], "0"
    while cursor is not None:
        response = caller.get(f"/v1/jobs/{job_id}/circuits", params={"cursor": cursor, **query})
        assert response.status_code == 200, response.text
        found.append(response.json())
        cursor = found[-1].get("next")
    return found


def test_seeds_are_text_wherever_they_are_shown_and_may_be_given_so(new_user):
    caller = new_user()
    job_id = caller.submit({"bell": BELL}, seed=str(SEED), shots=50)["job_id"]
    assert caller.submit({"bell": BELL}, seed=SEED, shots=50)["status"]
    counts = caller.results(job_id)
    assert caller.job(job_id)["options"] == {"target": "auto", "seed": str(SEED), "shots": 50}
    (entry,) = caller.pages(job_id)
    (line,) = caller.lines(job_id)
    assert isinstance(entry["metadata"]["seed"], str)
    assert entry == line
    options = caller.get(f"/v1/jobs/{job_id}/options").json()
    (page,) = pages(caller, job_id)
    assert caller.results(caller.submit(page["circuits"], **options)["job_id"]) == counts


@pytest.mark.parametrize("seed", ["", "-1", "1.5", "x", "9" * 19, "9" * 30, "\u0661"])
def test_a_text_that_is_no_seed_is_refused(new_user, seed):
    response = new_user().post("/v1/jobs", json={"circuits": {"bell": BELL}, "seed": seed})
    assert response.status_code in {400, 422}


def test_circuits_come_in_pages_of_few_and_of_few_bytes(new_user):
    caller = new_user()
    circuits = {f"c{number}": BELL for number in range(25)}
    job_id = caller.submit(circuits)["job_id"]
    found = pages(caller, job_id, limit=10)
    assert [len(page["circuits"]) for page in found] == [10, 10, 5]
    assert {label: text for page in found for label, text in page["circuits"].items()} == circuits
    large = {f"c{number}": BELL + "//" + "x" * 3_000_000 for number in range(4)}
    found = pages(caller, caller.submit(large)["job_id"])
    assert [len(page["circuits"]) for page in found] == [2, 2]


def test_rows_come_with_their_template_and_what_is_not_finite_as_null(new_user):
    caller = new_user()
    rows = {"a": [0.1], "b": [None], "c": [1e-300]}
    template = {"source": ROTATED, "parameters": ["t"]}
    job_id = caller.submit(None, template=template, rows=rows)["job_id"]
    (page,) = pages(caller, job_id)
    assert (page["template"], page["rows"]) == (template, rows)
    assert not any(isinstance(number, float) and math.isnan(number) for row in page["rows"].values() for number in row)


def test_long_observables_are_left_to_their_own_path(new_user):
    caller = new_user()
    ham_ops = ";".join(f"{number:016b}".replace("0", "Z").replace("1", "X") for number in range(2000))
    job_id = caller.submit({"bell": BELL}, ham_ops=ham_ops)["job_id"]
    shown = caller.job(job_id)["options"]
    assert "ham_ops" not in shown
    assert shown["complete"] is False
    assert caller.get(f"/v1/jobs/{job_id}/options").json()["ham_ops"] == ham_ops


def test_the_circuits_and_options_of_another_user_are_unknown(new_user):
    job_id = new_user().submit({"bell": BELL})["job_id"]
    for path in ("circuits", "options"):
        assert new_user().get(f"/v1/jobs/{job_id}/{path}").status_code == 404


def test_a_job_in_the_making_has_no_options_yet(new_user):
    caller = new_user()
    job = caller.submit(None, upload=True, digest="0" * 32)
    assert caller.job(job["job_id"]).get("options") is None
    assert caller.get(f"/v1/jobs/{job['job_id']}/options").status_code == 409
    assert pages(caller, job["job_id"])[0]["circuits"] == {}
