"""Which shard runs next, and in which lane."""

import threading
import time

import pytest

from farshot.executors.backlog import SHORT, Queue
from farshot.model import JobSpec, Lease, Shard

LONG = 10 * SHORT
MOMENT = 0.25
"""Seconds after which nobody is asked for more patience."""


def shard(owner, number=0, cost=0.01):
    return Shard(Lease(owner, number, 1, "me"), JobSpec("auto", seed=1), 0, ("a",), (b"",), owner=owner, cost=cost)


@pytest.fixture
def queue():
    queue = Queue()
    yield queue
    queue.close()


@pytest.fixture
def busy(queue):
    """A queue whose one worker has been busy for a moment with a long shard of "mallory"."""
    queue.put(shard("mallory", cost=LONG))
    assert queue.take(lambda _: None).owner == "mallory"
    time.sleep(MOMENT)
    return queue


def test_a_short_shard_need_not_wait_where_all_have_been_busy(busy):
    for number in range(3):
        busy.put(shard("ann", number))
        taken = busy.take_kept_waiting(lambda _: None)
        assert taken.lease.shard == number
        busy.end(taken)


def test_a_short_shard_waits_a_moment_where_a_worker_was_free(queue):
    worker = threading.Thread(target=queue.take, args=[lambda _: None])
    worker.start()
    queue.put(shard("mallory"))
    worker.join()
    queue.put(shard("ann"))
    assert not queue.keeps_waiting()
    queue.await_kept_waiting()
    assert queue.take_kept_waiting(lambda _: None).owner == "ann"


def test_the_lane_is_for_short_shards_of_owners_of_whom_nothing_runs(busy):
    busy.put(shard("ann", cost=LONG))
    busy.put(shard("mallory", 1))
    assert not busy.keeps_waiting()
    busy.put(shard("ann", 1))
    first = busy.take_kept_waiting(lambda _: None)
    busy.put(shard("ann", 2))
    assert (first.lease.shard, busy.keeps_waiting()) == (1, False)
    busy.end(first)
    assert busy.keeps_waiting()


def test_whoever_waits_for_the_lane_is_woken_by_a_shard(busy):
    lane = threading.Thread(target=busy.await_kept_waiting)
    lane.start()
    busy.put(shard("ann"))
    lane.join()
    assert busy.keeps_waiting()
