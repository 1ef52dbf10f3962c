import pytest
from scipy.special import gammaincc

from farshot.testing.counts import MismatchError, check_counts, check_form, p_value, upper_gamma

EVEN = {"00": 0.25, "01": 0.25, "10": 0.25, "11": 0.25}


@pytest.mark.parametrize("freedom", [1, 2, 3, 7, 30, 200, 4000])
@pytest.mark.parametrize("ratio", [0.01, 0.5, 0.9, 1.0, 1.1, 1.5, 3.0, 10.0])
def test_the_tail_is_that_of_chi_square(freedom, ratio):
    statistic = freedom * ratio
    assert upper_gamma(freedom / 2, statistic / 2) == pytest.approx(
        gammaincc(freedom / 2, statistic / 2), rel=1e-8, abs=1e-14
    )


def test_a_perfect_fit_is_certain():
    assert p_value(dict.fromkeys(EVEN, 250), EVEN, 1000) == 1.0


def test_rare_outcomes_share_a_cell():
    rare = {"0": 1 - 4e-3} | {f"1{k}": 1e-3 for k in range(4)}
    assert p_value({"0": 999, "10": 1}, rare, 1000) == 1.0


def test_a_certain_outcome_fits():
    check_counts({"01": 10}, {"01": 1.0}, 10)


def test_an_outcome_left_out_is_seen():
    with pytest.raises(MismatchError, match="p = "):
        check_counts({"00": 334, "01": 333, "10": 333}, EVEN, 1000)


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({"00": 9, "11": 1}, "impossible outcome '11'"),
        ({"0": 10}, "is not 2 bits"),
        ({"0 0": 10}, "is not 2 bits"),
        ({"0x": 10}, "is not 2 bits"),
        ({"00": 10, "01": 0}, "not a positive int"),
        ({"00": 10.0}, "not a positive int"),
        ({"00": True}, "not a positive int"),
        ({"00": 9}, "sum to 9, not to 10"),
    ],
)
def test_what_is_no_sample_is_seen(counts, said):
    with pytest.raises(MismatchError, match=said):
        check_counts(counts, {"00": 0.5, "01": 0.5}, 10)


def test_the_form_of_counts_needs_no_distribution():
    check_form({"00": 3, "11": 4}, 2, 7)
