"""The order in which shards run, and which may run in the lane."""

import threading

import pytest

from farshot.executors.queue import MAX_SHORT_SECONDS, ShardQueue
from farshot.model import JobSpec, Lease, Shard
from processes import until

LONG = 10 * MAX_SHORT_SECONDS
MOMENT = 0.25


def shard(owner, number=0, cost=0.01):
    return Shard(Lease(owner, number, 1, "me"), JobSpec("auto", seed=1), 0, ("a",), (b"",), owner=owner, cost=cost)


class Clock:
    """Seconds that pass when a test says so."""

    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def queue(clock):
    queue = ShardQueue(clock)
    yield queue
    queue.close()


@pytest.fixture
def busy(queue, clock):
    """A queue whose one worker has been busy for a moment with a long shard of "mallory"."""
    queue.put(shard("mallory", cost=LONG))
    assert queue.take(lambda _: None).owner == "mallory"
    clock.now += MOMENT
    return queue


def test_a_short_shard_need_not_wait_where_all_have_been_busy(busy):
    for number in range(3):
        busy.put(shard("ann", number))
        taken = busy.take_due(lambda _: None)
        assert taken.lease.shard == number
        busy.end(taken)


def test_a_short_shard_waits_a_moment_where_a_worker_was_free(queue, clock):
    clock.now += MOMENT
    queue.put(shard("mallory"))
    queue.take(lambda _: None)
    queue.put(shard("ann"))
    assert not queue.has_due()
    clock.now += MOMENT
    assert queue.take_due(lambda _: None).owner == "ann"


def test_the_lane_is_for_short_shards_of_owners_of_whom_nothing_runs(busy):
    busy.put(shard("ann", cost=LONG))
    busy.put(shard("mallory", 1))
    assert not busy.has_due()
    busy.put(shard("ann", 1))
    first = busy.take_due(lambda _: None)
    busy.put(shard("ann", 2))
    assert (first.lease.shard, busy.has_due()) == (1, False)
    busy.end(first)
    assert busy.has_due()


def test_whoever_waits_for_the_lane_is_woken_by_a_shard(busy):
    lane = threading.Thread(target=busy.await_due)
    lane.start()
    until(lane.is_alive)
    busy.put(shard("ann"))
    lane.join()
    assert busy.has_due()


def test_of_those_who_wait_for_the_lane_the_shortest_is_first(busy):
    busy.put(shard("eve", cost=MAX_SHORT_SECONDS))
    busy.put(shard("ann", cost=MAX_SHORT_SECONDS / 10))
    assert busy.take_due(lambda _: None).owner == "ann"
    assert not busy.has_due(below=MAX_SHORT_SECONDS / 2)
    assert busy.has_due()


def test_whose_shard_was_killed_in_the_lane_is_kept_off_it_for_a_while(busy, clock):
    busy.bar("eve")
    busy.put(shard("eve", cost=MAX_SHORT_SECONDS / 10))
    clock.now += 9.9
    assert not busy.has_due()
    busy.put(shard("ann"))
    assert busy.take_due(lambda _: None).owner == "ann"
    clock.now += 0.2
    assert busy.take_due(lambda _: None).owner == "eve"
