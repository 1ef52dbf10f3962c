import json
import sqlite3
from contextlib import closing

import pytest

import commands
from commands import KEPT
from farshot.store import SqlStore, open_engine, sqlite_url
from farshot.testing.stores.values import make_submission


@pytest.fixture
def folder(tmp_path):
    """A store with a job that ended and one that is open."""
    store = SqlStore(open_engine(sqlite_url(tmp_path / "data")))
    store.cancel(store.add(make_submission()).id)
    store.add(make_submission())
    store.close()
    return tmp_path / "data"


@pytest.fixture
def farshot(folder):
    def run(*arguments, status=0):
        environment = {**KEPT, "FARSHOT_DATA_DIR": str(folder), "COLUMNS": "200"}
        process = commands.run(*arguments, environment=environment)
        assert process.returncode == status, process.stderr
        return process.stdout + process.stderr

    return run


def test_prune_deletes_what_ended_and_jobs_still_lists(farshot):
    assert farshot("jobs", "prune", "--older-than", "30d", "--yes") == "0 jobs deleted\n"
    assert json.loads(farshot("jobs", "prune", "--older-than", "0s", "--yes", "--json")) == {"deleted": 1}
    assert [job["status"] for job in json.loads(farshot("jobs", "--json"))] == ["PENDING"]
    assert "not 'soon'" in farshot("jobs", "prune", "--older-than", "soon", status=2)


def test_a_data_folder_may_stand_before_prune(farshot, folder, tmp_path):
    folder.rename(tmp_path / "moved")
    assert (
        farshot("jobs", "--data-dir", tmp_path / "moved", "prune", "--older-than", "0s", "--yes") == "1 job deleted\n"
    )


def test_a_backup_is_a_store_of_its_own(farshot, tmp_path):
    (tmp_path / "restored").mkdir()
    farshot("backup", tmp_path / "restored" / "farshot.sqlite3")
    assert len(json.loads(farshot("jobs", "--json", "--data-dir", tmp_path / "restored"))) == 2
    assert "nothing was overwritten" in farshot("backup", tmp_path / "restored" / "farshot.sqlite3", status=1)


def test_a_folder_without_a_store_stays_empty(farshot, tmp_path):
    assert "no store" in farshot("backup", "copy", "--data-dir", tmp_path / "none", status=2)
    assert not (tmp_path / "none").exists()


def test_a_store_of_another_machine_is_adopted_by_command_only(farshot, folder):
    with closing(sqlite3.connect(folder / "farshot.sqlite3")) as database, database:
        database.execute("UPDATE hosts SET machine = 'm', boot = 'b', name = 'elsewhere'")
    assert "'elsewhere'" in farshot("jobs", status=1)
    assert "farshot adopt" in farshot("doctor", status=1)
    farshot("adopt")
    assert len(json.loads(farshot("jobs", "--json"))) == 2


def test_doctor_finds_damage(farshot, folder):
    assert "whole, schema" in farshot("doctor")
    with closing(sqlite3.connect(folder / "farshot.sqlite3")) as database, database:
        database.execute("DELETE FROM jobs WHERE seq = 1")
    assert "refers to a row of jobs" in farshot("doctor", status=1)
