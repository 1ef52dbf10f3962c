from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from farshot import Template
from farshot.admission.batch import Request, admit
from farshot.dispatch.sharding import MAX_SHARD_BYTES, MAX_SHARD_CIRCUITS, Demand, cut, estimate

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
        (0, 1, estimate(text, Demand(10))),
        (1, 2, estimate(text, Demand(10))),
    ]


@pytest.mark.parametrize(("rows", "shards"), [(1, 1), (100, 2), (1000, 2), (2000, 4), (100_000, 200)])
def test_no_shard_is_too_short_to_be_worth_its_record_while_every_worker_has_one(rows, shards):
    text = "qreg q[10];" + "rx(a) q[0];" * 120
    batch = admit(
        Template(text, ["a"], {f"r{row}": [0.5] for row in range(rows)}), Request(target="auto", default_shots=10)
    )
    assert len(cut(batch, 2)) == shards


CIRCUIT = "OPENQASM 2.0;qreg q[10];creg c[10];" + "rx(0.3) q[0];" * 20


def test_what_is_asked_of_a_circuit_counts():
    alone = estimate(CIRCUIT)
    assert estimate(CIRCUIT, Demand(terms=200_000)) > 1000 * alone
    assert estimate(CIRCUIT, Demand(shots=100_000)) > alone
    assert estimate(CIRCUIT + "reset q[0];" * 8, Demand(shots=1000)) > 5 * estimate(CIRCUIT, Demand(shots=1000))


def test_registers_behind_the_head_of_a_text_count():
    wide = "qreg a[22];creg c[22];" + CIRCUIT.partition(";")[2]
    for hidden in ("//" + " " * 5000 + "\n" + wide, "qreg q[1];" + " " * 5000 + wide, "qreg q[1];" + " " * 200 + wide):
        assert estimate(hidden) > 100 * estimate(CIRCUIT)


def test_a_job_is_cut_by_what_is_asked_of_each_circuit():
    circuits = {f"c{number}": CIRCUIT for number in range(60)}
    terms = ";".join("IXYZ"[number % 4] * 9 + "IXYZ"[number // 4 % 4] for number in range(16))
    ranges = [[0, 50], [50, 60]]
    request = Request(target="auto", default_shots=10, ham_ops=f"{terms}|{'X' * 10}", circuit_ham_map=ranges)
    few = admit(circuits, Request(target="auto", default_shots=10, ham_ops="X" * 10))
    many = admit(circuits, request)
    assert sum(shard.cost for shard in cut(many, 1)) > sum(shard.cost for shard in cut(few, 1))
    shots = admit(circuits, Request(target="auto", default_shots=10, shot_groups=[[0, 10, 10**6], [10, 60, 1]]))
    costs = [shard.cost / (shard.end - shard.start) for shard in cut(shots, 2)]
    assert costs[0] > costs[-1]


def test_many_terms_make_short_shards():
    circuits = {f"c{number}": CIRCUIT for number in range(60)}
    letters = ["".join("IXYZ"[number >> 2 * place & 3] for place in range(10)) for number in range(200_000)]
    batch = admit(circuits, Request(target="auto", default_shots=10, ham_ops=";".join(letters)))
    assert [shard.end - shard.start for shard in cut(batch, 2)] == [1] * 60


def test_rows_of_a_template_of_which_unlike_things_are_asked_are_cut_by_that():
    template = Template(
        "OPENQASM 2.0;qreg q[12];creg c[12];rx(t) q[0];measure q->c;", ["t"], {f"r{n}": [n] for n in range(9)}
    )
    plain = admit(template, Request(target="auto", default_shots=10))
    groups = admit(template, Request(target="auto", default_shots=10, shot_groups=[[0, 4, 10**6], [4, 9, 1]]))
    assert sum(shard.cost for shard in cut(groups, 1)) > sum(shard.cost for shard in cut(plain, 1))


def test_the_method_and_the_simulator_of_the_target_count():
    small, wide = "qreg q[12];" + "rx(0.3) q[0];" * 20, "qreg q[24];" + "rx(0.3) q[0];" * 20
    assert estimate(small, Demand(10, target="aer:density_matrix")) > 5 * estimate(small, Demand(10, target="aer"))
    assert estimate(wide, Demand(10, target="prism:stabilizer")) < estimate(wide, Demand(10)) / 10
    assert estimate("x", Demand(10, target="aer")) > 10 * estimate("x", Demand(10, target="prism"))


def test_the_target_of_a_batch_is_asked():
    circuits = {"a": "qreg q[10]; x q[0];"}
    for options in ({}, {"ham_ops": "Z"}, {"shot_groups": [[0, 1, 10]]}):
        batches = [
            admit(circuits, Request(target=target, default_shots=10, **options))
            for target in ("prism", "aer:density_matrix")
        ]
        exact, dense = (cut(batch, 1)[0].cost for batch in batches)
        assert dense > 10 * exact
