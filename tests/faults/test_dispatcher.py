"""A dispatcher that meets what it cannot handle: one job is set aside, all the others go on."""

import sqlite3
import threading
from contextlib import closing, contextmanager

import msgspec
import pytest
from sqlalchemy import event

import farshot
from farshot.dispatch.changes import Changes
from farshot.dispatch.dispatcher import Dispatcher
from farshot.dispatch.held_shards import HeldShards
from farshot.dispatch.lease_holders import holder_name
from farshot.errors import FaultCode
from farshot.executors.local import LocalExecutor
from farshot.model import Fault, JobSpec
from farshot.protocols import Lost
from farshot.store import SqlStore, open_engine, sqlite_url
from farshot.testing.backends import slow_circuits
from farshot.testing.stores.values import make_submission
from processes import kill_worker, until
from samples import BELL

TRIGGERS = {
    "recorded": "BEFORE INSERT ON results WHEN NEW.job_id = '{job}'",
    "claimed": "BEFORE INSERT ON attempts WHEN NEW.job_id = '{job}'",
    "started": "BEFORE UPDATE OF started_at ON jobs WHEN NEW.id = '{job}' AND OLD.started_at IS NULL"
    " AND NEW.fault IS NULL",
    "given back": "BEFORE UPDATE OF status ON shards WHEN NEW.job_id = '{job}' AND NEW.status = 'QUEUED'",
    "expired": "BEFORE UPDATE OF status ON jobs WHEN NEW.id = '{job}' AND instr(NEW.fault, 'timeout')",
    "renewed": "BEFORE UPDATE OF lease_until ON shards WHEN NEW.job_id = '{job}' AND OLD.status = 'LEASED'"
    " AND NEW.status = 'LEASED'",
}
"""Where the database refuses what is done for one job."""


class Faulty(SqlStore):
    """Meets a defect at one step of handling one job."""

    step = poisoned = None

    def _meet(self, step, leases):
        if step == self.step and any(lease.job_id == self.poisoned for lease in leases):
            message = f"a defect in {step}"
            raise OverflowError(message)

    def record(self, parts):
        self._meet("record", [part.lease for part in parts])
        return super().record(parts)

    def exchange(self, parts, holder, limit, excluded=(), submissions=()):
        self._meet("record", [part.lease for part in parts])
        return super().exchange(parts, holder, limit, excluded, submissions)

    def give_back(self, lease, seconds=0.0):
        self._meet("release", [lease])
        return super().give_back(lease, seconds)

    def release(self, lease, suspect=None, verdict=None, seconds=0.0):
        self._meet("release", [lease])
        return super().release(lease, suspect, verdict, seconds)

    def lost(self, leases):
        self._meet("lost", leases)
        return super().lost(leases)

    def renew(self, leases, seconds=(), forecasts=()):
        self._meet("renew", leases)
        return super().renew(leases, dict(seconds), dict(forecasts))


@contextmanager
def dispatching(folder, *, step=None, poisoned=None, lease_seconds=10, **options):
    """Run what is open in the store of `folder` meanwhile."""
    store = Faulty(open_engine(sqlite_url(folder)), lease_seconds=lease_seconds)
    store.step, store.poisoned = step, poisoned
    executor = LocalExecutor(1, **options)
    dispatcher = Dispatcher(store, executor, Changes(), holder=holder_name(), lease_seconds=lease_seconds)
    with closing(store), closing(dispatcher):
        dispatcher.start()
        yield dispatcher, executor


def alter(folder, statement, *values):
    with closing(sqlite3.connect(folder / "farshot.sqlite3", timeout=60)) as connection, connection:
        connection.execute(statement, values)


def ended(backend, handle):
    """Wait for the end of a job that another process works on."""
    until(lambda: backend.record(handle.job_id).status.is_terminal)
    return backend.record(handle.job_id)


def poison():
    """Return circuits of which the first runs into its time limit and the others would come after it."""
    return {**slow_circuits(1, 26), "after": BELL}


def check_set_aside(backend, dispatcher, bad, good):
    assert ended(backend, good).status == "COMPLETED"
    record = ended(backend, bad)
    assert (record.status, record.fault.code) == ("FAILED", "internal")
    assert "set aside" in record.fault.message
    assert dispatcher.failure is None
    assert dispatcher.set_aside == 1
    later = backend.submit_circuits({"bell": BELL})
    assert ended(backend, later).status == "COMPLETED"


@pytest.mark.parametrize("step", ["record", "release", "lost", "renew"])
def test_a_job_whose_handling_meets_a_defect_is_set_aside_and_the_others_go_on(tmp_path, step):
    with farshot.LocalBackend(data_dir=tmp_path, workers=0) as backend:
        bad = backend.submit_circuits(poison())
        good = backend.submit_circuits({"bell": BELL})
        lease, limit = 0.5 if step == "renew" else 10, 1.5
        with dispatching(tmp_path, step=step, poisoned=bad.job_id, lease_seconds=lease, circuit_timeout=limit) as (
            dispatcher,
            executor,
        ):
            if step == "release":
                kill_worker(executor)
            check_set_aside(backend, dispatcher, bad, good)


@pytest.mark.parametrize("step", TRIGGERS)
def test_a_job_of_which_the_database_refuses_a_row_is_set_aside_and_the_others_go_on(tmp_path, step):
    timeout = 1.0 if step == "expired" else None
    with (
        farshot.LocalBackend(data_dir=tmp_path, workers=0) as backend,
        farshot.LocalBackend(data_dir=tmp_path, workers=0, job_timeout=timeout) as other,
    ):
        bad = other.submit_circuits(poison())
        good = backend.submit_circuits({"bell": BELL})
        alter(
            tmp_path, f"CREATE TRIGGER t {TRIGGERS[step].format(job=bad.job_id)} BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
        limit = 3600 if step == "expired" else 1.5
        lease = 0.5 if step == "renewed" else 10
        with dispatching(tmp_path, lease_seconds=lease, circuit_timeout=limit) as (dispatcher, executor):
            if step == "given back":
                kill_worker(executor)
            check_set_aside(backend, dispatcher, bad, good)


@pytest.mark.parametrize("column", ["spec", "labels", "sources"])
def test_a_job_that_cannot_be_read_is_set_aside_and_the_others_go_on(tmp_path, column):
    with farshot.LocalBackend(data_dir=tmp_path, workers=0) as backend:
        bad = backend.submit_circuits({"bad": BELL})
        good = backend.submit_circuits({"bell": BELL})
        table, key = ("jobs", "id") if column == "spec" else ("payloads", "job_id")
        alter(tmp_path, f"UPDATE {table} SET {column} = ? WHERE {key} = ?", b"\xc1", bad.job_id)
        with dispatching(tmp_path) as (dispatcher, _):
            assert ended(backend, good).status == "COMPLETED"
            assert ended(backend, bad).fault.code == "internal"
            assert dispatcher.failure is None


@pytest.mark.parametrize("seed", [-1, -(2**63), 2**63, 2**64 - 1])
def test_a_stored_seed_that_is_none_harms_nobody(tmp_path, seed):
    """An older version stored such numbers."""
    with farshot.LocalBackend(data_dir=tmp_path, workers=0) as backend:
        bad = backend.submit_circuits({"bad": BELL, "broken": "x"}, shots=10)
        store = SqlStore(open_engine(sqlite_url(tmp_path)))
        with closing(store):
            spec = msgspec.structs.replace(store.spec(bad.job_id), seed=seed)
        alter(
            tmp_path, "UPDATE jobs SET spec = ?, checksum = NULL WHERE id = ?", msgspec.msgpack.encode(spec), bad.job_id
        )
        good = backend.submit_circuits({"bell": BELL})
        with dispatching(tmp_path) as (dispatcher, _):
            assert ended(backend, good).status == "COMPLETED"
            assert (ended(backend, bad).done, backend.record(bad.job_id).failed) == (2, 1)
            assert dispatcher.failure is None


def test_a_result_that_the_database_finds_too_large_ends_its_circuit_and_no_other(tmp_path):
    wide = "OPENQASM 2.0;qreg q[13];creg c[16000];" + "".join(
        f"U(1.5708,0,0) q[{i}];measure q[{i}]->c[{i}];" for i in range(13)
    )
    with farshot.LocalBackend(data_dir=tmp_path, workers=0) as backend:
        job = backend.submit_circuits({"bell": BELL, "wide": wide, "other": BELL}, shots=9000)
        engine = open_engine(sqlite_url(tmp_path))
        event.listen(engine, "connect", lambda connection, _: connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 10**6))
        engine.dispose()
        store = SqlStore(engine)
        dispatcher = Dispatcher(store, LocalExecutor(1), Changes(), holder=holder_name(), lease_seconds=10)
        with closing(store), closing(dispatcher):
            dispatcher.start()
            assert ended(backend, job).status == "FAILED"
            entries = backend.get_job_results(job, partial=True).results
            assert dispatcher.set_aside == 0
            assert ended(backend, backend.submit_circuits({"bell": BELL})).status == "COMPLETED"
    assert [entry.get("error", {}).get("code") for entry in entries] == [None, "internal", None]
    assert "too big" in entries[1]["error"]["message"]


def test_a_step_for_all_jobs_that_fails_is_told_and_keeps_nobody_from_work(tmp_path):
    class Forgetful(SqlStore):
        broken = True

        def expire(self):
            if self.broken:
                message = "nobody knows whose fault this is"
                raise RuntimeError(message)
            return super().expire()

    with farshot.LocalBackend(data_dir=tmp_path, workers=0) as backend:
        store = Forgetful(open_engine(sqlite_url(tmp_path)))
        dispatcher = Dispatcher(store, LocalExecutor(1), Changes(), holder=holder_name(), lease_seconds=10)
        with closing(store), closing(dispatcher):
            dispatcher.start()
            until(lambda: "nobody knows" in str(dispatcher.health.reasons()))
            assert ended(backend, backend.submit_circuits({"bell": BELL})).status == "COMPLETED"
            store.broken = False
            until(lambda: not dispatcher.health.reasons())


def test_a_store_that_is_away_for_a_while_is_waited_for(tmp_path, caplog):
    class Away(SqlStore):
        gone = threading.Event()

        def claim(self, holder, limit, excluded=()):
            if self.gone.is_set():
                message = "the store is away"
                raise farshot.StoreError(message)
            return super().claim(holder, limit, excluded)

    with farshot.LocalBackend(data_dir=tmp_path, workers=0) as backend:
        store = Away(open_engine(sqlite_url(tmp_path)))
        dispatcher = Dispatcher(store, LocalExecutor(1), Changes(), holder=holder_name(), lease_seconds=10)
        with closing(store), closing(dispatcher):
            store.gone.set()
            dispatcher.start()
            until(lambda: any(trouble.tries > 2 for trouble in dispatcher.health.troubles()))
            handle = backend.submit_circuits({"bell": BELL})
            assert "the store is away" in dispatcher.health.detail(["store"])
            assert dispatcher.failure is None
            store.gone.clear()
            assert ended(backend, handle).status == "COMPLETED"
    told = [record.fields["event"] for record in caplog.records if hasattr(record, "fields")]
    assert told.count("trouble") == told.count("trouble-over") == 1


def test_whoever_submits_is_answered_though_what_follows_fails(tmp_path):
    """The job is in the store by then."""

    class Forgetful(SqlStore):
        def exchange(self, parts, holder, limit, excluded=(), submissions=()):
            done = super().exchange(parts, holder, limit, excluded, submissions)
            return done._replace(recorded=[None]) if submissions else done  # which nothing can be done with

    with closing(Forgetful(open_engine(sqlite_url(tmp_path)))) as store:
        dispatcher = Dispatcher(store, LocalExecutor(1), Changes(), holder=holder_name(), lease_seconds=10)
        with closing(dispatcher):
            dispatcher.start()
            added = dispatcher.add(make_submission())
            assert store.job(added.id).id == added.id


def test_any_seed_that_a_stored_job_may_have_gives_its_circuits_seeds():
    for seed in (-1, -(2**63), 2**63, 2**64 - 1, 2**70):
        spec = JobSpec("auto", seed=seed)
        assert 0 <= farshot.model.circuit_seed(spec.seed, "bell") < 2**63


def test_a_shard_that_made_room_often_is_not_blamed_for_a_worker_that_is_lost(tmp_path):
    fault = Fault(FaultCode.CRASH, "it ended before any circuit began")
    with closing(SqlStore(open_engine(sqlite_url(tmp_path)))) as store, closing(LocalExecutor(1)) as executor:
        job = store.add(make_submission(circuits=1))
        for _ in range(6):
            (shard,) = store.claim("me", 1)
            holdings = HeldShards(store, executor)
            holdings.take(shard)
            holdings.give_back(shard.lease)
        for lost in range(1, 6):
            (shard,) = store.claim("me", 1)
            holdings.take(shard)
            assert holdings.recover(Lost(shard.lease, None, fault, 0.1)) is (lost == 5)
        assert store.job(job.id).failed == 1
