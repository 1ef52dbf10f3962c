from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from farshot.dispatch.sharding import MAX_SHARD_BYTES, MAX_SHARD_CIRCUITS, cut, estimate

SOURCES = st.lists(
    st.builds(lambda qubits, gates: f"qreg q[{qubits}];" + "h q[0];" * gates, st.integers(0, 60), st.integers(0, 300)),
    min_size=1,
    max_size=60,
)


@given(SOURCES, st.integers(1, 64), st.integers(1, 60))
def test_shards_tile_the_job_and_none_is_large(sources, workers, times):
    sources = sources * times
    bounds = cut(sources, workers)
    assert bounds[0][0] == 0
    assert bounds[-1][1] == len(sources)
    assert all(end == start for (_, end), (start, _) in pairwise(bounds))
    for start, end in bounds:
        assert 0 < end - start <= MAX_SHARD_CIRCUITS
        assert sum(map(len, sources[start:end])) <= MAX_SHARD_BYTES


@given(st.integers(1, 64))
def test_equal_circuits_are_cut_evenly(workers):
    bounds = cut(["h q[0];"] * 4000, workers)
    sizes = {end - start for start, end in bounds[:-1]}
    assert len(sizes) == 1
    assert len(bounds) >= 4000 / MAX_SHARD_CIRCUITS


def test_a_second_of_work_is_enough_for_a_shard():
    wide = "qreg a[20];\nqubit[5] b;" + "h a[0];" * 1000
    assert estimate(wide) > 1
    assert cut([wide] * 3, 1) == [(0, 1), (1, 2), (2, 3)]


def test_one_large_circuit_is_a_shard_alone():
    assert cut(["x", "y" * (MAX_SHARD_BYTES + 1), "z"], 1)[1] == (1, 2)


def test_a_text_that_means_nothing_is_cut_too():
    assert cut(["qreg q[" * 10_000, "", "\0"], 2)[-1][1] == 3
