"""What texts stand for, operation by operation."""

import pytest

from farshot.errors import CircuitError
from farshot.openqasm.lowering import lower
from farshot.openqasm.scanner import scan
from farshot.operations.operations import Branch, Condition, Gate, Measure, PlainCircuit, Reset

HEAD = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'


def operations(body):
    return lower(HEAD + body).operations


def written(body):
    """Return gates as words: name, controls, qubits."""
    return [f"{gate.name}{gate.controls}{gate.qubits}" for gate in operations(body) if isinstance(gate, Gate)]


def test_a_whole_program():
    text = (
        HEAD
        + "qubit[2] q; bit[2] c; bit d;\nx q[0]; reset q[1]; c[1] = measure q[0];\nif (c == 2) x q[1]; else x q[0];"
    )
    at = text.index
    assert lower(text) == PlainCircuit(
        2,
        (2, 1),
        (
            Gate("x", (), 0, (0,), at("x q[0]; reset")),
            Reset(1, at("reset")),
            Measure(0, 1, at("c[1]")),
            Branch(
                Condition((0, 1), 2),
                (Gate("x", (), 0, (1,), at("x q[1]; else")),),
                (Gate("x", (), 0, (0,), at("x q[0];", at("else"))),),
                at("if"),
            ),
        ),
    )


@pytest.mark.parametrize(
    ("body", "indices"),
    [
        ("x q[2:-1:0];", [2, 1, 0]),
        ("x q[-1];", [3]),
        ("x q[1:2:3];", [1, 3]),
        ("let a = q[2:3] ++ q[0]; x a[-1];", [0]),
        ("let a = q[{3, 1}]; let b = a[1:1]; x b;", [1]),
        ("for int i in [3:-2:0] { x q[i]; }", [3, 1]),
        ("for int i in {0, 2} x q[i];", [0, 2]),
        ("for int i in [2:1] x q[i]; x q[3];", [3]),
        ("for int i in [2:1] { if (true == c) { x q[0]; } else x q[1]; } x q[3];", [3]),
        ("for int i in [1:0] for int j in {0, 1} x q[i]; x q[3];", [3]),
        ("const int n = 2; x q[n - 1];", [1]),
        ("x q;", [0, 1, 2, 3]),
    ],
)
def test_indices(body, indices):
    assert [gate.qubits for gate in operations(f"qubit[4] q; bit c; {body}")] == [(index,) for index in indices]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("ctrl(2) @ x q[0], q[1], q[2];", ["x2(0, 1, 2)"]),
        ("ctrl @ ccx q[3], q[0], q[1], q[2];", ["x3(3, 0, 1, 2)"]),
        ("negctrl @ x q[0], q[1];", ["x0(0,)", "x1(0, 1)", "x0(0,)"]),
        ("inv @ s q[0];", ["sdg0(0,)"]),
        ("pow(3) @ x q[0];", ["x0(0,)"]),
        ("pow(-1) @ t q[0];", ["tdg0(0,)"]),
        ("pow(2) @ ctrl @ x q[0], q[1];", []),
        ("gate g a, b { s a; cx a, b; } inv @ g q[1], q[0];", ["x1(1, 0)", "sdg0(1,)"]),
        ("gate g a, b { s a; cx a, b; } ctrl @ g q[2], q[1], q[0];", ["s1(2, 1)", "x2(2, 1, 0)"]),
        ("gate none a { } none q[0];", []),
        ("gphase(1);", []),
        ("ctrl @ gphase(1) q[2];", ["p0(2,)"]),
        ("ctrl(2) @ gphase(1) q[2], q[0];", ["p1(2, 0)"]),
        ("cx q[0:1], q[2:3];", ["x1(0, 2)", "x1(1, 3)"]),
        ("barrier q; delay[10ns] q;", []),
    ],
)
def test_gates(body, found):
    assert written(f"qubit[4] q; {body}") == found


@pytest.mark.parametrize(
    ("condition", "bits", "value"),
    [
        ("c == 2", (1, 2), 2),
        ("2 == c", (1, 2), 2),
        ('c == "10"', (1, 2), 2),
        ('"10" == c', (1, 2), 2),
        ("c[1]", (2,), 1),
        ("c[1] == 1", (2,), 1),
        ("d == 1", (0,), 1),
        ("c[0] != 0", (1,), 1),
    ],
)
def test_conditions(condition, bits, value):
    (branch,) = operations(f"bit d; bit[2] c; qubit q; if ({condition}) x q;")
    assert branch.condition == Condition(bits, value)
    assert branch.body


@pytest.mark.parametrize("condition", ["!c[1]", "c[1] == 0", "c[1] != 1", "c[1] != true", "c != 3"])
def test_negated_conditions(condition):
    (branch,) = operations(f"bit[2] c; qubit q; if ({condition}) x q;")
    assert (branch.body, len(branch.otherwise)) == ((), 1)


@pytest.mark.parametrize("text", [
    "OPENQASM 2.0; qreg q[1]; creg c[2]; if(c==4) U(0,0,0) q[0];",
    "OPENQASM 3.0; qubit q; bit[2] c; if (c == 4) U(0,0,0) q;",
    "OPENQASM 3.0; qubit q; bit[2] c; switch (c) { case 4 { U(0,0,0) q; } }",
])  # fmt: skip
def test_what_is_never_true_is_a_warning(text):
    assert lower(text).operations == ()
    (warning,) = scan(text).warnings
    assert warning.startswith("line 1: 4 is compared with 2 bits, which never hold it")


@pytest.mark.parametrize("value", [2**64, 10**26])
def test_what_is_no_integer_of_the_language_is_refused(value):
    with pytest.raises(CircuitError, match="does not fit"):
        lower(f"OPENQASM 2.0; qreg q[1]; creg c[2]; if(c=={value}) U(0,0,0) q[0];")


def test_the_else_of_what_is_never_true_happens():
    assert written("qubit q; bit[2] c; if (c == 4) x q; else y q; if (c != 4) z q;") == ["y0(0,)", "z0(0,)"]


SWITCH = "qubit[2] q; bit[2] c; int v; c = measure q; v = c; "


def test_a_switch_on_what_a_register_was():
    *_, branch = operations(SWITCH + "switch (v) { case 1, 2 { x q[0]; } default { x q[1]; } }")
    assert [branch.condition.value, branch.otherwise[0].condition.value] == [1, 2]
    assert branch.body == branch.otherwise[0].body
    assert branch.otherwise[0].otherwise[0].qubits == (1,)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (SWITCH + "c[0] = measure q[0]; switch (v) { case 1 { } }", "measured again"),
        ("qubit q; bit c; int v; switch (v) { case 1 { } }", "holds nothing"),
        ("qubit q; bit c; bit[2] d; int v; if (c) { v = d; } switch (v) { case 1 { } }", "holds nothing"),
        ("qubit q; bit[4] c; int[4] v; v = c;", "does not hold 4 bits"),
        ("qubit q; bit[4] c; int v; v = c[0:1];", "whole register"),
        ('qubit q; bit[2] c; if (c == "011") x q;', "3 bits are compared with 2"),
        ('qubit q; bit[2] c; if (c == "0a") x q;', "no bits"),
        ("qubit q; pow(0.5) @ U(1, 2, 3) q;", "root"),
        ("qubit q; float v = 1; gate g a { rx(v) a; }", "`v`"),
        ("qubit q; angle[4] a = 1; rx(1.5 * a) q;", "added, subtracted"),
        ("qubit q; angle[4] a = 1; angle[5] b = 1; rx(a + b) q;", "different sizes"),
        ("qubit q; angle[4] a = 1; float b = a;", "does not become"),
    ],
)
def test_refused_by_name(body, said):
    with pytest.raises(CircuitError, match=said):
        lower(HEAD + body)


@pytest.mark.parametrize(
    ("declared", "formula", "steps"),
    [
        ("angle[2] a = 0.3 * pi;", "a", 1),
        ("angle[2] a = 0.25 * pi;", "a", 0),
        ("angle[2] a = 0.75 * pi;", "a", 2),
        ("angle[2] a = -pi / 2;", "a", 3),
        ("angle[2] a = 5 * pi / 2;", "a", 1),
        ("const angle[2] a = pi;", "a + pi / 2", 3),
        ("angle[2] a = pi / 2;", "3 * a + a", 0),
        ("angle[2] a = 3 * pi / 2;", "a / 2", 1),
        ("angle[2] a = pi / 2;", "-a", 3),
        ("angle a = 3 * pi;", "a / 2", 1),
    ],
)
def test_angles_wrap_and_round(declared, formula, steps):
    (gate,) = operations(f"{declared} qubit q; p({formula}) q;")
    assert gate.angles == pytest.approx((steps * 1.5707963267948966,))


def test_what_is_written_out_is_bounded():
    double = "gate g0 a { x a; } " + "".join(f"gate g{n} a {{ g{n - 1} a; g{n - 1} a; }} " for n in range(1, 20))
    with pytest.raises(CircuitError, match="operations"):
        lower(f"{HEAD}{double} qubit[2] q; g19 q; g19 q;")


def test_deep_gates_that_do_little_are_quick():
    deep = "gate g0 a { } " + "".join(f"gate g{n} a {{ g{n - 1} a; }} " for n in range(1, 60))
    assert lower(f"{HEAD}{deep} qubit q; for int i in [0:1000] g59 q;").operations == ()
