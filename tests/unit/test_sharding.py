import itertools

from hypothesis import given
from hypothesis import strategies as st

from farshot.dispatch.sharding import MAX_SHARD, cut


@given(st.integers(1, 200_000), st.integers(1, 64))
def test_shards_tile_the_job(circuits, workers):
    bounds = cut(circuits, workers)
    assert bounds[0][0] == 0
    assert bounds[-1][1] == circuits
    assert all(end == start for (_, end), (start, _) in itertools.pairwise(bounds))
    assert all(0 < end - start <= MAX_SHARD for start, end in bounds)


@given(st.integers(1, 64))
def test_every_worker_has_something_to_do(workers):
    assert len(cut(1000, workers)) >= workers
