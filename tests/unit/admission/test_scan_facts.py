"""What the scan finds out about circuits that it accepts."""

import pytest

from farshot.openqasm.facts import Feature
from farshot.openqasm.scanner import scan

TWO = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'
THREE = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'
BELL = TWO + "qreg q[2];\ncreg c[2];\nh q[0];\ncx q[0],q[1];\n"
THREE_BITS = THREE + "qubit[3] q; bit[3] c;\n"


def test_a_static_circuit():
    text = BELL + "barrier q;\nmeasure q[0] -> c[1];\nmeasure q[1] -> c[0];\n"
    found = scan(text)
    assert (found.version, found.qubits, found.bits) == (2, 2, 2)
    assert found.measured == ((0, 1), (1, 0))
    assert found.measures
    assert text[: found.measures_from] == BELL + "barrier q;\n"
    assert found.features == {Feature.CLIFFORD}
    assert found.library_gates == {"h", "cx"}
    assert found.own_gates == frozenset()
    assert text[found.include_at :].startswith("\nqreg")
    assert text[found.body_from :].startswith("\ncreg")
    assert found.qubit_names == (("q", 2),)
    assert found.text == text


def test_registers_are_counted_in_order_of_declaration():
    found = scan(TWO + "qreg a[2]; creg m[1]; qreg b[3]; creg n[2]; measure b[1] -> n[0]; measure a -> n;")
    assert found.measured == ((3, 1), (0, 1), (1, 2))
    assert (found.qubits, found.bits) == (5, 3)
    assert found.qubit_names == (("a", 2), ("b", 3))


def test_scalars_of_openqasm_3_have_size_0():
    found = scan(THREE + "qubit a; bit m; qubit[2] b; bit[2] n; m = measure a; n = measure b; ")
    assert found.qubit_names == (("a", 0), ("b", 2))
    assert found.measured == ((0, 0), (1, 1), (2, 2))


def test_without_measurement_the_text_is_the_circuit():
    found = scan(BELL)
    assert not found.measures
    assert found.measured == ()
    assert found.measures_from == len(BELL)


def test_the_byte_order_mark_is_gone():
    found = scan("\ufeff" + BELL + "measure q -> c;")
    assert found.text == BELL + "measure q -> c;"
    assert found.measures_from == len(BELL)


@pytest.mark.parametrize(("text", "version"), [
    ("qreg q[1];", 2),
    ("creg c[1]; qreg q[1]; // qubit", 2),
    ('include "qelib1.inc"; qreg q[1];', 2),
    ("qubit q; // qreg", 3),
    ('include "stdgates.inc"; qubit q;', 3),
    ("OPENQASM 2; qreg q[1];", 2),
    ("OPENQASM 3; qreg q[1];", 3),
    ("// a comment\nOPENQASM 3.1; qubit q;", 3),
])  # fmt: skip
def test_the_version(text, version):
    assert scan(text).version == version


@pytest.mark.parametrize("tail", [
    "measure q[0] -> c[0]; x q[1];",
    "measure q[0] -> c[0]; qreg r[1];",
    "if (c == 0) x q[0];",
    "if (c == 0) measure q[0] -> c[0];",
    "reset q;",
])  # fmt: skip
def test_dynamic(tail):
    found = scan(BELL + tail)
    assert Feature.DYNAMIC in found.features
    assert found.measures_from is None
    assert found.measured == ()
    assert found.measures == ("measure" in tail)


@pytest.mark.parametrize("tail", ["creg d[1];", "barrier q;", "gate g a { x a; }", "measure q[0] -> c[1];", ";"])
def test_not_dynamic(tail):
    text = BELL + "measure q -> c; " + tail
    assert scan(text).measures_from == len(BELL)


@pytest.mark.parametrize(("body", "clifford"), [
    ("h q[0]; s q[0]; sdg q[0]; x q; y q; z q; id q; sx q; sxdg q; cx q[0],q[1]; cy q[0],q[1];", True),
    ("cz q[0],q[1]; swap q[0],q[1]; CX q[0],q[1];", True),
    ("gate g a,b { h a; cx a,b; } g q[0],q[1];", True),
    ("gate g a { t a; } g q[0];", False),
    ("t q[0];", False),
    ("rz(pi) q[0];", False),
    ("U(0,0,0) q[0];", False),
    ("ccx q[0],q[1],q[2];", False),
])  # fmt: skip
def test_clifford_by_name(body, clifford):
    assert (Feature.CLIFFORD in scan(TWO + "qreg q[3];" + body).features) == clifford


def test_wide_conditions():
    assert Feature.WIDE_CONDITION not in scan(TWO + "qreg q[1]; creg c[63]; if (c == 9) x q[0];").features
    text = TWO + f"qreg q[1]; creg c[64]; if (c == {2**64 - 1}) x q[0];"
    assert Feature.WIDE_CONDITION in scan(text).features


def test_rotations_under_conditions():
    define = "gate g(t) a,b { rzz(t) a,b; } gate k a,b { g(0.5) a,b; }"
    start = TWO + define + "qreg q[2]; creg c[1]; k q[0],q[1]; "
    assert Feature.CONDITIONED_ROTATION not in scan(start).features
    assert Feature.CONDITIONED_ROTATION in scan(start + "if (c == 1) k q[0],q[1];").features


def test_library_gates_inside_own_gates_count():
    found = scan(TWO + "gate g(t) a,b { cu1(t) a,b; } gate k a,b { g(0.5) a,b; h a; } qreg q[2]; k q[0],q[1];")
    assert found.library_gates == {"cu1", "h"}
    assert found.own_gates == {"g", "k"}


def test_own_gates_hold_where_the_library_is_not_included():
    found = scan("OPENQASM 2.0; gate h a { U(pi,0,pi) a; } qreg q[1]; h q[0];")
    assert (found.own_gates, found.library_gates) == ({"h"}, frozenset())


def test_own_gates_hold_for_names_that_old_libraries_lack():
    found = scan(TWO + "gate sx a { x a; } qreg q[1]; sx q[0];")
    assert (found.own_gates, found.library_gates) == ({"sx"}, {"x"})


def test_registers_may_have_names_that_old_libraries_lack():
    assert scan(TWO + "qreg p[1]; creg u[1]; x p; measure p -> u;").qubit_names == (("p", 1),)


def test_definitions_go_after_the_include_or_the_version():
    assert scan(BELL).include_at == len('OPENQASM 2.0;\ninclude "qelib1.inc";')
    assert scan("OPENQASM 3.0; qubit q;").include_at == len("OPENQASM 3.0;")
    assert scan("qubit q;").include_at == 0


def test_every_library_gate_of_openqasm_2():
    gates = {
        1: "x y z h s sdg t tdg sx sxdg id u0(1) p(1) u1(1) rx(1) ry(1) rz(1) u2(1,2) u3(1,2,3) u(1,2,3)",
        2: "cx cz cy swap ch csx crx(1) cry(1) crz(1) cu1(1) cp(1) cu3(1,2,3) cu(1,2,3,4) rxx(1) rzz(1)",
        3: "ccx cswap rccx",
        4: "rc3x c3x c3sqrtx",
        5: "c4x",
    }
    text = TWO + "qreg q[5];\n"
    for width, names in gates.items():
        operands = ",".join(f"q[{number}]" for number in range(width))
        text += "".join(f"{name} {operands};\n" for name in names.split())
    assert len(scan(text).library_gates) == 43 - 1


@pytest.mark.parametrize("body", [
    "c = measure q;",
    "c[0] = measure q[2];",
    "c[0:1] = measure q[{2, 0}];",
    "measure q -> c;",
    "reset q[1]; barrier; barrier q[0], q[1];",
    "if (c == 5) { x q[0]; } else { y q[0]; }",
    "if (c != 5) x q[0]; else if (c[1] == 0) y q[0];",
    "if (c[0]) x q[0]; if (!c[1]) x q[0]; if (c[2] == true) x q[0];",
    "U(1, 2, 3) q; gphase(pi/4); ctrl @ gphase(0.5) q[0];",
    "inv @ pow(2) @ ctrl @ negctrl @ s q[0], q[1], q[2];",
    "gate g(t) a, b { ctrl @ rx(t) a, b; gphase(t/2); } g(0.5) q[0], q[1];",
    "for int i in [0:2] { x q[i]; for uint j in {0, 1} { rx(i*pi/3) q[j]; } }",
    "for int i in [2:-1:0] { h q[2 - i]; } for int i in [1:0] { nothing of this is read }",
    "const int n = 1 + 1; float w = 3*pi/n; rx(w) q[n]; x q[0:n - 1];",
    "switch (c) { case 0, 1 { x q[0]; } default { y q[0]; } } switch (c[0]) { case 1 { } }",
    "let a = q[0:1]; cx a[0], a[1]; let b = a ++ q[2:2]; h b; c = measure b;",
    "box { x q[0]; } delay[100ns] q; delay[2.5us] q[0], q[1];",
    "rx(arcsin(0.5) + mod(7, 2) + 2**-1 + 0x1f + 1_000 + .5 + 1. + tau - π) q[0];",
    "rx(4/2) q[0]; rx(1.0/2) q[1]; rx(1/2.0) q[2];",
])  # fmt: skip
def test_openqasm_3_that_is_followed(body):
    assert Feature.RICH not in scan(THREE_BITS + body).features


@pytest.mark.parametrize("body", [
    "ctrl(2) @ x q[0], q[1], q[2];",
    "x q[-1];",
    "x q[0:2][1];",
    "bit[3] d = measure q;",
    "if (5 == c) x q[0];",
    "if (~c[0]) x q[0];",
    "@keep this\nx q[0];",
    "for int i in [0:2] x q[0];",
    "gate g(tau) a { rx(tau) a; }",
    "const float e = 0.5;",
])  # fmt: skip
def test_openqasm_3_for_other_simulators(body):
    assert Feature.RICH in scan(THREE_BITS + body).features


def test_physical_qubits():
    found = scan(THREE + "bit c; x $3; c = measure $1;")
    assert found.qubits == 4
    assert {Feature.RICH, Feature.DYNAMIC} <= found.features


def test_a_parameter_with_the_name_of_a_constant():
    assert Feature.RICH in scan(TWO + "gate g(tau) a { rx(tau) a; } qreg q[1]; g(1) q[0];").features


@pytest.mark.parametrize(("text", "unicode"), [
    (THREE + "qubit ψ; // only\nx ψ;", True),
    (THREE + "qubit q; // ψ\n/* ψ */ rx(π) q;", False),
    (TWO + "qreg q[1]; // ψ", False),
])  # fmt: skip
def test_unicode_outside_comments(text, unicode):
    assert (Feature.UNICODE in scan(text).features) == unicode


def test_look_alikes_are_two_registers():
    assert scan(THREE + "qubit a; qubit а; x а;").qubit_names == (("a", 0), ("а", 0))  # noqa: RUF001


def test_loops_are_followed_round_by_round():
    found = scan(THREE_BITS + "for int i in [0:2] { c[i] = measure q[2 - i]; }")
    assert found.measures
    assert Feature.DYNAMIC in found.features


def test_names_of_numbers_end_with_their_block():
    assert scan(THREE_BITS + "if (c[0]) { const int n = 1; x q[n]; } const int n = 2; x q[n];").qubits == 3
