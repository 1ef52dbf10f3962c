from datetime import UTC, datetime, timedelta

import pytest

from farshot.backends.job_lookup import choose
from farshot.cli.cell_texts import ago, bar, middle_cut, printable, seconds_text, share_text
from farshot.cli.data_output import csv_rows, error_line
from farshot.cli.error_output import InputError, exit_status
from farshot.cli.reports import Form, form_of
from farshot.errors import AmbiguousJobError, ExecutionCancelledError, MissingExtraError, StoreError, UnknownJobError


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0 ms"), (0.00994, "9.9 ms"), (0.00995, "10 ms"), (0.9994, "999 ms"), (0.9996, "1.0 s"), (59.96, "1m 0s")],
)
def test_seconds_are_in_the_unit_that_suits_them(seconds, text):
    assert seconds_text(seconds) == text


@pytest.mark.parametrize(("share", "text"), [(0, "0.0%"), (1e-9, "<0.1%"), (0.9999, "99.9%"), (1.0, "100%")])
def test_what_happened_once_is_not_zero_and_what_failed_once_not_all(share, text):
    assert share_text(share) == text


@pytest.mark.parametrize("share", [0, 0.001, 0.33, 0.999, 1])
@pytest.mark.parametrize("width", [6, 7, 40])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_a_bar_has_its_width(share, width, ascii_only):
    assert len(bar(share, width, ascii_only=ascii_only)) == width


@pytest.mark.parametrize("width", [2, 3, 8, 9])
def test_a_cut_text_fits(width):
    assert len(middle_cut("0123456789", width)) == width
    assert middle_cut("0123456789", 10) == "0123456789"


def test_what_a_terminal_obeys_is_escaped():
    assert (
        printable("tab\t nul\0 bell\a c1\x9b half\udc80 é 量") == "tab\\t nul\\x00 bell\\x07 c1\\x9b half\\udc80 é 量"
    )


def test_a_moment_of_a_clock_that_runs_ahead_is_now():
    assert ago(datetime.now(UTC) + timedelta(hours=1)) == "0 s ago"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InputError("x"), 2),
        (MissingExtraError("x"), 2),
        (UnknownJobError("x"), 2),
        (AmbiguousJobError("x"), 2),
        (StoreError("x"), 1),
        (ExecutionCancelledError("x"), 130),
    ],
)
def test_an_error_has_an_exit_status(error, status):
    assert exit_status(error) == status


def test_an_id_is_found_by_its_beginning():
    assert choose("ABCD", ["abcd1", "abce2"]) == "abcd1"
    with pytest.raises(UnknownJobError, match="no job here begins with 'ffff'"):
        choose("ffff", ["abcd1"])
    with pytest.raises(AmbiguousJobError, match=r"2 jobs: give more of one\n  abcd1\n  abcd2"):
        choose("abcd", ["abcd1", "abcd2", "abce"])


def test_a_row_of_csv_has_a_result_or_an_error():
    error = {"code": "parse", "message": "what", "line": 3, "column": 4}
    entries = [{"label": "a", "results": {"ZZ": 0.5}}, {"label": "b", "error": error}]
    assert list(csv_rows(entries)) == [
        ("label", "term", "value", "error"),
        ("a", "ZZ", 0.5, ""),
        ("b", "", "", "parse: line 3, column 4: what"),
    ]


def test_an_error_without_a_place_is_one_line_too():
    assert error_line({"code": "memory", "message": "too wide", "line": None, "column": None}) == "memory: too wide"


def test_results_have_one_form():
    assert form_of(as_json=False, as_csv=False) is Form.TABLE
    with pytest.raises(InputError, match="exclude"):
        form_of(as_json=True, as_csv=True)
