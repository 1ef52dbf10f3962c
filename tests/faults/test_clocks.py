"""The wall clock of a machine is set back or forward, or the machine sleeps: leases, limits and order do not care.

Programs run under a wall clock that is wrong by as many seconds as a file says, which may change while they run.
"""

import json
import os
import subprocess
import sys

import pytest

from farshot.store import SqlStore, open_engine, sqlite_url
from farshot.testing.stores.values import make_submission
from rights import leave_out
from samples import BELL

HOUR = 3600
ASLEEP = ("/usr/bin/env", "unshare", "--time", "--fork", "--boottime", str(2 * HOUR))
"""Starts a program for which the machine slept: its clock since boot is ahead, the monotonic one is not."""

SITE = """
import datetime, os, pathlib, time
right, error = time.time, pathlib.Path(os.environ["CLOCK_ERROR"])
time.time = lambda: right() + float(error.read_text())
class Datetime(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(time.time(), tz)
datetime.datetime = Datetime
"""
CLAIM = """
import sys
from pathlib import Path
from farshot.store import SqlStore, open_engine, sqlite_url
folder, holder, lease, patient = sys.argv[1:]
store = SqlStore(open_engine(sqlite_url(Path(folder))), lease_seconds=float(lease))
while not (shards := store.claim(holder, 10)) and patient == "patient":
    pass
print([shard.lease.attempt for shard in shards])
"""
JUMP = """
import os, sys, farshot
from farshot.testing.backends import slow_circuits

def set_clock(look, _status):
    with open(os.environ["CLOCK_ERROR"] + ".new", "w") as file:
        file.write("-3600" if look % 2 else "7200")
    os.replace(file.name, os.environ["CLOCK_ERROR"])

options = {"workers": 1, "polling_interval": 0.1, "circuit_timeout": 3000, "job_timeout": 3000}
with farshot.LocalBackend(data_dir=sys.argv[1], **options) as backend:
    handle = backend.submit_circuits(slow_circuits(12, 18))
    print(backend.poll_job_status(handle, loop_until_complete=True, progress_callback=set_clock))
    print({entry["metadata"]["attempt"] for entry in backend.get_job_results(handle).results})
"""
CLOCKS = "import time; print(time.time(), time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic())"


class Machine:
    """Runs programs, all with one store, under a wall clock that is wrong by `error` seconds."""

    def __init__(self, folder):
        self.data = folder / "data"
        self._error = folder / "error"
        (folder / "site").mkdir()
        (folder / "site" / "sitecustomize.py").write_text(SITE)
        self._environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(folder / "site"), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep),
            "CLOCK_ERROR": str(self._error),
            "FARSHOT_WORKER_ENVIRONMENT": "CLOCK_ERROR",
            "FARSHOT_WORKER_PATHS": str(folder),
            "FARSHOT_DATA_DIR": str(self.data),
            "COLUMNS": "200",
        }

    def run(self, *arguments, error=0, before=()):
        self._error.write_text(str(error))
        process = subprocess.run(
            [*before, sys.executable, *map(str, arguments)],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert process.returncode == 0, process.stderr
        return process.stdout

    def farshot(self, *arguments, **options):
        return self.run("-m", "farshot", *arguments, **options)

    def claim(self, holder, *, lease=600, patient=False, **options):
        """Return the attempt of each shard that is given to a program."""
        how = "patient" if patient else "once"
        return json.loads(self.run("-c", CLAIM, self.data, holder, lease, how, **options))

    def clocks(self, **options):
        """Return the wall clock, and how much longer ago than by the monotonic clock the boot was."""
        return [float(text) for text in self.run("-c", CLOCKS, **options).split()]


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


@pytest.fixture
def queued(machine):
    """A job of one shard that nobody runs."""
    store = SqlStore(open_engine(sqlite_url(machine.data)))
    store.add(make_submission(circuits=1))
    store.close()


@pytest.fixture
def asleep():
    """How to start a program after a sleep, which only root can pretend."""
    if subprocess.run([*ASLEEP, "/bin/true"], capture_output=True, check=False).returncode:
        leave_out("no right to make a time namespace")
    return ASLEEP


def test_the_clock_of_these_programs_is_wrong(machine):
    assert machine.clocks()[0] - machine.clocks(error=-HOUR)[0] > HOUR / 2


@pytest.mark.usefixtures("queued")
@pytest.mark.parametrize("error", [-HOUR, HOUR])
def test_a_lease_lasts_whatever_the_clock_says(machine, error):
    assert machine.claim("first") == [1]
    assert machine.claim("second", error=error) == []


@pytest.mark.usefixtures("queued")
def test_a_lease_ends_though_the_clock_was_set_back(machine):
    assert machine.claim("first", lease=0.01) == [1]
    assert machine.claim("second", error=-HOUR, patient=True) == [2]


@pytest.mark.usefixtures("queued")
def test_a_lease_outlasts_a_sleep_of_the_machine(machine, asleep):
    assert machine.clocks(before=asleep)[1] > HOUR
    assert machine.claim("first") == [1]
    assert machine.claim("second", error=2 * HOUR, before=asleep) == []


def test_no_limit_is_reached_by_a_clock_that_jumps(machine):
    assert machine.run("-c", JUMP, machine.data).split("\n")[:2] == ["COMPLETED", "{1}"]


@pytest.fixture
def ended(machine, tmp_path):
    """Two jobs, made one after the other, which ended while the clock was an hour behind."""
    (tmp_path / "bell.qasm").write_text(BELL)
    made = [machine.farshot("submit", tmp_path / "bell.qasm", error=error).split()[-1] for error in (0, -HOUR)]
    machine.farshot("work", "--workers", 1, error=-HOUR)
    return made


def test_jobs_are_listed_in_the_order_in_which_they_were_made(machine, ended):
    jobs = json.loads(machine.farshot("jobs", "--json"))
    assert [job["status"] for job in jobs] == ["COMPLETED", "COMPLETED"]
    assert [job["job_id"] for job in jobs] == ended[::-1]
    assert jobs[1]["finished_at"] < jobs[1]["created_at"]


def test_old_jobs_are_deleted_by_the_age_that_the_clock_gives_them(machine, ended):
    machine.farshot("submit", "--examples", error=-100 * HOUR)
    assert json.loads(machine.farshot("jobs", "prune", "--older-than", "2h", "--yes", "--json")) == {"deleted": 0}
    assert json.loads(machine.farshot("jobs", "prune", "--older-than", "0s", "--yes", "--json", error=-2 * HOUR)) == {
        "deleted": 0
    }
    assert json.loads(machine.farshot("jobs", "prune", "--older-than", "30m", "--yes", "--json")) == {
        "deleted": len(ended)
    }
    assert [job["status"] for job in json.loads(machine.farshot("jobs", "--json"))] == ["PENDING"]
