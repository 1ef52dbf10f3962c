"""The same key gives the same job, once for each user."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from samples import BELL

JOB = {"circuits": {"bell": BELL}, "shots": 100, "seed": 1, "tag": "same", "ham_ops": None}
OTHERS = [
    {**JOB, "shots": 101},
    {**JOB, "seed": 2},
    {**JOB, "tag": "other"},
    {**JOB, "target": "prism"},
    {**JOB, "timeout": 60},
    {**JOB, "circuits": {"bell": BELL + " "}},
    {**JOB, "circuits": {"Bell": BELL}},
    {**JOB, "circuits": {"bell": BELL, "more": BELL}},
    {**JOB, "shots": None, "ham_ops": "ZZ"},
]
UPLOAD = {"upload": True, "shots": 100, "tag": "same"}


def post(caller, body, key):
    return caller.post("/v1/jobs", json=body, headers={"Idempotency-Key": key})


def test_the_same_key_and_body_give_the_same_job(ann):
    first, second = post(ann, JOB, "k"), post(ann, JOB, "k")
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["job_id"] == second.json()["job_id"]
    assert second.headers["location"] == first.headers["location"] == f"/v1/jobs/{first.json()['job_id']}"
    ann.wait(first.json()["job_id"])
    assert post(ann, JOB, "k").json()["status"] == "COMPLETED"
    assert len(ann.get("/v1/jobs").json()["jobs"]) == 1


def test_what_is_no_part_of_the_batch_may_differ(ann):
    first = ann.submit(JOB["circuits"], key="k", default_seed=1)
    assert ann.submit(JOB["circuits"], key="k", default_seed=2, priority=3)["job_id"] == first["job_id"]
    opened = ann.submit(key="u", default_seed=1, upload=True)
    assert ann.submit(key="u", default_seed=2, priority=3, upload=True)["job_id"] == opened["job_id"]


@pytest.mark.parametrize("other", OTHERS)
def test_the_same_key_with_another_body_is_a_conflict(ann, other):
    made = post(ann, JOB, "k").json()
    answer = post(ann, other, "k")
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/key-conflict")
    assert [job["job_id"] for job in ann.get("/v1/jobs").json()["jobs"]] == [made["job_id"]]


def test_uploads_have_keys_too(ann):
    first, second = post(ann, UPLOAD, "k"), post(ann, UPLOAD, "k")
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["job_id"] == second.json()["job_id"]
    assert post(ann, {**UPLOAD, "tag": "other"}, "k").status_code == 409
    digests = [{**UPLOAD, "digest": digit * 32} for digit in "ab"]
    assert [post(ann, body, "d").status_code for body in digests] == [201, 409]


def test_without_a_key_every_submission_is_a_job(ann):
    assert len({ann.submit(JOB["circuits"])["job_id"] for _ in range(3)}) == 3


def test_eight_at_once_make_one_job(ann):
    with ThreadPoolExecutor(8) as pool:
        for number in range(10):
            answers = list(pool.map(lambda _, key=f"race {number}": post(ann, JOB, key), range(8)))
            assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
            assert len({answer.json()["job_id"] for answer in answers}) == 1
    assert len(ann.get("/v1/jobs").json()["jobs"]) == 10


def test_the_key_of_another_user_is_another_key(ann, ben):
    ours, theirs = post(ann, JOB, "k"), post(ben, OTHERS[0], "k")
    assert (ours.status_code, theirs.status_code) == (201, 201)
    assert ours.json()["job_id"] != theirs.json()["job_id"]


@pytest.mark.parametrize(
    "headers",
    [
        [(b"idempotency-key", b"")],
        [(b"idempotency-key", b"k" * 1025)],
        [(b"idempotency-key", "k\u00e9".encode("latin-1"))],
        [(b"idempotency-key", "k\u00e9".encode())],
        [(b"idempotency-key", b"a\tb")],
        [(b"idempotency-key", b"a"), (b"idempotency-key", b"b")],
    ],
)
def test_a_key_that_is_none_is_refused(ann, headers):
    assert ann.post("/v1/jobs", json=JOB, headers=headers).status_code == 400
    assert ann.get("/v1/jobs").json()["jobs"] == []


def test_a_key_of_the_most_characters_is_taken(ann):
    assert post(ann, JOB, "~ " * 511 + "k!").status_code == 201


def test_a_deleted_job_frees_its_key(ann):
    first = post(ann, JOB, "k").json()["job_id"]
    ann.delete(f"/v1/jobs/{first}")
    again = post(ann, OTHERS[0], "k")
    assert again.status_code == 201
    assert again.json()["job_id"] != first
