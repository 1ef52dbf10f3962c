"""What a template is refused for, and what its rows are written as."""

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farshot import Template
from farshot.admission.batch import Request, admit
from farshot.errors import BatchError, CircuitError, OptionError
from farshot.model import TemplateSource
from farshot.templates.rows import rows_of

HEAD = 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[2];\ncreg c[2];\n'
NAMES = ["β[0]", "w_0[10]", "θ"]
FLOATS = st.floats(-100, 100)


def request(**options):
    return Request(target="auto", default_shots=100, **options)


def bound(line, row, names=NAMES, head=HEAD):
    text = Template(head + line, names, {"x": row}).bind("x")
    assert text.startswith(head)
    return text.removeprefix(head)


def fault(line, row, names=NAMES, head=HEAD):
    batch = admit(Template(head + line, names, {"x": row}), request())
    with pytest.raises(CircuitError) as raised:
        rows_of(batch.spec.template).scan(batch.sources[0])
    return raised.value


@pytest.mark.parametrize(
    ("line", "written"),
    [
        ("rz(β[0]) q[0];", "rz(-0.5) q[0];"),
        ("rz( 2*β[0] ) q[0];", "rz( -1.0 ) q[0];"),
        ("rz(-w_0[10]/2) q[0];", "rz(-5e-08) q[0];"),
        ("rz(w_0[10]) q[0];", "rz(1e-07) q[0];"),
        ("u3(θ,0.1, pi/2-θ) q[0];", "u3(3.0,0.1, -1.4292036732051034) q[0];"),
        ("rz(sin(θ)) q[0]; // rz(θ)", "rz(0.1411200080598672) q[0]; // rz(θ)"),
        ("/* rx(θ) */ rz((θ)) q[0];", "/* rx(θ) */ rz(3.0) q[0];"),
        ("rz(θ\n+1) q[0];", "rz(4.0\n) q[0];"),
        ("rz(a*β[0]) q[0];", "rz(a*(-0.5)) q[0];"),
        ("gate g(t) a { rz(t+θ) a; } g(θ) q[0];", "gate g(t) a { rz(t+(3.0)) a; } g(3.0) q[0];"),
        ("gate g(θ) a { rz(2*θ) a; } g(θ) q[0];", "gate g(θ) a { rz(2*θ) a; } g(3.0) q[0];"),
        ("gate g /* θ */ (θ) a { rz(θ) a; }", "gate g /* θ */ (θ) a { rz(θ) a; }"),
        ("if(c==1) rz(θ) q[0];", "if(c==1) rz(3.0) q[0];"),
        ("if(θ==1) x q[0];", "if(θ==1) x q[0];"),
        ("rz(θ(1)) q[0]; rz(β[0][1]) q[0]; rz(β) q[0];", "rz(θ(1)) q[0]; rz(β[0][1]) q[0]; rz(β) q[0];"),
        (
            "rz(θθ) q[0]; rz(xθ) q[0]; rz(θ_1) q[0]; rz(2θ) q[0];",
            "rz(θθ) q[0]; rz(xθ) q[0]; rz(θ_1) q[0]; rz(2θ) q[0];",
        ),
        ("rz(θ) q[0]; x θ[0];", "rz(3.0) q[0]; x θ[0];"),
        ("// 100 % sure\nrz(θ) q[0]; // %s", "// 100 % sure\nrz(3.0) q[0]; // %s"),
    ],
)
def test_rows_are_put_into_the_angles(line, written):
    assert bound(line, [-0.5, 1e-07, 3]) == written


def test_inputs_of_openqasm_3_are_left_out_and_lines_stay():
    head = "OPENQASM 3.0;\n"
    text = (
        "input float[64] a;\ninput angle\n[32] b;\ninput float other;\nqubit q;\n// input float a;\nrz(a**2) q;rz(b) q;"
    )
    written = bound(text, [3, 0.5], ["a", "b"], head)
    assert written.endswith("qubit q;\n// input float a;\nrz(9.0) q;rz(0.5) q;")
    assert written.count("\n") == text.count("\n")
    assert "input float other;" in written
    assert fault(text, [3, 0.5], ["a", "b"], head).line == 5


@pytest.mark.parametrize(
    ("line", "row", "code", "place"),
    [
        ("rz(θ/w_0[10]) q[0];", [1, 0, 1], "admission", (5, 5)),
        ("rz(sqrt(θ)) q[0];", [1, 0, -1], "admission", (5, 4)),
        ("rz(exp(θ)) q[0];", [1, 0, 1e6], "admission", (5, 4)),
        ("h q[0]; rz(2*θ) q[0];", [1, 0, math.nan], "admission", (5, 14)),
        ("h q[0];", [1, 0, math.inf], "admission", (1, 1)),
        ("rz(2*θ^2) q[0];", [1, 0, 1], "unsupported", (5, 7)),
        ("rz(2*θ+wrong) q[0];", [1, 0, -1e-9], "parse", (5, 8)),
        ("rz(θ) q[0]; rz(θ) r[0];", [1, 0, 1.23456], "parse", (5, 19)),
        ("rz(β[1]) q[0];", [1, 0, 1], "parse", (5, 4)),
        ("\n\nrz(θ) q[0];\nnonsense(θ, 2) q[0];", [1, 0, 1], "parse", (8, 1)),
        ("rz(\nθ\n) q[0]; x(θ) q[0];", [1, 0, 1], "parse", (7, 9)),
        ("rz(θ,θ) q[0];", [1, 0, 1], "parse", (5, 1)),
        ("rz(wrong*β[0]*2) q[0]; rx(θ) q[5];", [1, 0, 1], "parse", (5, 4)),
    ],
)
def test_a_fault_lies_in_the_text_of_the_template(line, row, code, place):
    found = fault(line, row)
    assert (found.code, found.line, found.column) == (code, *place)


@pytest.mark.parametrize("line", ["rz(θ) q[0]; rx(1.0) q[3];", "rz(θ) q[0]; rx(β[0]) q[1]; cx q[0],q[0]; // θ"])
@pytest.mark.parametrize("value", [1e-300, -2.0, 5.0])
def test_the_column_does_not_depend_on_the_length_of_numbers(line, value):
    assert (
        fault(line, [value, 0, value]).column
        == re.search(r"q\[3\]|q\[0\];", line[12:]).start() + 13 + ("3" in line) * 2
    )


LEAVES = st.one_of(
    st.sampled_from([("β[0]", "b"), ("w_0[10]", "w"), ("pi", "math.pi")]),
    FLOATS.map(abs).map(lambda value: (repr(value), repr(value))),
    st.integers(0, 99).map(lambda value: (str(value), f"{value}.0")),
)


def joined(children):
    return st.one_of(
        st.tuples(children, st.sampled_from("+-*/"), children).map(
            lambda parts: (f"({parts[0][0]}{parts[1]}{parts[2][0]})", f"({parts[0][1]}{parts[1]}{parts[2][1]})")
        ),
        st.tuples(st.sampled_from(["sin", "cos", "tan", "exp", "sqrt"]), children).map(
            lambda parts: (f"{parts[0]}({parts[1][0]})", f"math.{parts[0]}({parts[1][1]})")
        ),
        children.map(lambda part: (f"-{part[0]}", f"-{part[1]}")),
    )


@given(st.recursive(LEAVES, joined, max_leaves=12), FLOATS, FLOATS)
def test_formulas_are_worked_out_as_python_does(formula, b, w):
    text, python = (f"{part}+{name}" for part, name in zip(formula, ("β[0]", "b"), strict=True))
    try:
        expected = eval(python, {"math": math, "b": b, "w": w})  # noqa: S307 -- made above
    except (ArithmeticError, ValueError):
        expected = math.inf
    template = Template(f"{HEAD}rz({text}) q[0];", ["β[0]", "w_0[10]"], {"x": [b, w]})
    if math.isfinite(expected):
        try:
            written = template.bind("x")
        except CircuitError as error:  # an intermediate value was infinite
            assert "finite" in error.message  # noqa: PT017 -- most have none
            return
        assert written == f"{HEAD}rz({float(expected)!r}) q[0];"
    else:
        with pytest.raises(CircuitError, match="finite"):
            template.bind("x")


@given(
    st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 3)), min_size=1, max_size=9),
    st.tuples(FLOATS, FLOATS, FLOATS),
)
def test_many_arguments_get_their_own_numbers(uses, row):
    forms = ["{}", "-{}", "2*{}", "-0.5*{}"]
    factors = [1.0, -1.0, 2.0, -0.5]
    values = dict(zip(NAMES, row, strict=True))
    line = "".join(f"rx({forms[form].format(name)}) q[0];\n" for name, form in uses)
    written = "".join(f"rx({factors[form] * values[name]!r}) q[0];\n" for name, form in uses)
    assert bound(line, row) == written


@pytest.mark.parametrize("names", [["q"], ["c"], ["pi"], ["sin"], ["q[0]"], ["gate"], ["mine"], ["ln"]])
def test_a_name_that_means_something_else_is_refused(names):
    template = Template(HEAD + "gate mine a { x a; }\nrz(1) q[0];", names, {"x": [1]})
    for ask in (lambda: admit(template, request()), lambda: template.bind("x")):
        with pytest.raises(BatchError, match=re.escape(names[0])):
            ask()


def test_a_name_that_nobody_refused_before_is_refused_where_it_runs():
    with pytest.raises(CircuitError, match="`q`"):
        rows_of(TemplateSource(HEAD.encode() + b"rz(q) q[0];", ("q",))).scan(bytes(8))


@pytest.mark.parametrize("name", ["q", "b", "k", "n", "i", "tau", "arcsin", "r", "flag"])
def test_a_name_that_openqasm_3_declares_is_refused(name):
    text = "OPENQASM 3;\nqubit[2] q; bit b; const float[64] k = 1; int n = 2; let r = q[0:1]; bool flag;"
    with pytest.raises(BatchError, match=name):
        admit(Template(text + "for uint i in [0:1] { x q[i]; }", [name], {"x": [1]}), request())


@pytest.mark.parametrize("name", ["x", "tau", "e", "qq", "c_0", "input", "θ̂", "α₁", "layer.0", "w[0][1]", "w[a,b]"])
def test_a_name_of_a_library_gate_or_of_nothing_is_free(name):
    if "," in name:
        with pytest.raises(BatchError):
            bound(f"rx({name}) q[0];", [0.5], [name])
    else:
        assert bound(f"rx({name}) q[0]; x q[1];", [0.5], [name]) == "rx(0.5) q[0]; x q[1];"


@pytest.mark.parametrize("names", [[""], ["a b"], ["2x"], ["a", "a"], ["a;"], ["\ud800"], ["a[0"], ["x\n"], ["(x)"]])
def test_what_is_no_name_is_a_value_error(names):
    with pytest.raises(ValueError, match="name"):
        admit(Template(HEAD, names, {"x": [1] * len(names)}), request())


@pytest.mark.parametrize("names", ["ab", b"ab", None, 3, [3], [None], {"a"}])
def test_names_of_another_type_are_a_type_error(names):
    with pytest.raises(TypeError, match="name"):
        admit(Template(HEAD, names, {"x": [1]}), request())


def test_a_row_of_another_length_is_told_the_parameters():
    with pytest.raises(BatchError, match=r"row 'x' has 1 numbers for 2 parameters: 'a', 'b'"):
        admit(Template(HEAD, ["a", "b"], {"x": [1]}), request())
    many = [f"a[{number}]" for number in range(30)]
    with pytest.raises(BatchError, match=r"row 'x' has 1 numbers for 30 parameters: 'a\[0\]', .* and 22 more"):
        admit(Template(HEAD, many, {"x": [1]}), request())


@pytest.mark.parametrize(
    "rows",
    [
        None,
        [[1]],
        "ab",
        {"x": 1},
        {"x": "a"},
        {"x": ["a"]},
        {"x": [None]},
        {"x": [True]},
        {"x": {0: 1}},
        {"x": [1j]},
        {"x": [np.True_]},
        {"x": [[1]]},
        {1: [1]},
        {"x": {1}},
    ],
)
def test_rows_of_another_type_are_a_type_error(rows):
    with pytest.raises(TypeError, match=r"row|label"):
        admit(Template(HEAD, ["a"], rows), request())


@pytest.mark.parametrize(
    "rows", [{}, {"": [1]}, {"good": [1], "long": [1, 2]}, {"good": [1], "short": []}, {"x": [10**400]}]
)
def test_wrong_rows_are_a_value_error_that_names_the_label(rows):
    with pytest.raises(ValueError, match=r"empty|label|long|short|'x'"):
        admit(Template(HEAD, ["a"], rows), request())


@pytest.mark.parametrize("source", [None, b"x", 3])
def test_a_source_of_another_type_is_a_type_error(source):
    with pytest.raises(TypeError, match="source"):
        admit(Template(source, ["a"], {"x": [1]}), request())


def test_a_row_that_is_not_there_is_a_value_error():
    with pytest.raises(ValueError, match="no row"):
        Template(HEAD, [], {"x": []}).bind("y")


@pytest.mark.parametrize("row", [(1, 2.5), np.array([1, 2.5]), [np.float32(1), np.int64(2)], range(2)])
def test_rows_are_packed_once(row):
    batch = admit(Template(HEAD, ["a", "b"], {"x": row}), request())
    assert batch.encoded(slice(None)) == [np.array(list(row), "<f8").tobytes()] == list(batch.sources)


def test_no_parameters_are_parameters_too():
    assert bound("x q[0];", [], []) == "x q[0];"


def test_the_digest_covers_the_text_the_names_the_labels_and_the_rows():
    def digest(*parts):
        return admit(Template(*parts), request(seed=1)).digest

    first = digest("x", ["a", "b"], {"r": [1, 2]})
    assert first == digest("x", ("a", "b"), {"r": (1.0, 2)})
    others = [("y", ["a", "b"], {"r": [1, 2]}), ("x", ["b", "a"], {"r": [1, 2]}), ("x", ["a", "b"], {"s": [1, 2]})]
    assert first not in {digest(*other) for other in [*others, ("x", ["a", "b"], {"r": [1, 3]})]}
    assert first != admit({"r": "x"}, request(seed=1)).digest


def test_a_type_error_is_an_option_error():
    with pytest.raises(OptionError):
        admit(Template(HEAD, ["a"], None), request())


@pytest.mark.parametrize(
    "text",
    [
        "/*" * 50_000,
        "gate " * 50_000,
        "int[" * 50_000,
        "input float x" * 25_000,
        "'\"" * 50_000,
        "rx(" * 50_000,
        "a[" * 50_000,
        "rx(a" + " " * 100_000,
    ],
)
def test_hostile_texts_are_cut_in_no_time(text):
    batch = admit(Template(text, ["a"], {"x": [1]}), request())
    with pytest.raises(CircuitError):
        rows_of(batch.spec.template).scan(batch.sources[0])


def test_many_parameters_in_many_arguments_are_found_one_by_one():
    """No argument costs as much as there are names, be they hidden by those of a definition."""
    names = tuple(f"t{place}" for place in range(100_000))
    uses = "".join(f"rx({name}) q[0];" for name in names[:4_000])
    inside = "".join(f"rx(f{place}*{name}) a;" for place, name in enumerate(names[:4_000]))
    formals = ",".join(f"f{place}" for place in range(4_000))
    source = f'OPENQASM 2.0; include "qelib1.inc"; gate g({formals}) a {{ {inside} }} qreg q[1]; {uses}'
    text = rows_of(TemplateSource(source.encode(), names)).text(np.zeros(len(names)).tobytes())
    assert (text.count("rx(0.0) q[0];"), text.count("*(0.0)) a;")) == (4_000, 4_000)


def test_many_parentheses_in_a_template_are_walked_through_once():
    rows = rows_of(TemplateSource(f"qubit q; rx(t{'(' * 500_000}".encode(), ("t",)))
    assert len(rows.text(np.zeros(1).tobytes())) > 500_000
