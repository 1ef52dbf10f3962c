"""Who makes room where another connection wants in, and what fits in a number of descriptors."""

import pytest

from farshot.service.connections import Bounds, Connections, bounds_within


def seated(connections, address, ended):
    seat = connections.take(address, lambda: ended.append(address))
    assert seat is not None
    return seat


def test_who_has_most_idle_connections_makes_room_for_another_address():
    ended = []
    connections = Connections(Bounds(total=4, each=3, spare=1))
    for address in ("a", "a", "a", "b"):
        seated(connections, address, ended)
    assert not seated(connections, "c", ended).is_spare
    assert ended == ["a"]


def test_addresses_of_one_network_of_version_6_count_together():
    ended = []
    connections = Connections(Bounds(total=9, each=2, spare=1))
    for number in range(3):
        seated(connections, f"2001:db8::{number}", ended)
    seated(connections, "2001:db8:0:1::1", ended)
    assert ended == ["2001:db8::0"]


def test_a_seat_that_works_is_kept_and_a_spare_one_refuses():
    ended = []
    connections = Connections(Bounds(total=2, each=2, spare=1))
    working = [seated(connections, "a", ended) for _ in range(2)]
    for seat in working:
        seat.work()
    spare = seated(connections, "a", ended)
    assert spare.is_spare
    assert connections.take("a", lambda: None) is None
    spare.leave()
    spare.leave()
    working[0].rest()
    assert not seated(connections, "a", ended).is_spare
    assert ended == ["a"]


def test_an_address_at_its_bound_is_made_room_for_a_few_times_a_second_only():
    now, ended = [0.0], []
    connections = Connections(Bounds(total=9, each=2, spare=1, refusals=1, turnover=3), lambda: now[0])
    seats = [seated(connections, "a", ended) for _ in range(5)]
    assert ended == ["a"] * 3
    assert not any(seat.is_spare for seat in seats)
    refused = seated(connections, "a", ended)
    assert refused.is_spare
    refused.leave()
    assert connections.take("a", lambda: None) is None
    assert not seated(connections, "b", ended).is_spare
    now[0] += 1
    assert not seated(connections, "a", ended).is_spare
    assert ended == ["a"] * 4


@pytest.mark.parametrize("limit", [64, 256, 1024, 16_384, 10**6])
def test_descriptors_are_left_beside_connections(limit):
    bounds = bounds_within(limit)
    assert 0 < bounds.each <= bounds.total <= limit - min(512, limit // 2)


@pytest.mark.parametrize("limit", [64, 256, 1024, 4096, 4608, 16_384])
def test_what_is_accepted_leaves_descriptors_for_the_service(limit):
    bounds = bounds_within(limit)
    assert bounds.waiting > 0
    assert bounds.total + bounds.waiting <= limit - min(limit // 4, 256)


def test_of_a_crowd_few_are_begun_with_in_a_second():
    now = [0.0]
    connections = Connections(Bounds(total=9, each=9, crowd=2, arrivals=1), lambda: now[0])
    assert all(connections.may_begin("192.0.2.1") and seated(connections, "192.0.2.1", []) for _ in range(2))
    assert [connections.may_begin("192.0.2.1") for _ in range(2)] == [True, False]
    assert connections.may_begin("192.0.2.2")
    now[0] = 1.0
    assert connections.may_begin("192.0.2.1")
