import io

import pytest
from rich.console import Console

from farshot.cli.result_tables import show_results

METADATA = {"simulator": "prism", "method": "statevector", "exact": True, "shots": 100, "seconds": 0.0123}
ERROR = {"code": "parse", "message": "no [bold]gate[/bold]\x1b", "line": 3, "column": 7}


def good(label, **metadata):
    return {"label": label, "results": {"00": 40, "11": 60}, "metadata": METADATA | metadata}


def bad(label, **error):
    return {"label": label, "error": ERROR | error}


def drawn(entries, width=80, limit=40, encoding="utf-8"):
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="replace")
    console = Console(file=file, width=width, markup=False, highlight=False, emoji=False)
    show_results(console, entries, job="3f2a91bc", limit=limit)
    file.seek(0)
    return file.read()


def test_a_table_has_a_head_and_a_line_for_each_outcome():
    head, first, second = drawn([good("bell")], width=60).splitlines()
    assert head.split() == ["circuit", "bits", "outcome", "share", "time"]
    assert first.split()[0] == "bell"
    assert second.split()[0] == "00"


@pytest.mark.parametrize("width", [1, 10, 20, 40, 60, 80, 120])
def test_no_line_is_wider_than_the_terminal(width):
    text = drawn([good("量" * 30), good("b" * 200), bad("c" * 200)], width=width)
    assert max(len(line) for line in text.splitlines()) <= width


def test_bars_are_drawn_in_ascii_where_the_terminal_has_nothing_else():
    assert "#####" in drawn([good("bell")], encoding="ascii")
    assert "?" not in drawn([good("bell")], encoding="ascii")


def test_failed_circuits_have_a_section_of_their_own():
    text = drawn([good("bell"), bad("wrong")])
    assert "1 circuit without a result" in text
    assert "wrong  parse  line 3, column 7: no [bold]gate[/bold]\\x1b" in text


def test_circuits_that_failed_alike_share_a_line():
    text = drawn([bad(f"c{number}") for number in range(9)] + [bad("other", line=None)])
    assert "c0 +8 more  parse  line 3, column 7:" in text
    assert "other       parse  no [bold]" in text


def test_a_long_table_is_cut_and_says_where_the_rest_is():
    text = drawn(
        [good(f"c{number}") for number in range(50)] + [bad(f"b{number}", line=number) for number in range(42)]
    )
    assert "... and 10 more circuits: farshot results 3f2a91bc" in text
    assert "... and 2 more failed circuits: farshot results 3f2a91bc" in text
    assert "c40" not in text


def test_without_a_limit_everything_is_shown():
    assert "c99" in drawn([good(f"c{number}") for number in range(100)], limit=None)


def test_a_warning_is_shown_once():
    text = drawn([good("a", warnings=["short terms"]), good("b", warnings=["short terms"])])
    assert text.count("short terms") == 1
    assert "note a +1 more: short terms" in text
