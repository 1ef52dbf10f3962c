"""Commands about jobs on the store of this machine: who works on them, why they failed, which of them to cancel."""

import pytest

from commandline import Farshot, heavy, wait_until
from samples import BELL

WRONG = BELL.replace("h q[0];", "hadamard q[0];")


@pytest.fixture
def farshot(tmp_path):
    return Farshot(tmp_path)


def statuses(farshot):
    return {job["tag"]: job["status"] for job in farshot.json("jobs")}


def test_a_job_that_nobody_works_on_says_so(farshot):
    farshot.write(bell=BELL)
    job_id = farshot.json("submit", "bell.qasm")["job_id"]
    _, err = farshot("jobs")
    assert "1 job waits for a worker: run `farshot work`" in err
    out, _ = farshot("status", job_id, COLUMNS="200")
    assert "for a worker: run `farshot work`" in out
    assert farshot.json("status", job_id)["waits_for_worker"]
    farshot("work")
    assert not farshot.json("status", job_id)["waits_for_worker"]
    assert "waits" not in "".join(farshot("jobs"))


def test_a_job_whose_program_died_says_so(farshot):
    farshot.write(bell=BELL, slow=heavy(27))
    running = farshot.start("run", ".", "--workers", "1")
    wait_until(lambda: any(job["status"] == "RUNNING" for job in farshot.json("jobs")))
    (job,) = farshot.json("jobs")
    assert not job["waits_for_worker"]
    running.kill()
    running.communicate(timeout=180)
    out, _ = farshot("status", job["job_id"], COLUMNS="200")
    assert "the program that ran it has ended; `farshot work` goes on with it" in out
    assert farshot.json("status", job["job_id"])["status"] == "RUNNING"


def test_watching_works_on_the_job(farshot):
    farshot.write(bell=BELL)
    job_id = farshot.json("submit", "bell.qasm")["job_id"]
    out, _ = farshot("watch", job_id)
    assert f"job {job_id[:8]} COMPLETED" in out


def test_the_status_of_a_job_that_failed_says_why_each_reason_once(farshot):
    farshot.write(a=WRONG, b=BELL, c=WRONG, d=BELL.replace("cx q[0],q[1]", "cx q[0],q[7]"))
    job_id = farshot.json("run", ".", status=1)["job_id"]
    out, _ = farshot("status", job_id, COLUMNS="200")
    assert "3 circuits without a result" in out
    assert out.count("hadamard") == 1
    assert "a +1 more" in out
    assert "line 6" in out


def test_jobs_are_cancelled_by_ids_by_tag_or_all(farshot):
    farshot.write(bell=BELL)
    ids = [farshot.json("submit", "bell.qasm", "--tag", tag)["job_id"] for tag in ("one", "two", "three", "four")]
    for arguments in ([], ["--all", "--tag", "one"], [ids[0], "--all"]):
        _, err = farshot("cancel", *arguments, status=2)
        assert "say which jobs" in err
    _, err = farshot("cancel", "--all", status=2)
    assert "that would cancel 4 open jobs: say --yes" in err
    assert set(statuses(farshot).values()) == {"PENDING"}
    out, _ = farshot("cancel", ids[0], ids[1][:8])
    assert out.count("is CANCELLED: 1 of 1 circuit stopped") == 2
    assert [answer["job_id"] for answer in farshot.json("cancel", "--tag", "three")] == [ids[2]]
    out, _ = farshot("cancel", "--all", "--yes")
    assert ids[3][:8] in out
    assert set(statuses(farshot).values()) == {"CANCELLED"}
    out, _ = farshot("cancel", "--all")
    assert out == "nothing is cancelled\n"


def test_a_job_of_higher_priority_comes_first(farshot):
    farshot.write(bell=BELL)
    first = farshot.json("submit", "bell.qasm")["job_id"]
    second = farshot.json("submit", "bell.qasm", "--priority", "9")["job_id"]
    out, _ = farshot("work", "--workers", "1")
    assert {first[:8], second[:8]} == {line.split()[1] for line in out.splitlines()}
    done = {job["job_id"]: job["finished_at"] for job in farshot.json("jobs")}
    assert done[second] <= done[first]  # both may be recorded together
    _, err = farshot("submit", "bell.qasm", "--priority", "10", status=2)
    assert "less than or equal to 9" in err


def test_a_table_can_be_cut(farshot):
    farshot.write(**{f"bell_{number}": BELL for number in range(5)})
    job_id = farshot.json("run", ".")["job_id"]
    out, _ = farshot("results", job_id, "--limit", "2")
    assert "... and 3 more circuits" in out
    assert "bell_3" not in out
