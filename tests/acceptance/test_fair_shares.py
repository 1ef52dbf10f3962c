"""Two users on real workers: who brings little ends among what another has running for long, whatever was guessed."""

from contextlib import closing

import pytest

from farshot.admission.batch import Request, admit
from farshot.contract import JobStatus
from farshot.dispatch.changes import Changes
from farshot.dispatch.dispatcher import Dispatcher
from farshot.dispatch.lease_holders import holder_name
from farshot.executors.local import LocalExecutor
from farshot.store import BootClock, SqlStore, open_engine, sqlite_url
from farshot.submission import ShardCut, Submission
from processes import until

BELL = 'OPENQASM 2.0;include "qelib1.inc";qreg q[2];creg c[2];h q[0];cx q[0],q[1];measure q->c;'


def layers(qubits, count):
    """Return a circuit that cannot be simulated by less than its state vector, and takes so many passes over it."""
    rotations = "".join(f"rx(0.3) q[{number}];cx q[{number}],q[{(number + 1) % qubits}];" for number in range(qubits))
    head = f'OPENQASM 2.0;include "qelib1.inc";qreg q[{qubits}];creg c[2];'
    return head + rotations * count + "measure q[0]->c[0];measure q[1]->c[1];"


def submit(store, owner, sources, shards, cost):
    """Add a job of `owner` in so many shards, each guessed to take `cost` seconds."""
    batch = admit(
        {f"c{number}": source for number, source in enumerate(sources)},
        Request(target="auto", default_shots=10, seed=1),
    )
    size = len(sources) // shards
    cuts = [ShardCut(start, start + size, cost) for start in range(0, len(sources), size)]
    return store.add(Submission(batch, cuts, owner)).id


@pytest.fixture
def store(tmp_path):
    with closing(SqlStore(open_engine(sqlite_url(tmp_path)), BootClock())) as store:
        yield store


@pytest.fixture
def work(store):
    """Start a dispatcher with one worker, and with a lane where that is asked for."""
    started = []

    def start(**options):
        executor = LocalExecutor(1, **options)
        dispatcher = Dispatcher(store, executor, Changes(), holder=holder_name(), lease_seconds=store.lease_seconds)
        dispatcher.start()
        started.append(dispatcher)
        return dispatcher

    yield start
    for dispatcher in started:
        dispatcher.close()


def order(store, *jobs):
    """Return how many circuits of the first job were recorded before the last one of the second."""
    first, second = (list(store.recorded(job)) for job in jobs)
    return sum(len(part.labels) for part in first if part.seq < second[-1].seq)


def is_ended(store, job):
    return store.job(job).status.is_terminal


def test_a_shard_that_takes_longer_than_guessed_makes_room_at_its_next_circuit(store, work):
    work()
    large = submit(store, "large", [layers(20, 4)] * 60, shards=2, cost=0.001)
    until(lambda: store.job(large).done)
    before = store.job(large).done
    small = submit(store, "small", [BELL] * 20, shards=1, cost=0.001)
    until(lambda: is_ended(store, small))
    assert store.job(small).status is JobStatus.COMPLETED
    assert order(store, large, small) - before < 15
    store.cancel(large)


def test_what_was_given_up_for_others_is_done_once_and_gives_the_same_counts(store, work):
    work()
    large = submit(store, "large", [layers(18, 2)] * 12, shards=1, cost=0.001)
    alone = submit(store, "alone", [layers(18, 2)] * 12, shards=12, cost=1.0)
    until(lambda: is_ended(store, large) and is_ended(store, alone))
    parts = [[(part.first, part.labels) for part in store.parts(job)] for job in (large, alone)]
    assert [[label for _, labels in found for label in labels] for found in parts] == [
        [f"c{number}" for number in range(12)]
    ] * 2
    assert store.job(large).status is store.job(alone).status is JobStatus.COMPLETED


def test_short_work_has_a_lane_beside_circuits_that_hold_every_worker(store, work):
    work(lane=True)
    large = submit(store, "large", [layers(24, 400)] * 3, shards=3, cost=0.001)
    until(lambda: store.job(large).status is JobStatus.RUNNING)
    small = submit(store, "small", [BELL] * 20, shards=1, cost=0.001)
    until(lambda: is_ended(store, small))
    assert store.job(small).status is JobStatus.COMPLETED
    assert (store.job(large).status, store.job(large).done) == (JobStatus.RUNNING, 0)
    store.cancel(large)


def test_nobody_fills_all_that_is_held_where_there_is_a_lane(store, work):
    """An owner whose circuits hold the worker and wait for it leaves room for the shards of others."""
    dispatcher = work(lane=True)
    large = submit(store, "large", [layers(25, 40)] * 30, shards=30, cost=10.0)
    until(lambda: store.job(large).status is JobStatus.RUNNING and dispatcher.held)
    small = [submit(store, "small", [BELL], shards=1, cost=0.001) for _ in range(6)]
    dispatcher.wake()
    until(lambda: all(is_ended(store, job) for job in small))
    assert {store.job(job).status for job in small} == {JobStatus.COMPLETED}
    assert store.job(large).done == 0
    assert dispatcher.held < 6
    store.cancel(large)


def test_what_is_long_holds_no_lane_while_others_wait(store, work):
    work(lane=True)
    jobs = [submit(store, owner, [layers(24, 400)], shards=1, cost=0.001) for owner in ("large", "larger")]
    until(lambda: all(store.job(job).status is JobStatus.RUNNING for job in jobs))
    small = submit(store, "small", [BELL] * 20, shards=1, cost=0.001)
    until(lambda: is_ended(store, small))
    assert store.job(small).status is JobStatus.COMPLETED
    assert [store.job(job).done for job in jobs] == [0, 0]
    for job in jobs:
        assert not is_ended(store, job)
        store.cancel(job)
