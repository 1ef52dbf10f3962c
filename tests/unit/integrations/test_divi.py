import pkgutil

import pytest

import farshot
from farshot.integrations import divi
from farshot.integrations.divi.job_pieces import Parametric, pieces_of

TEXT = 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[1];\ncreg c[1];\nx q[0];\nrx({}) q[0];\nmeasure q -> c;\n'


def test_without_divi_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(divi, "find_spec", lambda _name: None)
    with pytest.raises(farshot.MissingExtraError, match=r"pip install 'farshot\[divi\]'"):
        divi.backend()


def test_no_module_takes_the_place_of_a_public_function():
    """An import of a module sets its name in the package."""
    assert not {module.name for module in pkgutil.iter_modules(divi.__path__)} & set(divi.__all__)


@pytest.mark.parametrize("name", ["theta", "β[0]", "x", "q", "c", "sin", "a b", "2t", "θ_{0}", "-t"])
def test_a_parameter_may_have_any_name(name):
    (template,) = pieces_of([Parametric(TEXT.format(f"2*{name}"), (name,), (("one", (0.25,)),))])
    assert template.bind("one") == TEXT.format(0.5)


def test_neighbours_of_one_text_share_a_template_and_order_is_kept():
    one, other = TEXT.format("t"), TEXT.format("2*t")
    row = {label: (("t",), ((label, (1.0,)),)) for label in "abcd"}
    pieces = pieces_of([
        Parametric(one, *row["a"]),
        Parametric(one, *row["b"]),
        Parametric(other, *row["c"]),
        Parametric(one, *row["d"]),
    ])  # fmt: skip
    assert [list(piece.rows) for piece in pieces] == [["a", "b"], ["c"], ["d"]]


@pytest.mark.parametrize(
    "rows", [(), (("a", (1.0, 2.0)),), (("a", (1.0,)), ("a", (2.0,)))], ids=["none", "too many numbers", "twice"]
)
def test_wrong_rows_are_refused(rows):
    with pytest.raises(ValueError, match=r"no rows|2 numbers for 1|twice"):
        pieces_of([Parametric(TEXT.format("t"), ("t",), rows)])
