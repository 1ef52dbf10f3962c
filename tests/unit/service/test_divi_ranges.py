"""Ranges that may overlap, be empty or lie outside: the first that holds a circuit counts."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farshot.errors import BatchError
from farshot.model import Observables
from farshot.service.divi.ranges import first_ranges

CIRCUITS = 12
BORDER = st.integers(-3, CIRCUITS + 3)


def group_of(pairs, position):
    return next((group for group, (start, end) in enumerate(pairs) if start <= position < end), None)


@given(st.lists(st.tuples(BORDER, BORDER), min_size=1, max_size=8))
def test_a_circuit_has_the_first_range_that_holds_it(pairs):
    ranges = first_ranges(pairs, len(pairs), CIRCUITS)
    found = {position: chosen.group for chosen in ranges for position in range(chosen.start, chosen.end)}
    assert [found.get(position) for position in range(CIRCUITS)] == [group_of(pairs, at) for at in range(CIRCUITS)]
    assert all(before.end <= after.start for before, after in pairwise(ranges))
    assert all(0 <= chosen.start < chosen.end <= CIRCUITS for chosen in ranges)


def test_terms_are_those_of_the_ranges():
    groups = (("ZZ",), ("XX",))
    observables = Observables(groups, first_ranges([[2, 4], [0, 3]], 2, 5))
    assert [observables.terms_at(at) for at in range(5)] == [("XX",), ("XX",), ("ZZ",), ("ZZ",), ("ZZ", "XX")]


@pytest.mark.parametrize(("pairs", "words"), [([[0, 1]], "1 ranges for 2 groups"), ([[0, 1], [1]], "pairs")])
def test_what_is_no_map_is_refused(pairs, words):
    with pytest.raises(BatchError, match=words):
        first_ranges(pairs, 2, 5)


def test_many_ranges_take_no_time():
    ranges = first_ranges([[number, 100_000] for number in range(100_000)], 100_000, 100_000)
    assert [(chosen.start, chosen.end, chosen.group) for chosen in ranges] == [(0, 100_000, 0)]
