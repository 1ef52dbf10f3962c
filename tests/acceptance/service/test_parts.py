"""A job that arrives in parts is the same job."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import pytest

from samples import BELL

BELLS = {f"c{number}": BELL for number in range(30)}
TEMPLATE = {"source": 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[1];\ncreg c[1];\nrx(a) q[0];\nmeasure q -> c;\n'}
TEMPLATE["parameters"] = ["a"]
ROWS = {f"r{number}": [number / 10] for number in range(30)}


def cut(members, size=10):
    items = iter(members.items())
    return [dict(piece) for piece in iter(lambda: list(itertools.islice(items, size)), [])]


def put(caller, job_id, number, members, kind="circuits"):
    return caller.put(f"/v1/jobs/{job_id}/parts/{number}", json={kind: members})


def finalize(caller, job_id, circuits=None):
    return caller.post(f"/v1/jobs/{job_id}/finalize", json={} if circuits is None else {"circuits": circuits})


def whole(caller, members, kind="circuits", order=None, **options):
    """Return the id of a job that was sent in parts."""
    job_id = caller.submit(upload=True, **options)["job_id"]
    parts = cut(members)
    for number in order or range(len(parts)):
        assert put(caller, job_id, number, parts[number], kind).status_code == 200
    answer = finalize(caller, job_id, len(members))
    assert (answer.status_code, answer.json()["uploading"]) == (200, False)
    return job_id


def conflict(answer, status=409):
    assert answer.status_code == status, answer.text
    return answer.json()["detail"]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0, 0, 1), (2, 2, 2, 0, 1)])
def test_any_order_gives_the_results_of_one_request(ann, order):
    options = {"seed": 7, "shots": 50}
    one = ann.submit(BELLS, **options)["job_id"]
    many = whole(ann, BELLS, order=order, **options)
    assert ann.results(many) == ann.results(one)
    assert [entry["label"] for entry in ann.pages(many)] == list(BELLS)


def test_rows_of_a_template_may_come_in_parts(ann):
    options = {"seed": 7, "shots": 50, "template": TEMPLATE}
    one = ann.submit(rows=ROWS, **options)["job_id"]
    many = whole(ann, ROWS, "rows", order=(2, 0, 1), **options)
    results = ann.results(many)
    assert results == ann.results(one)
    assert list(results) == list(ROWS)
    assert results["r0"] == {"0": 50}


def test_observables_and_shot_groups_are_of_the_whole(ann):
    for options in [{"ham_ops": "ZZ|XX", "circuit_ham_map": [[0, 15], [15, 30]]}, {"shot_groups": [[0, 30, 7]]}]:
        options["seed"] = 7
        assert ann.results(whole(ann, BELLS, **options)) == ann.results(ann.submit(BELLS, **options)["job_id"])


def test_the_job_tells_which_parts_have_arrived(ann):
    job_id = ann.submit(upload=True)["job_id"]
    parts = cut(BELLS)
    for number in (2, 0):
        assert put(ann, job_id, number, parts[number]).json()["uploading"]
    job = ann.job(job_id)
    assert job["parts"] == [{"number": 0, "circuits": 10}, {"number": 2, "circuits": 10}]
    assert (job["circuits"], job["status"], job["done"]) == (20, "PENDING", 0)
    assert ann.get(f"/v1/jobs/{job_id}/results").json()["results"] == []


def test_a_part_with_other_circuits_is_a_conflict_and_changes_nothing(ann):
    job_id = ann.submit(upload=True)["job_id"]
    put(ann, job_id, 0, {"a": BELL})
    for other in [{"a": BELL + " "}, {"b": BELL}, {"a": BELL, "b": BELL}]:
        assert "part 0" in conflict(put(ann, job_id, 0, other))
    finalize(ann, job_id, 1)
    assert list(ann.results(job_id)) == ["a"]


def test_a_part_that_is_missing_is_named(ann):
    job_id = ann.submit(upload=True)["job_id"]
    assert "empty" in conflict(finalize(ann, job_id))
    put(ann, job_id, 2, {"c": BELL})
    put(ann, job_id, 0, {"a": BELL})
    assert "part 1 " in conflict(finalize(ann, job_id))
    put(ann, job_id, 1, {"b": BELL})
    assert finalize(ann, job_id).status_code == 200
    assert list(ann.results(job_id)) == ["a", "b", "c"]


def test_another_count_is_refused_and_the_upload_goes_on(ann):
    job_id = ann.submit(upload=True)["job_id"]
    put(ann, job_id, 0, {"a": BELL})
    for count in (0, 2, 10**6):
        assert "1 circuits" in conflict(finalize(ann, job_id, count))
    for count in (10**30, -1):
        assert "$.circuits" in conflict(finalize(ann, job_id, count), 400)
    put(ann, job_id, 1, {"b": BELL})
    assert finalize(ann, job_id, 2).status_code == 200


def test_an_end_may_be_repeated_and_nothing_follows_it(ann):
    job_id = whole(ann, BELLS)
    for count in (None, len(BELLS)):
        assert finalize(ann, job_id, count).json()["uploading"] is False
    assert ann.post(f"/v1/jobs/{job_id}/finalize").status_code == 200
    conflict(put(ann, job_id, 3, {"late": BELL}))
    assert len(ann.results(job_id)) == len(BELLS)


def test_ends_that_race_accept_once(ann):
    job_id = ann.submit(upload=True)["job_id"]
    put(ann, job_id, 0, {"a": BELL})
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: finalize(ann, job_id, 1), range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert list(ann.results(job_id)) == ["a"]


def test_parts_that_race_arrive_once(ann):
    job_id = ann.submit(upload=True)["job_id"]
    parts = cut(BELLS, 3)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: put(ann, job_id, n % 10, parts[n % 10]), range(40)))
    assert {answer.status_code for answer in answers} == {200}
    assert finalize(ann, job_id, 30).status_code == 200


def test_a_cancelled_upload_takes_no_more(ann):
    job_id = ann.submit(upload=True)["job_id"]
    put(ann, job_id, 0, {"a": BELL})
    assert ann.post(f"/v1/jobs/{job_id}/cancel").json()["status"] == "CANCELLED"
    conflict(put(ann, job_id, 0, {"a": BELL}))
    conflict(put(ann, job_id, 1, {"b": BELL}))
    conflict(finalize(ann, job_id))
    assert ann.job(job_id)["status"] == "CANCELLED"


def test_a_deleted_upload_is_gone(ann):
    job_id = ann.submit(upload=True)["job_id"]
    assert ann.delete(f"/v1/jobs/{job_id}").status_code == 204
    assert put(ann, job_id, 0, {"a": BELL}).status_code == 404
    assert finalize(ann, job_id).status_code == 404


def test_a_label_in_two_parts_is_refused_at_the_end(ann):
    job_id = ann.submit(upload=True)["job_id"]
    put(ann, job_id, 0, {"a": BELL})
    put(ann, job_id, 1, {"a": BELL})
    assert "'a'" in conflict(finalize(ann, job_id), 400)


def test_a_part_is_of_the_kind_of_its_job(ann):
    circuits, rows = ann.submit(upload=True), ann.submit(upload=True, template=TEMPLATE)
    assert put(ann, circuits["job_id"], 0, {"a": [1.0]}, "rows").status_code == 400
    assert put(ann, rows["job_id"], 0, {"a": BELL}).status_code == 400
    assert put(ann, rows["job_id"], 0, {"a": [1.0, 2.0]}, "rows").status_code == 400
    both = {"circuits": {"a": BELL}, "rows": {"a": [1.0]}}
    assert ann.put(f"/v1/jobs/{rows['job_id']}/parts/0", json=both).status_code == 400
    assert ann.post("/v1/jobs", json={"upload": True, "circuits": {"a": BELL}}).status_code == 400
    assert ann.post("/v1/jobs", json={"upload": True, "digest": "x"}).status_code == 400
