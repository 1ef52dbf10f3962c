"""The order in which jobs are added for those who ask at the same time."""

from types import SimpleNamespace

import pytest

from farshot.dispatch.requests import Additions, AddJob
from farshot.errors import ExecutorError


def requests(owner, count, shards=1):
    return [AddJob(SimpleNamespace(owner=owner, shards=range(shards))) for _ in range(count)]


def waiting(*asked):
    additions = Additions()
    for request in asked:
        additions.put(request)
    return additions


def turns(additions):
    while len(additions):
        yield list(map(id, additions.take()))


def test_an_owner_of_many_waits_for_itself():
    many, one = requests("mallory", 30), requests("ann", 1)
    first, *later = turns(waiting(*many, *one))
    assert id(one[0]) in first
    assert len(first) < 15
    assert [each for turn in (first, *later) for each in turn if each != id(one[0])] == list(map(id, many))


def test_large_jobs_are_added_alone_and_in_turn_with_small_ones():
    large, small = requests("mallory", 3, shards=1000), requests("ann", 20)
    found = list(turns(waiting(*large, *small)))
    alone = [turn for turn in found if turn[0] in set(map(id, large))]
    assert alone == [[id(request)] for request in large]
    assert found.index(alone[1]) - found.index(alone[0]) == 2


def test_a_request_that_nobody_waits_for_is_forgotten():
    gone, stays = requests("ann", 2)
    gone.is_wanted = False
    assert list(turns(waiting(gone, stays))) == [[id(stays)]]


def test_the_outcome_is_the_job_or_the_error_or_that_the_thread_ended():
    (request,) = requests("ann", 1)
    request.answer.put("job")
    assert request.outcome(lambda: True) == "job"
    request.answer.put(ValueError("no"))
    with pytest.raises(ValueError, match="no"):
        request.outcome(lambda: True)
    with pytest.raises(ExecutorError, match="closed"):
        request.outcome(lambda: False)
    assert not request.is_wanted
