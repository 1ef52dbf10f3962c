"""Every change is heard of, also across restarts, and by cursors that the service gave only."""

import pytest

from callers import People
from samples import BELL
from serving import running_server


def events(caller, after=None, wait=0):
    query = {"wait": wait} if after is None else {"after": after, "wait": wait}
    answer = caller.get("/v1/events", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def follow(caller, cursor, wanted):
    """Return the statuses heard of each job until all of `wanted` have ended, and the cursor."""
    heard = {}
    while not wanted <= {job_id for job_id, statuses in heard.items() if statuses[-1] == "COMPLETED"}:
        found = events(caller, cursor, wait=10)
        assert int(found["cursor"]) >= int(cursor)
        cursor = found["cursor"]
        for job in found["jobs"]:
            heard.setdefault(job["job_id"], []).append(job["status"])
    return heard, cursor


def test_every_end_is_heard_of_and_each_cursor_goes_on(ann):
    cursor = events(ann)["cursor"]
    jobs = {ann.submit({"a": BELL})["job_id"] for _ in range(20)}
    heard, after = follow(ann, cursor, jobs)
    assert heard.keys() == jobs
    assert events(ann, after)["jobs"] == []
    again = events(ann, cursor)
    assert {job["job_id"]: job["status"] for job in again["jobs"]} == dict.fromkeys(jobs, "COMPLETED")
    cursors = [int(job["cursor"]) for job in again["jobs"]]
    assert cursors == sorted(set(cursors))
    middle = again["jobs"][9]["cursor"]
    assert [job["job_id"] for job in events(ann, middle)["jobs"]] == [job["job_id"] for job in again["jobs"][10:]]


def test_more_changes_than_one_answer_holds(ann):
    jobs = {ann.submit(upload=True)["job_id"] for _ in range(210)}
    heard, cursor = set(), "0"
    while found := events(ann, cursor)["jobs"]:
        heard |= {job["job_id"] for job in found}
        cursor = found[-1]["cursor"]
    assert heard == jobs


def test_nothing_new_is_an_empty_answer_with_the_same_cursor(ann):
    cursor = events(ann)["cursor"]
    assert events(ann, cursor, wait=0.2) == {"jobs": [], "cursor": cursor}


def test_a_deleted_job_is_not_told_of(ann):
    gone, kept = ann.submit({"a": BELL})["job_id"], ann.submit({"a": BELL})["job_id"]
    heard, cursor = follow(ann, "0", {gone, kept})
    assert heard.keys() == {gone, kept}
    assert ann.delete(f"/v1/jobs/{gone}").status_code == 204
    assert events(ann, cursor, wait=0.5) == {"jobs": [], "cursor": cursor}
    assert [job["job_id"] for job in events(ann, "0")["jobs"]] == [kept]
    assert ann.get(f"/v1/jobs/{gone}").status_code == 404


def test_a_cursor_of_one_job_is_one_of_the_feed(ann):
    job = ann.submit({"a": BELL})
    ended = ann.wait(job["job_id"])
    assert [found["status"] for found in events(ann, str(int(job["cursor"]) - 1))["jobs"]] == ["COMPLETED"]
    assert events(ann, ended["cursor"])["jobs"] == []


@pytest.mark.parametrize("cursor", ["", "a", "-1", "1.5", "%D9%A1", "null", "true", "9" * 30, "0x1", "1e3", "%00"])
def test_a_cursor_that_is_none_is_refused(ann, cursor):
    answer = ann.get("/v1/events", params={"after": cursor})
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/parameter")


def test_a_cursor_from_the_future_is_refused_before_anybody_waits_for_it(ann):
    ahead = int(events(ann)["cursor"]) + 1_000_000
    for after in (ahead, 2**63 - 1):
        answer = ann.get("/v1/events", params={"after": after, "wait": 30})
        assert (answer.status_code, answer.json()["type"]) == (400, "/problems/parameter")
    job = ann.submit(upload=True)
    assert [found["job_id"] for found in events(ann, int(job["cursor"]) - 1)["jobs"]] == [job["job_id"]]


def test_a_cursor_outlives_the_service(tmp_path):
    with running_server(tmp_path, "--workers", "1") as server:
        people = People(server)
        ann = people()
        cursor = events(ann)["cursor"]
        first = ann.submit({"a": BELL})["job_id"]
        ann.wait(first)
        server.kill()
        server.start()
        try:
            assert [job["job_id"] for job in events(ann, cursor)["jobs"]] == [first]
            middle = events(ann)["cursor"]
            assert int(middle) > int(cursor)
            second = ann.submit({"a": BELL})["job_id"]
            assert follow(ann, middle, {second})[0].keys() == {second}
            assert {job["job_id"] for job in events(ann, cursor)["jobs"]} == {first, second}
        finally:
            people.close()
