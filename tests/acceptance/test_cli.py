"""The command line as people and programs use it: the real program in a process of its own."""

import csv
import io
import shutil
import signal
import subprocess
import sys
import time

import pytest

from commandline import Farshot, heavy, wait_until
from samples import BELL

WRONG = BELL.replace("h q[0];", "hadamard q[0];")


@pytest.fixture
def farshot(tmp_path):
    return Farshot(tmp_path)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A store with one job: two good circuits and a wrong one between them."""
    farshot = Farshot(tmp_path_factory.mktemp("finished"))
    farshot.write(a_bell=BELL, b_wrong=WRONG, c_bell=BELL)
    farshot.job = farshot.json("run", ".", "--seed", "7", "--tag", "first", status=1)
    farshot.id = farshot.job["job_id"]
    return farshot


def jobs(farshot):
    return farshot.json("jobs") if (farshot.folder / "data").exists() else []


def test_the_examples_run_and_give_what_they_say(farshot):
    job = farshot.json("run", "--examples", "--shots", "1000")
    found = {entry["label"]: entry["results"] for entry in job["results"]}
    assert job["status"] == "COMPLETED"
    assert set(found["bell"]) == {"00", "11"}
    assert set(found["ghz_5"]) == {"00000", "11111"}
    assert found["qft_4"] == {"0101": 1000}
    assert found["phase_estimation"] == {"0101": 1000}
    assert found["grover_3"]["101"] > 900
    assert found["vqe_h2"]["10"] > 960
    assert 180 < sum(count for key, count in found["teleportation"].items() if key[0] == "1") < 320
    assert set(sorted(found["qaoa_maxcut_6"], key=found["qaoa_maxcut_6"].get)[-2:]) == {"010101", "101010"}


@pytest.mark.parametrize("columns", [60, 120])
def test_the_table_fits_the_terminal(finished, columns):
    out, err = finished("results", finished.id, status=1, COLUMNS=str(columns))
    lines = out.splitlines()
    assert max(len(line) for line in lines) <= columns
    assert "".join(lines[:2]).split()[:3] == ["circuit", "bits", "outcome"]
    assert "b_wrong" in out
    assert "█" in out
    assert err == ""


def test_a_wrong_circuit_fails_alone(finished):
    first, wrong, last = finished.job["results"]
    assert finished.job["status"] == "FAILED"
    assert sum(first["results"].values()) == sum(last["results"].values()) == 1000
    assert (wrong["label"], wrong["error"]["code"]) == ("b_wrong", "parse")
    assert (wrong["error"]["line"], wrong["error"]["column"]) == (5, 1)


def test_a_seed_repeats_the_counts(finished):
    again = finished.json("run", "a_bell.qasm", "c_bell.qasm", "--seed", "7", "--data-dir", "other")
    counts = [entry["results"] for entry in finished.job["results"] if "results" in entry]
    assert [entry["results"] for entry in again["results"]] == counts


def test_results_can_be_read_again_in_every_form(finished):
    assert finished.json("results", finished.id, status=1) == finished.job
    out, _ = finished("results", finished.id[:6], "--csv", status=1)
    rows = list(csv.DictReader(io.StringIO(out)))
    assert {row["label"] for row in rows} == {"a_bell", "b_wrong", "c_bell"}
    assert sum(int(row["count"]) for row in rows if row["label"] == "a_bell") == 1000
    assert [row["error"][:6] for row in rows if row["error"]] == ["parse:"]


def test_expectation_values_are_shown_as_values(farshot):
    farshot.write(bell=BELL)
    options = ("run", "bell.qasm", "--observable", "ZZ", "--observable", "XX", "--observable", "ZI")
    assert farshot.json(*options)["results"][0]["results"] == pytest.approx({"ZZ": 1, "XX": 1, "ZI": 0})
    out, _ = farshot(*options)
    assert "+1.000000" in out


def test_a_circuit_is_read_from_standard_input(farshot):
    job = farshot.json("run", "-", text=BELL)
    assert [entry["label"] for entry in job["results"]] == ["stdin"]


def test_the_text_of_a_circuit_that_is_no_unicode_is_its_own_fault(farshot):
    farshot.write(bell=BELL)
    (farshot.folder / "latin.qasm").write_bytes(BELL.encode() + b"// caf\xe9\n")
    (farshot.folder / "sub").mkdir()
    shutil.copy(farshot.folder / "bell.qasm", farshot.folder / "sub")
    good, wrong, other = farshot.json("run", ".", status=1)["results"]
    assert [good["label"], wrong["label"], other["label"]] == ["bell.qasm", "latin", "sub/bell.qasm"]
    assert "error" in wrong


WRONG_CALLS = (
    (["bel.qasm"], "error: no file 'bel.qasm'; did you mean 'bell.qasm'?\n"),
    (["bell.qasm", "empty"], "error: no .qasm, .qasm2 or .qasm3 file in the folder 'empty' or below it\n"),
    ([], "error: no circuits named"),
    (["bell.qasm", "--target", "abacus"], "error: no target 'abacus'"),
    (["bell.qasm", "--observable", "ZQ"], "ZQ"),
    (["bell.qasm", "wrong.qasm", "--validate"], "'wrong': line 5, column 1"),
)


def test_what_is_wrong_with_the_call_is_said_and_nothing_is_submitted(farshot):
    farshot.write(bell=BELL, wrong=WRONG)
    (farshot.folder / "empty").mkdir()
    for arguments, message in WRONG_CALLS:
        out, err = farshot("run", *arguments, status=2)
        assert out == ""
        assert message in err
    assert farshot.json("jobs") == []


def test_a_job_that_is_exported_and_run_again_gives_the_same(farshot):
    seed = 2**63 - 12345
    farshot.write(**{"a bell": BELL, "plain": BELL, "wrong": WRONG})
    first = farshot.json("run", ".", "--seed", str(seed), "--shots", "200", status=1)
    assert first["options"] == {"target": "auto", "seed": str(seed), "shots": 200, "priority": 0}
    assert isinstance(first["results"][0]["metadata"]["seed"], str)
    out, _ = farshot("export", first["job_id"], "copy")
    assert out == "copy/batch.json\n"
    assert sorted(path.name for path in (farshot.folder / "copy").iterdir()) == [
        "batch.json",
        "circuit-0.qasm",
        "plain.qasm",
        "wrong.qasm",
    ]
    again = farshot.json("run", "copy/batch.json", status=1)
    assert again["options"] == first["options"]
    for entry, other in zip(again["results"], first["results"], strict=True):
        assert (entry["label"], entry.get("results")) == (other["label"], other.get("results"))
    assert farshot.json("run", "copy/batch.json", "--shots", "5", status=1)["options"]["shots"] == 5
    _, err = farshot("export", first["job_id"], "copy", status=2)
    assert "not empty" in err


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"circuits": {"a": "../b"}, "options": {"seed": "1"}}', "[" * 100_000]
)
def test_a_batch_that_nobody_exported_is_refused(farshot, text):
    (farshot.folder / "batch.json").write_text(text)
    _, err = farshot("run", "batch.json", status=2)
    assert "no batch that" in err


def test_a_queued_job_waits_for_work(farshot):
    farshot.write(bell=BELL, wrong=WRONG)
    out, err = farshot("submit", "bell.qasm", "wrong.qasm", "--tag", "night")
    job_id = out.strip()
    assert "farshot work" in err
    assert farshot.json("status", job_id)["status"] == "PENDING"
    _, err = farshot("results", job_id, status=1)
    assert "--partial" in err
    queued = farshot.json("results", job_id, "--partial")
    assert (queued["job_id"], queued["status"], queued["results"]) == (job_id, "PENDING", [])
    out, _ = farshot("work", status=1)
    assert f"job {job_id[:8]} FAILED: 2 circuits, 1 failed" in out
    assert [job["tag"] for job in farshot.json("jobs", "--status", "failed")] == ["night"]


def test_a_watched_job_can_be_cancelled_and_that_twice(farshot):
    farshot.write(slow=heavy(25))
    job_id = farshot.json("submit", "slow.qasm")["job_id"]
    watching = farshot.start("watch", job_id)
    assert watching.stderr.readline().startswith(f"job {job_id[:8]} ")  # where it stands, in a pipe that shows no bar
    assert farshot.json("cancel", job_id)["circuits_cancelled"] == 1
    out, _ = farshot("cancel", job_id)
    assert out == f"job {job_id[:8]} is CANCELLED already: nothing to cancel\n"
    out, _ = watching.communicate(timeout=180)
    assert watching.returncode == 1
    assert "CANCELLED" in out


def test_a_finished_job_is_listed_described_and_watched(finished):
    (job,) = finished.json("jobs", "--tag", "first")
    assert (job["job_id"], job["status"], job["circuits"], job["failed"]) == (finished.id, "FAILED", 3, 1)
    ended = {"jobs_ahead": None, "remaining": None, "running": []}
    assert finished.json("status", finished.id[:4].upper()) == job | ended | {"options": finished.job["options"]}
    for arguments, status in ((["jobs"], 0), (["watch", finished.id], 1), (["cancel", finished.id], 0)):
        out, _ = finished(*arguments, status=status)
        assert finished.id[:8] in out
        assert "FAILED" in out


@pytest.mark.parametrize("given", ["ab", "0" * 32])
def test_a_job_that_is_not_there_is_a_mistake_of_usage(finished, given):
    _, err = finished("status", given, status=2)
    assert err.startswith("error: ")
    assert err.count("\n") == 1


def test_ctrl_c_before_anything_is_submitted_is_told(farshot):
    process = farshot.start("run", "-")
    process.stdin.write("/" * 200_000)  # more than a pipe holds: the program reads by now
    process.stdin.flush()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, "interrupted\n")
    assert jobs(farshot) == []


def test_ctrl_c_stops_the_work_and_keeps_what_there_is(farshot):
    text = heavy()
    farshot.write(aaa=BELL, **{f"heavy_{number:02}": text for number in range(40)})
    process = farshot.start("run", ".", "--workers", "2")
    wait_until(lambda: any(job["done"] for job in jobs(farshot)))
    process.send_signal(signal.SIGINT)
    sent = time.monotonic()
    out, err = process.communicate(timeout=180)
    assert time.monotonic() - sent < 5
    assert process.returncode == 130
    assert out == ""
    assert "of 41 circuits had been recorded: farshot results" in err
    (job,) = farshot.json("jobs")
    assert job["status"] == "CANCELLED"
    assert 1 <= job["done"] < 41
    results = farshot.json("results", job["job_id"], status=1)["results"]
    assert len([entry for entry in results if "results" in entry]) == job["done"]
    assert {entry["error"]["code"] for entry in results if "error" in entry} == {"cancelled"}


def test_a_reader_that_leaves_early_is_no_error(finished):
    process = finished.start("results", finished.id)
    process.stdout.close()
    assert process.stderr.read() == ""
    process.communicate(timeout=180)


def test_targets_say_what_can_be_used(finished):
    names = {target["name"]: target["usable"] for target in finished.json("targets")}
    assert names["auto"]
    assert names["prism:stabilizer"]
    out, _ = finished("targets", COLUMNS="60")
    assert all(name in out for name in names)


def test_doctor_runs_a_circuit_and_looks_at_the_folder(finished):
    report = finished.json("doctor")
    assert report["ok"]
    assert {"python", "prism-q", "store", "one circuit"} <= {check["name"] for check in report["checks"]}
    data = finished.folder / "open"
    data.mkdir(mode=0o755)
    data.chmod(0o755)
    out, _ = finished("doctor", "--data-dir", str(data), status=1, COLUMNS="300")
    assert f"chmod 700 {data}" in out


LOCAL_COMMANDS = ("run", "submit", "work", "jobs", "status", "watch", "results", "cancel", "targets", "doctor")
SERVICE_COMMANDS = ("serve", "token", "user", "login", "logout")


def test_the_package_is_the_program():
    command = [sys.executable, "-m", "farshot", "--version"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.startswith("farshot ")


def test_every_command_is_described(farshot):
    out, _ = farshot("--help")
    for command in (*LOCAL_COMMANDS, *SERVICE_COMMANDS):
        assert f"  {command} " in out
        described, _ = farshot(command, "--help", COLUMNS="80")
        assert max(map(len, described.splitlines())) <= 80
