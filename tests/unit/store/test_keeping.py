import stat
import threading

import pytest

from farshot.errors import StoreError, UnknownJobError
from farshot.model import ResultSlice
from farshot.store import Host, SqlStore, open_engine, sqlite_url
from farshot.testing.stores import ManualClock
from farshot.testing.stores.values import make_result, make_submission


@pytest.fixture
def store(tmp_path):
    store = SqlStore(open_engine(sqlite_url(tmp_path / "store")), ManualClock())
    yield store
    store.close()


def finish(store, holder="me"):
    for shard in store.claim(holder, 9):
        store.record([ResultSlice.of(shard.lease, shard.first, [make_result() for _ in shard.labels], last=True)])


def restore(backup, folder, **options):
    folder.mkdir()
    backup.rename(folder / "farshot.sqlite3")
    return SqlStore(open_engine(sqlite_url(folder), **options), ManualClock())


def test_only_what_ended_long_ago_is_pruned(store):
    ended = [store.add(make_submission()).id for _ in range(40)]
    for job in ended:
        store.cancel(job)
    done = store.add(make_submission())
    finish(store)
    kept = store.add(make_submission())
    assert store.prune(3600) == 0
    assert store.prune(-1) == 41
    assert [job.id for job in store.jobs()] == [kept.id]
    with pytest.raises(UnknownJobError):
        store.job(done.id)
    assert list(store.parts(done.id)) == list(store.labels(done.id)) == []
    assert store.faults() == []


def test_the_key_of_a_pruned_job_is_free(store):
    store.cancel(store.add(make_submission(key="k")).id)
    store.prune(-1)
    assert store.add(make_submission(circuits=3, key="k")).circuits == 3


def test_a_backup_is_private_whole_and_of_no_machine(store, tmp_path):
    job = store.add(make_submission())
    finish(store)
    store.backup(tmp_path / "copy")
    assert stat.S_IMODE((tmp_path / "copy").stat().st_mode) == 0o600
    copy = restore(tmp_path / "copy", tmp_path / "other", host=Host("another", "boot", "name"))
    assert copy.job(job.id) == store.job(job.id)
    assert list(copy.parts(job.id)) == list(store.parts(job.id))
    assert copy.faults() == []
    copy.close()


def test_a_backup_overwrites_nothing(store, tmp_path):
    target = tmp_path / "mine"
    target.write_text("mine")
    with pytest.raises(StoreError, match="already"):
        store.backup(target)
    assert target.read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "store"]


def test_a_backup_into_no_folder_says_so(store, tmp_path):
    with pytest.raises(StoreError, match="look at its folder"):
        store.backup(tmp_path / "none" / "copy")


def test_backups_are_whole_while_writers_work(store, tmp_path):
    stop = threading.Event()

    def write():
        while not stop.is_set():
            store.add(make_submission())
            finish(store, threading.current_thread().name)

    writers = [threading.Thread(target=write) for _ in range(3)]
    for writer in writers:
        writer.start()
    for number in range(5):
        store.backup(tmp_path / f"copy{number}")
    stop.set()
    for writer in writers:
        writer.join()
    sizes = []
    for number in range(5):
        copy = restore(tmp_path / f"copy{number}", tmp_path / f"restored{number}")
        records = copy.jobs(limit=10_000)
        sizes.append(len(records))
        assert copy.faults() == []
        assert all(record.done == sum(2 for _ in copy.parts(record.id)) for record in records)
        copy.close()
    assert sizes == sorted(sizes)
