"""Stores that cannot be opened: each says why and what to do, and stays as it was."""

import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from farshot.errors import StoreCorruptError, StoreError, StoreVersionError
from farshot.store import SqlStore, open_engine, sqlite_url
from farshot.testing.stores.values import make_submission

LOOK = """
import os, sys
from pathlib import Path
from farshot.errors import StoreError
from farshot.store import SqlStore, open_engine, sqlite_url
from farshot.testing.stores.values import make_submission

folder, warm = map(Path, sys.argv[1:])
store = SqlStore(open_engine(sqlite_url(warm)))  # loads what is loaded on use, while it can be read
store.add(make_submission())
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
try:
    store = SqlStore(open_engine(sqlite_url(folder)))
    print(len(store.jobs()))
    store.add(make_submission())
except StoreError as error:
    print(type(error).__name__, error)
"""


@pytest.fixture
def folder(tmp_path):
    """A folder with a store of 50 jobs."""
    store = SqlStore(open_engine(sqlite_url(tmp_path / "store")))
    for _ in range(50):
        store.add(make_submission())
    store.close()
    return tmp_path / "store"


def digests(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def refused(folder, kind, match):
    before = digests(folder)
    with pytest.raises(kind, match=match):
        open_engine(sqlite_url(folder))
    assert digests(folder) == before


def test_a_file_that_is_no_database(tmp_path):
    (tmp_path / "farshot.sqlite3").write_text("dear diary, " * 1000)
    refused(tmp_path, StoreCorruptError, "not a database.*left as it is.*restore a back-up")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_truncated_file(folder, share):
    path = folder / "farshot.sqlite3"
    os.truncate(path, int(path.stat().st_size * share))
    refused(folder, StoreCorruptError, "(malformed|shorter).*left as it is.*restore a back-up")


def test_garbage_where_the_schema_is(folder):
    path = folder / "farshot.sqlite3"
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xa5" * 3000)
    refused(folder, StoreCorruptError, "malformed")


def test_garbage_further_on_is_an_error_of_the_store(folder):
    path = folder / "farshot.sqlite3"
    with closing(sqlite3.connect(path)) as database:
        (page,) = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'jobs'").fetchone()
        (size,) = database.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xa5" * size)
    before = digests(folder)
    store = SqlStore(open_engine(sqlite_url(folder)))
    with pytest.raises(StoreCorruptError):
        store.jobs(limit=100)
    with pytest.raises(StoreCorruptError):
        store.add(make_submission())
    with pytest.raises(StoreCorruptError):
        store.faults()
    store.close()
    assert digests(folder) == before


def test_rows_that_lost_what_they_belong_to_are_found_by_a_check(folder):
    with closing(sqlite3.connect(folder / "farshot.sqlite3")) as database, database:
        database.execute("DELETE FROM jobs WHERE seq = 7")
    store = SqlStore(open_engine(sqlite_url(folder)))
    assert set(store.faults()) == {
        "a row of parts refers to a row of jobs that is not there",
        "a row of shards refers to a row of jobs that is not there",
    }
    store.close()


def test_a_newer_schema(folder):
    with closing(sqlite3.connect(folder / "farshot.sqlite3")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    refused(folder, StoreVersionError, "schema 9999.*upgrade Farshot")


def test_a_database_of_another_program_without_its_tables_is_not_taken_for_a_store(tmp_path):
    with closing(sqlite3.connect(tmp_path / "farshot.sqlite3")) as database, database:
        database.execute("CREATE TABLE jobs (mine TEXT)")
    refused(tmp_path, StoreError, "another program")


def test_a_data_folder_that_is_a_file(tmp_path):
    (tmp_path / "data").write_text("mine")
    with pytest.raises(StoreError, match="is a file; give the folder"):
        sqlite_url(tmp_path / "data")
    with pytest.raises(StoreError, match="cannot be made"):
        sqlite_url(tmp_path / "data" / "below")
    assert (tmp_path / "data").read_text() == "mine"


@pytest.fixture
def ground():
    """A folder that every user can reach."""
    with tempfile.TemporaryDirectory(prefix="farshot-") as name:
        yield Path(name)


def unprivileged(folder, warm):
    """Open the store in a process that the permission bits bind, whoever runs the tests."""
    folder.parent.chmod(0o555)
    folder.chmod(0o555)
    try:
        return subprocess.run(
            [sys.executable, "-c", LOOK, str(folder), str(warm)],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=60,
        ).stdout.splitlines()
    finally:
        folder.parent.chmod(0o755)
        folder.chmod(0o755)


def test_a_store_that_may_not_be_written_can_be_read(folder, ground, tmp_path):
    folder = Path(shutil.copytree(folder, ground / "store"))
    (folder / "farshot.sqlite3").chmod(0o444)
    before = digests(folder)
    found, refusal = unprivileged(folder, tmp_path / "warm")
    assert found == "50"
    assert refusal.startswith("StoreError")
    assert "writable" in refusal
    assert digests(folder) == before


def test_a_folder_that_may_not_be_written(ground, tmp_path):
    (ground / "empty").mkdir()
    (refusal,) = unprivileged(ground / "empty", tmp_path / "warm")
    assert refusal.startswith("StoreError")
    assert "make its folder accessible and writable" in refusal
    assert digests(ground / "empty") == {}
