import pytest

from farshot.cli.result_rows import Line, lay_out, row_of

METADATA = {"simulator": "prism", "method": "statevector", "exact": True, "shots": 100, "seconds": 0.0123}


def counted(counts, label="bell", **metadata):
    return {"label": label, "results": counts, "metadata": METADATA | metadata}


def test_a_row_says_what_ran_and_how():
    row = row_of(counted({"00": 40, "11": 60}), 1)
    assert (row.label, row.bits, row.time, row.simulator, row.method) == ("bell", "2", "12 ms", "prism", "statevector")
    assert row.lines == (Line("11", "60.0%", 0.6), Line("00", "40.0%", 0.4))


def test_outcomes_that_do_not_fit_are_summed_up():
    row = row_of(counted({f"{value:03b}": 10 + value for value in range(8)}), 1)
    assert [line.name for line in row.lines] == ["111", "110", "101", "+5 more"]
    assert row.lines[-1].is_rest
    assert sum(line.share for line in row.lines) == pytest.approx(1)


def test_outcomes_as_frequent_as_others_come_in_their_own_order():
    assert [line.name for line in row_of(counted({"10": 5, "01": 5}), 1).lines] == ["01", "10"]


def test_a_circuit_among_many_shows_its_most_frequent_outcome():
    assert [line.name for line in row_of(counted({"00": 40, "11": 60}), 100).lines] == ["11"]


def test_terms_keep_their_order_and_their_sign():
    entry = {"label": "x", "results": {"ZZ": -0.5, "XX": 0.25, "YY": -0.0}, "metadata": METADATA | {"shots": None}}
    row = row_of(entry, 1)
    assert row.bits == ""
    assert [(line.name, line.value) for line in row.lines] == [
        ("ZZ", "-0.500000"),
        ("XX", "+0.250000"),
        ("YY", "+0.000000"),
    ]


def test_an_approximate_result_says_so():
    assert row_of(counted({"0": 1}, exact=False, method="mps", fidelity=0.9931), 1).method == "mps approximate 0.993"


def test_a_label_cannot_draw_on_the_terminal():
    assert row_of(counted({"0": 1}, label="a\x1b[2J\n\u202eb"), 1).label == "a\\x1b[2J\\n\\u202eb"


def test_a_circuit_without_classical_bits_has_a_row():
    assert row_of(counted({}), 1).lines == ()


@pytest.mark.parametrize("width", [60, 70, 80, 96, 120, 200])
@pytest.mark.parametrize("label", ["x", "a long label of a circuit", "量子回路" * 20])
@pytest.mark.parametrize("bits", [1, 12, 300])
def test_columns_fit_the_terminal(width, label, bits):
    rows = [row_of(counted({"0" * bits: 1}, label=label), 1)]
    layout = lay_out(rows, width)
    widths = (layout.label, layout.bits, layout.name, layout.bar, layout.value, layout.time, layout.simulator)
    assert sum(column + 2 for column in widths if column) - 2 <= width
    assert layout.bar >= 6


def test_a_wide_terminal_names_the_method():
    rows = [row_of(counted({"0": 1}), 1)]
    assert lay_out(rows, 80).simulator
    assert not lay_out(rows, 80).has_method
    assert lay_out(rows, 120).has_method
