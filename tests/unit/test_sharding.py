from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from farshot import Template
from farshot.admission.batch import Request, admit
from farshot.dispatch.sharding import MAX_SHARD_BYTES, MAX_SHARD_CIRCUITS, cut, estimate

SOURCES = st.lists(
    st.builds(lambda qubits, gates: f"qreg q[{qubits}];" + "h q[0];" * gates, st.integers(0, 60), st.integers(0, 300)),
    min_size=1,
    max_size=60,
)


def batch_of(sources):
    circuits = {f"c{number}": source for number, source in enumerate(sources)}
    return admit(circuits, Request(target="auto", default_shots=10))


def bounds_of(sources, workers):
    return [(shard.start, shard.end) for shard in cut(batch_of(sources), workers)]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(SOURCES, st.integers(1, 64), st.integers(1, 60))
def test_shards_tile_the_job_and_none_is_large(sources, workers, times):
    sources = sources * times
    bounds = bounds_of(sources, workers)
    assert bounds[0][0] == 0
    assert bounds[-1][1] == len(sources)
    assert all(end == start for (_, end), (start, _) in pairwise(bounds))
    for start, end in bounds:
        assert 0 < end - start <= MAX_SHARD_CIRCUITS
        assert sum(map(len, sources[start:end])) <= MAX_SHARD_BYTES


@given(st.integers(1, 64))
def test_equal_circuits_are_cut_evenly(workers):
    bounds = bounds_of(["h q[0];"] * 4000, workers)
    sizes = {end - start for start, end in bounds[:-1]}
    assert len(sizes) == 1
    assert len(bounds) >= 4000 / MAX_SHARD_CIRCUITS


def test_a_second_of_work_is_enough_for_a_shard():
    wide = "qreg a[20];\nqubit[5] b;" + "h a[0];" * 1000
    assert estimate(wide) > 1
    assert bounds_of([wide] * 3, 1) == [(0, 1), (1, 2), (2, 3)]


def test_one_large_circuit_is_a_shard_alone():
    assert bounds_of(["x", "y" * (MAX_SHARD_BYTES + 1), "z"], 1)[1] == (1, 2)


def test_a_text_that_means_nothing_is_cut_too():
    assert bounds_of(["qreg q[" * 10_000, "", "\0"], 2)[-1][1] == 3


def test_rows_cost_what_their_template_does():
    text = "qreg q[20];" + "h q[0];" * 1000 + "rx(a) q[0];"
    batch = admit(Template(text, ["a"], {"x": [1], "y": [2]}), Request(target="auto", default_shots=10))
    assert [(shard.start, shard.end, shard.cost) for shard in cut(batch, 8)] == [
        (0, 1, estimate(text)),
        (1, 2, estimate(text)),
    ]


@pytest.mark.parametrize(("rows", "shards"), [(1, 1), (100, 2), (1000, 4), (100_000, 200)])
def test_no_shard_is_too_short_to_be_worth_its_record_while_every_worker_has_one(rows, shards):
    text = "qreg q[10];" + "rx(a) q[0];" * 120
    batch = admit(
        Template(text, ["a"], {f"r{row}": [0.5] for row in range(rows)}), Request(target="auto", default_shots=10)
    )
    assert len(cut(batch, 2)) == shards
