import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.random import Generator, Philox

from farshot.openqasm.scanner import scan
from farshot.packing import unpack
from farshot.simulators.draws import Key, _drop_points, draw, drops_points, record, wiring
from farshot.testing.counts import check_counts


def drawn(probabilities, shots, seed=1):
    outcomes, tallies = draw(np.array(probabilities), shots, seed)
    return dict(zip(outcomes.tolist(), tallies.tolist(), strict=True))


def recorded(text, outcomes, tallies):
    return unpack(record(np.array(outcomes), np.array(tallies), scan(f"OPENQASM 2.0;\n{text}")))


@given(st.integers(0, 2**63 - 1))
def test_the_key_is_that_of_philox(seed):
    assert Generator(Philox(Key(seed))).random() == Generator(Philox(key=seed)).random()


@pytest.mark.parametrize("shots", [100, 1024, 8191, 8192, 50_000])
def test_draws_fit_the_probabilities(shots):
    weights = np.arange(1024.0) ** 2
    probabilities = weights / weights.sum()
    counts = {f"{outcome:010b}": tally for outcome, tally in drawn(probabilities, shots).items()}
    check_counts(counts, {f"{outcome:010b}": p for outcome, p in enumerate(probabilities)}, shots)


@pytest.mark.parametrize("shots", [3, 1000])
def test_what_cannot_happen_does_not(shots):
    assert drawn([0, 0, 1.0, 0, 0, 0, 0, 0], shots) == {2: shots}


@pytest.mark.parametrize("first", [0, 1])
def test_an_impossible_outcome_next_to_a_point_at_the_end_of_the_line_does_not_happen(first):
    class Ends:
        def random(self, out):
            out[:] = [0.0, 1 - 2**-53]
            return out

    probabilities = np.array([0.0] * first + [0.3, 0.0, 0.7, 0.0])
    tallies = _drop_points(probabilities, 2, Ends())
    assert tallies.tolist() == [0] * first + [1, 0, 1, 0]


@given(st.integers(0, 2**63 - 1), st.integers(1, 400))
def test_rounding_changes_no_points(seed, shots):
    probabilities = np.arange(64.0) ** 2 / 85344
    rounded = np.nextafter(probabilities, 1.0)
    assert drops_points(len(probabilities), shots)
    assert drawn(probabilities, shots, seed) == drawn(rounded, shots, seed)


@pytest.mark.parametrize("shots", [5, 1000])
def test_a_seed_repeats_its_draws_and_another_does_not(shots):
    flat = np.full(64, 1 / 64)
    assert drawn(flat, shots, 5) == drawn(flat, shots, 5) != drawn(flat, shots, 6)


@given(st.integers(1, 200), st.integers(0, 2**63 - 1), st.lists(st.floats(0, 1), min_size=1, max_size=64))
def test_draws_add_up_and_are_possible(shots, seed, weights):
    probabilities = np.array([*weights, 1.0])
    outcomes, tallies = draw(probabilities, shots, seed)
    assert tallies.sum() == shots
    assert (np.diff(outcomes) > 0).all()
    assert probabilities[outcomes].all()


def test_bits_are_where_they_were_measured_to():
    text = "qreg q[3]; creg a[2]; creg b[2]; measure q[0] -> b[1]; measure q[2] -> a[0];"
    assert recorded(text, [1, 4, 5], [5, 6, 7]) == {"1000": 5, "0001": 6, "1001": 7}


def test_outcomes_that_look_alike_are_added_up():
    assert recorded("qreg q[2]; creg c[1]; measure q[1] -> c[0];", [0, 1, 2, 3], [1, 2, 4, 8]) == {"0": 3, "1": 12}


def test_qubits_above_the_measured_ones_do_not_show():
    assert recorded("qreg q[2]; creg c[1]; measure q[0] -> c[0];", [0, 2, 3], [1, 2, 4]) == {"0": 3, "1": 4}


def test_more_bits_than_a_machine_word():
    text = "qreg q[2]; creg c[70]; measure q[0] -> c[69]; measure q[1] -> c[0];"
    assert recorded(text, [1, 2], [3, 4]) == {"1" + "0" * 69: 3, "0" * 69 + "1": 4}


def test_the_last_measurement_into_a_bit_counts():
    assert wiring(((0, 0), (1, 1), (2, 0))) == ((2, 0), (1, 1))
    text = "qreg q[2]; creg c[2]; measure q[0] -> c[0]; measure q[1] -> c[1]; measure q[1] -> c[0];"
    assert recorded(text, [1, 2], [3, 4]) == {"00": 3, "11": 4}
