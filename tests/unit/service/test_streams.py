"""What is missing of a job's results is named once, wherever the recorded parts lie."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from farshot.backends.stored_results import gaps
from farshot.errors import FaultCode
from farshot.model import Fault

FAULT = Fault(FaultCode.CANCELLED, "cancelled")


@given(st.lists(st.integers(1, 5), max_size=6), st.data())
def test_every_circuit_without_an_outcome_is_named_once(sizes, data):
    shards, start = [], 0
    for size in sizes:
        shards.append(tuple(str(position) for position in range(start, start + size)))
        start += size
    cuts = sorted({0, start, *data.draw(st.lists(st.integers(0, start), max_size=8))})
    spans = [span for span in pairwise(cuts) if data.draw(st.booleans())]
    found = [(gap.first + n, label) for gap in gaps(shards, spans, FAULT) for n, label in enumerate(gap.labels)]
    recorded = {position for first, end in spans for position in range(first, end)}
    assert found == [(position, str(position)) for position in range(start) if position not in recorded]
