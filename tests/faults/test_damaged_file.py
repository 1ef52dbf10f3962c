"""A bit of a store's file flips, on the disk: no number changes, and what cannot be read says so."""

import sqlite3
from contextlib import closing

import pytest

from farshot.backends.entries import part_entries
from farshot.errors import StoreError
from farshot.model import CircuitResult, Counts, ResultSlice
from farshot.store import FILE_NAME, SqlStore, open_engine, sqlite_url
from farshot.testing.stores.values import make_submission


def counts(tally):
    packed = Counts(2, b"\x00\x03", bytes([10 - tally, tally]))
    return CircuitResult(packed, "s", "m", exact=True, seed=3, shots=10, seconds=0.5)


@pytest.fixture
def stored(tmp_path):
    """A store with a recorded job, its file, and the places of the file that hold the job's result."""
    store = SqlStore(open_engine(sqlite_url(tmp_path)))
    job = store.add(make_submission(circuits=3, shard=3))
    (shard,) = store.claim("me", 1)
    part = ResultSlice.of(shard.lease, 0, [counts(1), counts(2), counts(3)], last=True)
    store.record([part])
    file = tmp_path / FILE_NAME
    start = file.read_bytes().index(part.results)
    yield store, job, file, range(start - 64, start + len(part.results) + 8)
    store.close()


def read(store, job):
    observables = store.spec(job.id).observables
    return {entry["label"]: entry for part in store.parts(job.id) for _, entry in part_entries(part, observables)}


def test_no_flipped_bit_of_the_row_of_a_result_changes_a_number(stored):
    store, job, file, places = stored
    whole, content, outcomes = read(store, job), file.read_bytes(), set()
    for place in places:
        for bit in (place % 8, (place + 3) % 8):
            store.close()
            with file.open("r+b") as opened:
                opened.seek(place)
                opened.write(bytes([content[place] ^ (1 << bit)]))
            try:
                found = read(store, job)
            except StoreError:
                outcomes.add("refused")
            else:
                for label, entry in found.items():
                    assert entry == whole[label] or "is damaged" in entry["error"]["message"], (place, bit)
                outcomes.add("as it was" if found == whole else "a fault")
        with file.open("r+b") as opened:
            opened.seek(place)
            opened.write(content[place : place + 1])
    assert outcomes >= {"a fault", "refused"}
    with closing(sqlite3.connect(file)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
