"""A stored result of which a bit has flipped is a fault of its circuit that says so; never another number."""

import sqlite3
from contextlib import closing

import pytest

from farshot.backends.entries import part_entries
from farshot.contract import JobStatus
from farshot.errors import StoreCorruptError
from farshot.model import CircuitResult, Counts, ResultSlice, Values
from farshot.store import FILE_NAME, SqlStore, open_engine, sqlite_url
from farshot.store.encoding import checksum
from farshot.testing.stores import ManualClock
from farshot.testing.stores.values import finish, make_submission

RESULT = {"simulator": "s", "method": "m", "exact": True, "seed": 3, "shots": 10, "seconds": 0.5}


def counts(tally):
    return CircuitResult(Counts(2, b"\x00\x03", bytes([10 - tally, tally])), **RESULT)


@pytest.fixture
def store(tmp_path):
    store = SqlStore(open_engine(sqlite_url(tmp_path)), ManualClock())
    yield store
    store.close()


@pytest.fixture
def job(store):
    """A job of five circuits in two shards, recorded in three parts."""
    job = store.add(make_submission(circuits=5, shard=3))
    first, second = store.claim("me", 2)
    store.record([ResultSlice.of(first.lease, 0, [counts(1), counts(2)], last=False)])
    store.record(
        [
            ResultSlice.of(first.lease, 2, [counts(3)], last=True),
            ResultSlice.of(second.lease, 3, [counts(4)] * 2, last=True),
        ]
    )
    assert store.job(job.id).status is JobStatus.COMPLETED
    return job


@pytest.fixture
def database(tmp_path, job):
    """The file of the store with the job, behind the store's back."""
    assert job.circuits == 5
    with closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as database:
        database.execute("PRAGMA ignore_check_constraints = ON")
        yield database


def flips(value):
    """Values that differ from this one by a bit: of a number each of 12, of bytes one of each byte."""
    if isinstance(value, int):
        return [value ^ (1 << bit) for bit in range(12)]
    data = bytearray(value)
    found = []
    for place in range(len(data)):
        data[place] ^= 1 << place % 8
        found.append(bytes(data))
        data[place] ^= 1 << place % 8
    return found


def each_flip(database, table, column, most=1000):
    """Have bits of a column of the first row of a table flipped, one after the other; not where SQLite refuses."""
    (row, value), *_ = database.execute(f"SELECT rowid, {column} FROM {table} ORDER BY rowid").fetchall()
    found = flips(value)
    for flipped in found[:: max(1, len(found) // most)]:
        try:
            database.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (flipped, row))
        except sqlite3.IntegrityError:
            continue
        yield
    database.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (value, row))


def read(store, job):
    observables = store.spec(job.id).observables
    return {entry["label"]: entry for part in store.parts(job.id) for _, entry in part_entries(part, observables)}


def is_named(entry):
    return entry["error"]["code"] == "internal" and "the stored result is damaged" in entry["error"]["message"]


@pytest.mark.parametrize("column", ["results", "size", "attempt", "checksum"])
def test_no_flipped_bit_of_a_result_changes_a_number(store, job, database, column):
    whole = read(store, job)
    seen = 0
    for _ in each_flip(database, "results", column):
        found = read(store, job)
        assert found.keys() == whole.keys()
        assert is_named(found["c0"])
        assert is_named(found["c1"])
        assert [found[label] for label in ("c2", "c3", "c4")] == [whole[label] for label in ("c2", "c3", "c4")]
        seen += 1
    assert seen >= 12
    assert read(store, job) == whole


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("results", "first"),
        ("results", "shard"),
        ("shards", "first"),
        ("shards", "part"),
        ("shards", "slot"),
        ("shards", "checksum"),
        ("payloads", "labels"),
        ("payloads", "size"),
        ("payloads", "labels_checksum"),
        ("jobs", "spec"),
        ("jobs", "checksum"),
    ],
)
def test_what_decides_what_a_result_means_is_looked_at_too(store, job, database, table, column):
    whole = read(store, job)
    database.execute("PRAGMA foreign_keys = OFF")
    for _ in each_flip(database, table, column, most=30):
        try:
            found = read(store, job)
        except StoreCorruptError as error:
            assert job.id in str(error)  # noqa: PT017 -- some bits are a fault of the whole job
        else:
            assert any("error" in entry for entry in found.values())
            assert all(entry == whole.get(label) or is_named(entry) for label, entry in found.items())
    assert read(store, job) == whole


def test_doctor_finds_every_flipped_bit(store, job, database):
    assert store.faults() == []
    places = {
        "results": ("results", "size", "checksum"),
        "shards": ("first", "checksum"),
        "payloads": ("labels", "sources", "sources_checksum"),
        "jobs": ("spec",),
    }
    for table, columns in places.items():
        for column in columns:
            for _ in each_flip(database, table, column, most=3):
                assert any(job.id in line for line in store.faults()), (table, column)
    assert store.faults() == []


@pytest.mark.parametrize("column", ["labels", "sources"])
def test_damaged_circuits_are_not_run(store, database, column):
    job = store.add(make_submission(circuits=2, shard=2))
    (row,) = database.execute("SELECT max(rowid) FROM payloads").fetchone()
    value = database.execute(f"SELECT {column} FROM payloads WHERE rowid = ?", (row,)).fetchone()[0]
    database.execute(f"UPDATE payloads SET {column} = ? WHERE rowid = ?", (value[:-1] + bytes([value[-1] ^ 1]), row))
    other = store.add(make_submission(circuits=1))
    (shard,) = store.claim("me", 9)
    assert shard.lease.job_id == other.id
    finish(store, shard)
    ended = store.job(job.id)
    assert (ended.status, ended.fault.code) == (JobStatus.FAILED, "internal")
    assert "is damaged" in ended.fault.message
    assert ended.changed > job.changed
    assert store.claim("me", 9) == []


def test_results_from_before_there_were_checksums_are_read_as_ever(store, job, database):
    whole = read(store, job)
    for table, column in (("results", "checksum"), ("shards", "checksum"), ("jobs", "checksum")):
        database.execute(f"UPDATE {table} SET {column} = NULL")
    database.execute("UPDATE payloads SET labels_checksum = NULL, sources_checksum = NULL")
    assert read(store, job) == whole
    assert store.faults() == []
    database.execute("UPDATE results SET results = x'93' WHERE first = 0")
    found = read(store, job)
    assert is_named(found["c0"])
    assert is_named(found["c1"])
    assert found["c2"] == whole["c2"]


def test_values_are_checked_as_counts_are():
    whole = ResultSlice.of(None, 0, [CircuitResult(Values((0.25,)), **RESULT)], last=True).results
    assert len({checksum(flipped, "job", 0) for flipped in [whole, *flips(whole)]}) == 1 + len(whole)


def test_a_large_result_is_checked_when_it_is_read(store, database):
    job = store.add(make_submission(circuits=1))
    (shard,) = store.claim("me", 1)
    large = CircuitResult(Counts(64, bytes(range(256)) * 512, bytes(16384)), **RESULT)
    store.record([ResultSlice.of(shard.lease, 0, [large], last=True)])
    database.execute(
        "UPDATE results SET results = CAST(substr(results, 1, 5000) || x'00' || substr(results, 5002) AS BLOB) "
        "WHERE job_id = ?",
        (job.id,),
    )
    (entry,) = read(store, job).values()
    assert is_named(entry)
