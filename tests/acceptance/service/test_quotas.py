"""What a user may have, and that nobody waits for somebody else's large job."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from callers import People
from farshot.accounts import Quota
from farshot.testing.backends import slow_circuits
from samples import BELL
from serving import running_server

BELLS = {f"c{number}": BELL for number in range(10)}
SIZE = sum(len(label) + len(source) for label, source in BELLS.items())


def refused(answer):
    assert answer.status_code == 429, answer.text
    assert answer.json()["type"] == "/problems/quota"
    wait = answer.headers.get("retry-after")
    assert wait is None or int(wait) >= 1
    return wait


def post(caller, key=None, **options):
    headers = {} if key is None else {"Idempotency-Key": key}
    return caller.post("/v1/jobs", json={"circuits": BELLS, **options}, headers=headers)


@pytest.fixture
def slow(ann):
    """A job of somebody else that keeps the workers busy."""
    job_id = ann.submit(slow_circuits(24), shots=1)["job_id"]
    ann.wait(job_id, {"RUNNING"})
    yield ann
    ann.post(f"/v1/jobs/{job_id}/cancel")


def test_circuits_that_wait_are_counted_until_they_are_done(new_user):
    few = new_user(quota=Quota(queued_circuits=15))
    assert refused(few.post("/v1/jobs", json={"circuits": {f"c{n}": BELL for n in range(16)}}))
    first = few.submit(slow_circuits(10), shots=1)["job_id"]
    assert refused(post(few))
    few.post(f"/v1/jobs/{first}/cancel")
    assert post(few).status_code == 201


def test_shots_are_counted_for_a_day_also_those_of_deleted_jobs_of_the_list(new_user):
    few = new_user(quota=Quota(shots_per_day=1500))
    job = post(few, shots=100).json()["job_id"]
    few.wait(job)
    assert int(refused(post(few, shots=51))) > 60
    assert few.get("/v1/me").json()["usage"]["shots_per_day"] == 1000
    assert post(few, shots=50).status_code == 201
    assert post(few, ham_ops="ZZ").status_code == 201


def test_bytes_are_counted_until_the_job_is_deleted_and_waiting_is_no_help(new_user):
    few = new_user(quota=Quota(stored_bytes=4 * SIZE))
    jobs = []
    while (answer := post(few)).status_code == 201:
        jobs.append(answer.json()["job_id"])
        few.wait(jobs[-1])
    assert refused(answer) is None
    assert "delete" in answer.json()["detail"]
    assert 1 <= len(jobs) <= 4
    assert few.get("/v1/me").json()["usage"]["stored_bytes"] > 0
    for job_id in jobs:
        few.delete(f"/v1/jobs/{job_id}")
    assert post(few).status_code == 201


def test_the_text_of_a_template_is_counted_too(new_user):
    few = new_user(quota=Quota(stored_bytes=100_000))
    source = "qreg q[1]; rx(a) q[0];" + " " * 200_000
    body = {"template": {"source": source, "parameters": ["a"]}, "rows": {"one": [1]}}
    assert refused(few.post("/v1/jobs", json=body)) is None
    assert refused(few.post("/v1/jobs", json={**body, "rows": None, "upload": True})) is None
    smaller = {"template": {"source": source[:40_000], "parameters": ["a"]}, "rows": {"one": [1]}}
    assert [few.post("/v1/jobs", json=smaller).status_code for _ in range(3)] == [201, 201, 429]
    assert few.get("/v1/me").json()["usage"]["stored_bytes"] > 80_000


@pytest.mark.parametrize("name", ["queued_circuits", "shots_per_day", "stored_bytes"])
def test_nothing_at_all_is_a_quota_too_and_is_of_one_user(ann, new_user, name):
    none = new_user(quota=Quota(**{name: 0}))
    refused(post(none))
    assert none.get("/v1/jobs").json()["jobs"] == []
    assert none.get("/v1/me").json()["quota"][name] == 0
    assert ann.get("/v1/me").json()["quota"][name] is None
    assert post(ann).status_code == 201


@pytest.mark.parametrize(
    ("quota", "circuits"),
    [
        (Quota(shots_per_day=1000), BELLS),
        (Quota(stored_bytes=4 * SIZE), BELLS),
        (Quota(queued_circuits=10), slow_circuits(10)),  # nothing of it is done before the others ask
    ],
)
def test_what_was_accepted_may_be_sent_again_whatever_is_full(new_user, slow, quota, circuits):  # noqa: ARG001 -- workers are busy
    full = new_user(quota=quota)
    first = post(full, key="k", shots=100, circuits=circuits)
    assert first.status_code == 201
    assert quota.stored_bytes or refused(post(full, shots=100))
    again = post(full, key="k", shots=100, circuits=circuits)
    assert (again.status_code, again.json()["job_id"]) == (200, first.json()["job_id"])
    full.post(f"/v1/jobs/{first.json()['job_id']}/cancel")


def test_uploads_are_held_to_it(new_user):
    few = new_user(quota=Quota(queued_circuits=10, shots_per_day=1000))
    job_id = few.submit(upload=True, shots=101)["job_id"]
    path = f"/v1/jobs/{job_id}"
    assert few.put(f"{path}/parts/0", json={"circuits": BELLS}).status_code == 200
    assert few.put(f"{path}/parts/0", json={"circuits": BELLS}).status_code == 200
    refused(few.put(f"{path}/parts/1", json={"circuits": {"more": BELL}}))
    refused(few.post(f"{path}/finalize"))
    assert few.job(job_id)["uploading"]


def test_limits_of_the_service_hold_for_who_has_none(tmp_path):
    options = ["--queued-circuits", "20", "--shots-per-day", "5000", "--stored-bytes", "1MiB", "--running-shards", "1"]
    with running_server(tmp_path, "--workers", "2", "--job-timeout", "1h", *options) as server:
        people = People(server)
        ann, ben = people(), people(quota=Quota(queued_circuits=30))
        limits = {"queued_circuits": 20, "shots_per_day": 5000, "stored_bytes": 2**20, "running_shards": 1}
        assert ann.get("/v1/me").json()["quota"] == limits
        assert ben.get("/v1/me").json()["quota"] == {**limits, "queued_circuits": 30}
        assert ann.get("/v1/targets").json()["targets"]
        job_id = ann.submit(slow_circuits(20), shots=1)["job_id"]
        job, most = ann.wait(job_id, {"RUNNING"}), 0
        while job["done"] < 2:
            most = max(most, ann.get("/v1/me").json()["usage"]["running_shards"])
            job = ann.job(job_id)
        assert most == 1
        ann.post(f"/v1/jobs/{job_id}/cancel")
        people.close()


def test_only_what_the_service_offers_is_taken(tmp_path):
    with running_server(tmp_path, "--workers", "1", "--target", "prism", "--target", "prism:mps") as server:
        people = People(server)
        ann = people()
        assert [target["name"] for target in ann.get("/v1/targets").json()["targets"]] == ["prism", "prism:mps"]
        answer = post(ann, target="prism:stabilizer")
        assert (answer.status_code, answer.json()["type"]) == (400, "/problems/target")
        assert "prism:mps" in answer.json()["detail"]
        assert ann.wait(post(ann, target="prism").json()["job_id"])["status"] == "COMPLETED"
        people.close()


def test_a_small_job_ends_while_a_large_one_of_another_runs(slow, ben):
    large = slow.get("/v1/jobs").json()["jobs"][0]["job_id"]
    assert ben.wait(ben.submit(BELLS)["job_id"])["status"] == "COMPLETED"
    assert slow.job(large)["status"] == "RUNNING"


def test_a_job_whose_results_are_too_many_bytes_ends_with_the_numbers(new_user):
    few = new_user(quota=Quota(stored_bytes=40_000))
    wide = "OPENQASM 2.0; include 'qelib1.inc'; qreg q[16]; creg c[16]; h q; measure q -> c;".replace("'", '"')
    job = few.wait(few.submit({f"c{number}": wide for number in range(20)}, shots=4000)["job_id"])
    assert job["status"] == "FAILED"
    assert job["error"]["code"] == "admission"
    assert "of 40,000 bytes" in job["error"]["message"]
    entries = few.pages(job["job_id"])
    assert len(entries) == 20
    errors = [entry["error"] for entry in entries if "error" in entry]
    assert errors == [{**job["error"], "line": None, "column": None}] * (20 - job["done"])
    assert few.get("/v1/me").json()["usage"]["stored_bytes"] <= 40_000


def test_an_admin_does_not_fill_the_drafts_of_others_beyond_their_quota(new_user):
    few, admin = new_user(quota=Quota(queued_circuits=5)), new_user(admin=True)
    job_id = few.submit(upload=True)["job_id"]
    refused(admin.put(f"/v1/jobs/{job_id}/parts/0", json={"circuits": BELLS}))


def test_at_the_same_time_no_more_is_accepted_than_one_after_the_other(new_user, slow):  # noqa: ARG001 -- workers are busy
    few = new_user(quota=Quota(queued_circuits=50))
    long = {"circuits": slow_circuits(10, 25)}
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: few.post("/v1/jobs", json=long), range(12)))
    assert sorted(answer.status_code for answer in answers) == [201] * 5 + [429] * 7
    for answer in answers:
        if answer.status_code == 201:
            few.post(f"/v1/jobs/{answer.json()['job_id']}/cancel")
