"""Pages, lines and frames of results tell the same, whatever became of the job; pages of jobs stay in place."""

import itertools
import threading

import pytest

from callers import FRAMES
from farshot.backends.entries import failure_entry, json_entry, part_entries
from farshot.testing.backends import slow_circuits
from farshot.wire import FrameReader, GapFrame, HeadFrame, PartFrame, TailFrame
from samples import BELL

BELLS = {f"c{number}": BELL for number in range(1200)}
SLOW = dict(itertools.islice(slow_circuits(40).items(), 40))
SOME = {f"c{number}": BELL if number % 3 else "no circuit" for number in range(50)}
STABLE = ("label", "results", "error")


def frames(caller, job_id, **query):
    """Return positions, entries as JSON has them, and how the stream ended."""
    reader, observables, entries = FrameReader(), None, []
    with caller.stream("GET", f"/v1/jobs/{job_id}/results", params=query, headers={"Accept": FRAMES}) as response:
        assert response.headers["content-type"] == FRAMES
        for data in response.iter_bytes():
            for frame in reader.feed(data):
                if isinstance(frame, HeadFrame):
                    observables = frame.observables
                elif isinstance(frame, PartFrame):
                    entries += [(place, json_entry(entry)) for place, entry in part_entries(frame, observables)]
                elif isinstance(frame, GapFrame):
                    numbered = enumerate(frame.labels, frame.first)
                    entries += [(position, failure_entry(label, frame.fault)) for position, label in numbered]
                else:
                    assert isinstance(frame, TailFrame)
                    return entries, frame.status
    raise AssertionError(entries)


def plain(entries):
    return [{name: entry.get(name) for name in STABLE} for entry in entries]


def completed(caller):
    return caller.submit(BELLS, shots=10)["job_id"], "COMPLETED"


def measured(caller):
    job = caller.submit(dict(list(BELLS.items())[:20]), ham_ops="ZZ;XX|YY", circuit_ham_map=[[0, 10], [10, 20]])
    return job["job_id"], "COMPLETED"


def failed(caller):
    return caller.submit(SOME, shots=10)["job_id"], "FAILED"


def cancelled(caller):
    job_id = caller.submit({**SLOW, **SOME}, shots=10)["job_id"]
    caller.wait(job_id, {"RUNNING"})
    caller.post(f"/v1/jobs/{job_id}/cancel")
    return job_id, "CANCELLED"


def cancelled_before_it_ran(caller):
    job_id = caller.submit(upload=True)["job_id"]
    caller.post(f"/v1/jobs/{job_id}/cancel")
    return job_id, "CANCELLED"


def timed_out(caller):
    return caller.submit({**SOME, **SLOW}, shots=10, timeout=0.3)["job_id"], "FAILED"


KINDS = [completed, measured, failed, cancelled, cancelled_before_it_ran, timed_out]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("follow", ["false", "true"])
def test_every_form_tells_the_same(ann, kind, follow):
    job_id, status = kind(ann)
    job = ann.wait(job_id)
    assert job["status"] == status
    pages = ann.pages(job_id, limit=7)
    assert len(pages) == job["circuits"]
    assert pages == ann.pages(job_id, limit=1000)
    found, ended = frames(ann, job_id, follow=follow)
    assert (ended, [position for position, _ in sorted(found, key=lambda pair: pair[0])]) == (
        status,
        list(range(job["circuits"])),
    )
    assert [entry for _, entry in sorted(found, key=lambda pair: pair[0])] == pages
    lines = ann.lines(job_id, follow=follow)
    assert sorted(lines, key=lambda entry: entry["label"]) == sorted(pages, key=lambda entry: entry["label"])


def test_the_pages_of_a_job_that_was_timed_out_name_its_fault(ann):
    job_id, _ = timed_out(ann)
    job = ann.wait(job_id)
    assert job["error"]["code"] == "timeout"
    errors = {entry["error"]["code"] for entry in ann.pages(job_id) if "error" in entry}
    assert errors <= {"timeout", "parse"}


@pytest.mark.parametrize("end", ["completes", "cancelled"])
def test_who_follows_gets_every_circuit_once_and_the_stream_ends(ann, end):
    circuits = {**dict(list(SLOW.items())[:4]), **SOME, **{f"d{number}": BELL for number in range(600)}}
    circuits = circuits if end == "completes" else {**SOME, **SLOW}
    job_id = ann.submit(circuits, shots=10)["job_id"]
    got = {}

    def follow(name, read):
        got[name] = read(job_id, follow="true")

    readers = [("lines", ann.lines), ("frames", lambda *given, **query: frames(ann, *given, **query))]
    threads = [threading.Thread(target=follow, args=reader) for reader in readers]
    for thread in threads:
        thread.start()
    if end == "cancelled":
        ann.wait(job_id, {"RUNNING"})
        ann.post(f"/v1/jobs/{job_id}/cancel")
    for thread in threads:
        thread.join(60)
    entries, status = got["frames"]
    assert status == ann.job(job_id)["status"]
    assert status == ("FAILED" if end == "completes" else "CANCELLED")
    assert sorted(position for position, _ in entries) == list(range(len(circuits)))
    assert sorted(entry["label"] for entry in got["lines"]) == sorted(circuits)


def test_what_is_recorded_can_be_read_while_the_job_runs(ann):
    job_id = ann.submit({"first": BELL, **SLOW}, shots=10)["job_id"]
    job = ann.wait(job_id, {"RUNNING"})
    while not job["done"]:
        job = ann.job(job_id, after=job["cursor"], wait=10)
    pages, (entries, status) = ann.pages(job_id), frames(ann, job_id)
    assert 0 < len(pages) <= len(entries) < len(SLOW) + 1
    assert status == "RUNNING"
    assert ann.get(f"/v1/jobs/{job_id}/results").json()["status"] == "RUNNING"
    ann.post(f"/v1/jobs/{job_id}/cancel")


def test_a_page_of_large_results_is_short(ann):
    wide = "OPENQASM 2.0;\nqreg q[2000];\ncreg c[2000];\n" + 'include "qelib1.inc";\nh q;\nmeasure q -> c;\n'
    job_id = ann.submit({f"w{number}": wide for number in range(9)}, shots=1000, target="prism:stabilizer")["job_id"]
    assert ann.wait(job_id)["status"] == "COMPLETED"
    first = ann.get(f"/v1/jobs/{job_id}/results", params={"limit": 1000})
    assert len(first.content) < 8 * 2**20
    assert first.json()["next"]
    pages = ann.pages(job_id, limit=1000)
    assert [entry["label"] for entry in pages] == [f"w{number}" for number in range(9)]
    assert pages == [entry for _, entry in frames(ann, job_id)[0]]


def test_pages_of_jobs_stay_in_place_while_jobs_are_added_and_deleted(ann):
    made = [ann.submit({"a": BELL}, tag=f"t{number % 2}")["job_id"] for number in range(11)]
    seen, query = [], {"limit": 3}
    while True:
        page = ann.get("/v1/jobs", params=query).json()
        seen += [job["job_id"] for job in page["jobs"]]
        ann.submit({"late": BELL})
        if len(seen) == 6:
            ann.delete(f"/v1/jobs/{seen[-1]}")
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert seen == made[::-1]
    tagged = ann.get("/v1/jobs", params={"tag": "t1", "limit": 500}).json()
    assert [job["job_id"] for job in tagged["jobs"]] == [job for job in made[1::2][::-1] if job != seen[5]]


def test_lists_are_by_status_and_time(ann):
    done = ann.submit({"a": BELL})["job_id"]
    ended = ann.wait(done)
    opened = ann.submit(upload=True)
    by = (
        {"status": "COMPLETED"},
        {"status": "PENDING"},
        {"since": opened["created_at"]},
        {"until": opened["created_at"]},
    )
    found = [[job["job_id"] for job in ann.get("/v1/jobs", params=query).json()["jobs"]] for query in by]
    assert found == [[done], [opened["job_id"]], [opened["job_id"]], [done]]
    assert ended["created_at"] < ended["finished_at"] <= opened["created_at"]
