import pytest
from hypothesis import given
from hypothesis import strategies as st

from farshot.admission.batch import MAX_LABEL_LENGTH, Request, admit, observables, shot_plan
from farshot.errors import BatchError
from farshot.model import MAX_SEED, ShotGroup

CIRCUITS = {"a": "one", "b": "two", "c": "three"}


def request(**options):
    return Request(target="auto", default_shots=100, **options)


def test_labels_and_order_are_kept():
    batch = admit({"z": "1", "a": "2", "ü\n": "3"}, request())
    assert list(batch.labels) == ["z", "a", "ü\n"]
    assert list(batch.sources) == ["1", "2", "3"]


@pytest.mark.parametrize(
    "circuits", ["OPENQASM 2.0;", ["x"], None, 3, {"a": b"x"}, {"a": None}, {1: "x"}, {("a",): "x"}]
)
def test_what_is_no_mapping_of_text_is_a_type_error(circuits):
    with pytest.raises(TypeError):
        admit(circuits, request())


@pytest.mark.parametrize("circuits", [{}, {"": "x"}, {"x" * (MAX_LABEL_LENGTH + 1): "x"}, {"\ud800": "x"}])
def test_a_wrong_label_or_no_circuit_is_a_value_error(circuits):
    with pytest.raises(ValueError, match=r"label|empty"):
        admit(circuits, request())


def test_the_text_of_a_circuit_is_not_looked_at():
    assert admit({"a": "\ud800 \0 nonsense", "b": ""}, request()).sources[0].endswith("nonsense")


@pytest.mark.parametrize("shots", [0, -1, 10**9 + 1, 2**31, 1.0, "1", True, [1]])
def test_wrong_shots_are_value_errors(shots):
    with pytest.raises(ValueError, match="shots"):
        admit(CIRCUITS, request(shots=shots))


@pytest.mark.parametrize("seed", [-1, MAX_SEED + 1, 1.5, "7", False])
def test_wrong_seeds_are_value_errors(seed):
    with pytest.raises(ValueError, match="seed"):
        admit(CIRCUITS, request(seed=seed))


def test_a_seed_is_drawn_where_none_is_given():
    first, second = (admit(CIRCUITS, request()).spec.seed for _ in range(2))
    assert first != second
    assert admit(CIRCUITS, request(seed=7)).spec.seed == 7
    assert admit(CIRCUITS, request(default_seed=8)).spec.seed == 8


@pytest.mark.parametrize("name", ["tag", "key"])
@pytest.mark.parametrize("value", ["", "x" * 2000, "\ud800", 7, "a\0b"])
def test_tags_and_keys_are_text(name, value):
    with pytest.raises(ValueError, match=name):
        admit(CIRCUITS, request(**{name: value}))


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 1000)), min_size=1, max_size=20), st.randoms())
def test_groups_that_tile_the_batch_give_each_circuit_its_shots(sizes, rng):
    groups, expected, start = [], [], 0
    for size, shots in sizes:
        groups.append([start, start + size, shots])
        expected += [shots] * size
        start += size
    rng.shuffle(groups)
    plan = shot_plan(groups, start)
    assert [plan.shots_at(position) for position in range(start)] == expected


@pytest.mark.parametrize(
    "groups",
    [
        [],
        [[0, 2, 10]],
        [[0, 2, 10], [2, 4, 10]],
        [[0, 2, 10], [1, 3, 10]],
        [[0, 1, 10], [2, 3, 10]],
        [[0, 0, 10], [0, 3, 10]],
        [[0, 3, 0]],
        [[0, 3, -5]],
        [[0, 3, 1.5]],
        [[0, 3, "10"]],
        [[0, 3, True]],
        [[0, 3, 2**40]],
        [[0, 3]],
        [3],
        "abc",
        7,
        [[-1, 3, 5]],
    ],
)
def test_groups_that_do_not_tile_the_batch_are_value_errors(groups):
    with pytest.raises(ValueError, match=r"shot|start|end"):
        admit(CIRCUITS, request(shot_groups=groups))


def test_shots_and_groups_exclude_each_other():
    with pytest.raises(BatchError, match="exclude"):
        admit(CIRCUITS, request(shot_groups=[[0, 3, 5]], shots=5))


def test_observables_and_shot_groups_exclude_each_other():
    with pytest.raises(BatchError, match="exclude"):
        admit(CIRCUITS, request(shot_groups=[[0, 3, 5]], ham_ops="Z"))


def test_default_shots_hold_for_the_whole_batch():
    assert admit(CIRCUITS, request()).spec.shots.groups == (ShotGroup(0, 3, 100),)


@pytest.mark.parametrize(
    "ham_ops",
    ["", ";", "Z;", "Z;ZZ", "z", "ZA", "Z Z", "Z|", "|Z", "Z\n", "ZΖ", "ZZ;;XX", "ZZ|X;YY"],  # noqa: RUF001 -- the look-alike is the point
)
def test_malformed_observables_are_value_errors(ham_ops):
    with pytest.raises(ValueError, match="ham_ops"):
        observables(ham_ops, None, 3)


def test_observables_in_a_wrong_list_are_told_how_lists_are_written():
    with pytest.raises(ValueError, match=r"'ZZ,XX'; terms are joined by ';', groups by '\|'"):
        observables("ZZ,XX", None, 3)


@pytest.mark.parametrize("ham_ops", [["ZZ"], 7, b"ZZ"])
def test_observables_of_another_type_are_type_errors(ham_ops):
    with pytest.raises(TypeError, match="ham_ops"):
        admit(CIRCUITS, request(ham_ops=ham_ops))


@pytest.mark.parametrize(
    "ranges",
    [[], [[0, 1]], [[0, 1], [1, 4]], [[0, 2], [1, 3]], [[0, 0], [0, 3]], [[-1, 1], [1, 3]], [[0, 1, 2], [2, 3]]],
)
def test_a_map_that_does_not_fit_is_a_value_error(ranges):
    with pytest.raises(ValueError, match="circuit_ham_map"):
        observables("ZZ|XX", ranges, 3)


def test_a_map_without_observables_is_a_value_error():
    with pytest.raises(BatchError, match="ham_ops"):
        admit(CIRCUITS, request(circuit_ham_map=[[0, 3]]))


def test_circuits_outside_every_range_get_all_terms():
    chosen = observables("ZZ;IX|XX|Y", [[3, 4], [0, 1], [4, 6]], 6)
    assert chosen.terms_at(0) == ("XX",)
    assert chosen.terms_at(1) == ("ZZ", "IX", "XX", "Y")
    assert chosen.terms_at(3) == ("ZZ", "IX")
    assert chosen.terms_at(5) == ("Y",)


def test_terms_are_kept_as_written_and_once():
    assert observables("ZZ;XX;ZZ", None, 1).terms_at(0) == ("ZZ", "XX")


def test_the_digest_covers_the_body_and_nothing_that_was_drawn():
    assert admit(CIRCUITS, request()).digest == admit(CIRCUITS, request()).digest
    assert admit(CIRCUITS, request(seed=1)).digest != admit(CIRCUITS, request(seed=2)).digest
    assert admit(CIRCUITS, request()).digest != admit({**CIRCUITS, "d": ""}, request()).digest
    assert admit({"ab": "c"}, request()).digest != admit({"a": "bc"}, request()).digest
