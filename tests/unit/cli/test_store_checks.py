"""What `doctor` says of a store on a disk, which it leaves as it is."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from farshot.cli.checks import server_check, store_check
from farshot.store import SCHEMA_VERSION, Host, SqlStore, open_engine, sqlite_url, this_host
from farshot.testing.stores.values import make_submission

OLDEST = min((Path(__file__).parents[2] / "data" / "schemas").glob("*.sql"))
FILE = "farshot.sqlite3"


def look(folder):
    """Have doctor look, and see that not a byte has changed by that."""
    before = {path.name: (path.read_bytes(), path.stat()) for path in folder.iterdir()}
    found = store_check(folder)
    assert {path.name: (path.read_bytes(), path.stat()) for path in folder.iterdir()} == before
    return found


def change(folder, statement):
    with closing(sqlite3.connect(folder / FILE)) as database, database:
        database.executescript(statement)


@pytest.fixture
def folder(tmp_path):
    """A store with a job."""
    store = SqlStore(open_engine(sqlite_url(tmp_path)))
    store.add(make_submission())
    store.close()
    return tmp_path


@pytest.fixture
def old(tmp_path):
    """A store of the first schema."""
    change(tmp_path, OLDEST.read_text(encoding="utf-8"))
    return tmp_path


def test_a_whole_store_is_said_to_be_whole(folder):
    found = look(folder)
    assert found.ok
    assert found.detail == f"whole, schema {SCHEMA_VERSION}"
    assert found.advice is None


def test_an_older_store_stays_as_it_is_and_what_opening_it_does_is_said(old):
    change(old, "DELETE FROM hosts")
    found = look(old)
    assert found.ok
    assert found.detail == f"whole, schema {OLDEST.stem}: older than this Farshot's, {SCHEMA_VERSION}"
    assert f"brings it to {SCHEMA_VERSION}" in found.advice
    assert "copy" in found.advice


def test_damage_of_an_older_store_is_found(old):
    change(old, "DELETE FROM hosts; PRAGMA foreign_keys = OFF; DELETE FROM jobs WHERE seq = 1")
    found = look(old)
    assert not found.ok
    assert "refers to a row of jobs" in found.detail


def test_a_store_of_another_machine_is_not_made_this_ones(tmp_path):
    open_engine(sqlite_url(tmp_path), host=Host("m", "b", "elsewhere")).dispose()
    found = look(tmp_path)
    assert not found.ok
    assert "'elsewhere'" in found.detail
    assert "farshot adopt" in found.detail


def test_nor_is_one_from_before_this_machine_was_booted(tmp_path):
    here = this_host()
    open_engine(sqlite_url(tmp_path), host=Host(here.machine, "boot before", here.name)).dispose()
    assert look(tmp_path).ok


def test_a_newer_store_and_one_of_another_program_are_named(folder):
    change(folder, "UPDATE alembic_version SET version_num = '9999'")
    assert "upgrade Farshot" in look(folder).detail
    change(folder, "DROP TABLE alembic_version")
    assert "another program" in look(folder).detail


def test_no_store_and_a_file_in_which_nothing_is_yet(tmp_path):
    assert look(tmp_path).detail == "none yet"
    assert "no store yet" in server_check(f"sqlite:///{tmp_path / FILE}").detail
    assert list(tmp_path.iterdir()) == []
    (tmp_path / FILE).touch()
    assert look(tmp_path).ok
