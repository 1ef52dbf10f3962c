"""`farshot delete` and `farshot jobs prune`, on this machine: they ask, look first, and say what they did."""

import json

import pytest

import commands
from commands import KEPT
from farshot.store import SqlStore, open_engine, sqlite_url
from farshot.testing.stores.values import make_submission


@pytest.fixture
def jobs(tmp_path):
    """A job that was cancelled and two that wait."""
    store = SqlStore(open_engine(sqlite_url(tmp_path)))
    found = [store.add(make_submission()).id for _ in range(3)]
    store.cancel(found[0])
    store.close()
    return found


@pytest.fixture
def farshot(tmp_path):
    def run(*arguments, status=0):
        environment = {**KEPT, "FARSHOT_DATA_DIR": str(tmp_path), "COLUMNS": "200"}
        process = commands.run(*arguments, environment=environment)
        assert process.returncode == status, process.stderr
        return process.stdout + process.stderr

    return run


def left(farshot):
    return {job["job_id"] for job in json.loads(farshot("jobs", "--json"))}


def test_several_jobs_are_deleted_at_once(farshot, jobs):
    assert "say --yes" in farshot("delete", jobs[0], jobs[1], status=2)
    assert farshot("delete", jobs[0], jobs[1], "--dry-run") == "2 jobs would be deleted\n"
    assert left(farshot) == set(jobs)
    assert farshot("delete", jobs[0], jobs[1], "--yes") == "2 jobs deleted\n"
    assert left(farshot) == {jobs[2]}
    assert "no job" in farshot("delete", jobs[0], "--yes", status=2)


def test_prune_looks_first_and_wants_a_yes(farshot, jobs):
    assert json.loads(farshot("jobs", "prune", "--older-than", "0s", "--dry-run", "--json")) == {"would_be_deleted": 1}
    assert "that would delete 1 job" in farshot("jobs", "prune", "--older-than", "0s", status=2)
    assert left(farshot) == set(jobs)
    assert farshot("jobs", "prune", "--older-than", "0s", "--yes") == "1 job deleted\n"
    assert left(farshot) == set(jobs[1:])
