"""What the scan refuses: the code, the place, and a message that says what is wrong."""

import time

import pytest

from farshot.errors import CircuitError, FaultCode
from farshot.openqasm.scanner import scan

PARSE, UNSUPPORTED, ADMISSION = FaultCode.PARSE, FaultCode.UNSUPPORTED, FaultCode.ADMISSION
TWO = 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[3];creg c[3];\n'
THREE = 'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[3] q; bit[3] c;\n'
BARE_TWO = "OPENQASM 2.0;\n"
BARE_THREE = "OPENQASM 3.0;\n"

CHARACTERS = [
    ("OPENQASM 2.0;\rqreg q[1];", PARSE, 1, 14, "carriage return"),
    (TWO + "x q[0];\0", PARSE, 4, 8, "U+0000"),
    (TWO + "x q[0]; // \x1b[2J", PARSE, 4, 12, "U+001B"),
    (TWO + "// a\u2028x q[0];", PARSE, 4, 5, "U+2028"),
    (TWO + "// \udce9", PARSE, 4, 4, "UTF-8"),
    ("\udcff\udcfeO\0P\0E\0N\0Q\0A\0S\0M\0", PARSE, 1, 1, "UTF-16"),
    (TWO + "x ψ[0];", PARSE, 4, 3, "ψ"),
    (TWO + "x q\xa0[0];", PARSE, 4, 4, "meaning"),
    (TWO + "/* never ends", PARSE, 4, 1, "comment never ends"),
    ('OPENQASM 2.0;\ninclude "qelib1.inc;\nqreg q[1];', PARSE, 2, 9, "quote"),
    (TWO + "rx(" + "9" * 100_000 + ") q[0];", ADMISSION, 4, 4, "100,000 characters"),
]
PREAMBLE = [
    ("circuits/bell 1.qasm\n", PARSE, 1, 1, "`circuits/bell 1.qasm` is the name of a file, not its text"),
    ("", ADMISSION, 1, 1, "no qubits"),
    (BARE_TWO, ADMISSION, 2, 1, "no qubits"),
    ("OPENQASM 4.0; qubit q;", UNSUPPORTED, 1, 10, "`4.0`"),
    ("OPENQASM two; qubit q;", PARSE, 1, 10, "version"),
    ("qreg q[1]; OPENQASM 2.0;", PARSE, 1, 12, "first statement"),
    ('OPENQASM 2.0; include "/etc/passwd"; qreg q[1];', UNSUPPORTED, 1, 23, "/etc/passwd"),
    ('OPENQASM 3.0; include "qelib1.inc"; qubit q;', UNSUPPORTED, 1, 23, "stdgates.inc"),
    (TWO + 'include "qelib1.inc";', PARSE, 4, 9, "twice"),
    ('OPENQASM 2.0; gate h a { U(0,0,0) a; }\ninclude "qelib1.inc";', PARSE, 2, 9, "`h`"),
]
DECLARATIONS = [
    (BARE_TWO + "qreg q[0];", ADMISSION, 2, 6, "empty"),
    (BARE_TWO + "qreg q[10001];", ADMISSION, 2, 6, "10,000"),
    (BARE_TWO + "qreg q[" + "9" * 30 + "];", ADMISSION, 2, 6, "far more"),
    (BARE_THREE + "qubit[9000] q; qubit[1001] r;", ADMISSION, 2, 28, "10,001 qubits"),
    (BARE_TWO + "qreg q[1]; creg c[65537];", ADMISSION, 2, 17, "classical bits"),
    (BARE_TWO + "qreg q[1.0];", PARSE, 2, 8, "an integer"),
    (BARE_TWO + "qreg q[2]; creg q[2];", PARSE, 2, 17, "already declared"),
    (BARE_TWO + "qreg pi[2];", PARSE, 2, 6, "a word of OpenQASM 2"),
    (BARE_TWO + "qubit[2] q;", PARSE, 2, 1, "OpenQASM 3"),
    (TWO + "gate h a { x a; }", PARSE, 4, 6, "`h` is a gate of qelib1.inc"),
    (TWO + "sx q[0]; gate sx a { x a; }", PARSE, 4, 15, "`sx`"),
    (TWO + "gate sx a { sx a; }", PARSE, 4, 13, "`sx` is not defined"),
    (TWO + "gate g a { g a; }", PARSE, 4, 12, "`g` is not defined"),
    (TWO + "gate g a { cx a, a; }", PARSE, 4, 18, "twice"),
    (TWO + "gate g a { x b; }", PARSE, 4, 14, "`b` is not a qubit"),
    (TWO + "gate g(t) a { rx(s) a; }", PARSE, 4, 18, "`s`"),
    (TWO + "gate g(a) a { x a; }", PARSE, 4, 6, "different names"),
    (TWO + "gate g() { }", PARSE, 4, 6, "no qubits"),
    (TWO + "gate g(t) a { rx(t/0) a; }", ADMISSION, 4, 19, "finite"),
    (TWO + "opaque g a;", UNSUPPORTED, 4, 1, "opaque"),
    (THREE + "if (c[0]) { qubit r; }", PARSE, 4, 13, "outside of blocks"),
    (THREE + "gate g a { if (c == 1) x a; }", UNSUPPORTED, 4, 12, "`if`"),
]
CALLS = [
    ("OPENQASM 2.0;\nqreg q[1];\nh q[0];", PARSE, 3, 1, 'include "qelib1.inc"'),
    (TWO + "iswap q[0],q[1];", PARSE, 4, 1, "not in qelib1.inc"),
    (TWO + "gpi(0.1) q[0];", PARSE, 4, 1, "`gpi`"),
    (THREE + "rxx(0.1) q[0], q[1];", PARSE, 4, 1, "not in stdgates.inc"),
    (TWO + "q q[0];", PARSE, 4, 1, "not a gate"),
    (TWO + "x q[0];\n  x q[3];", PARSE, 5, 7, "index 3 is outside"),
    (TWO + "x q[1.0];", PARSE, 4, 5, "an integer"),
    (TWO + "x r[0];", PARSE, 4, 3, "`r`"),
    (TWO + "x c[0];", PARSE, 4, 3, "classical bits"),
    (TWO + "cx q[1], q[1];", PARSE, 4, 10, "twice"),
    (TWO + "cx q, q[1];", PARSE, 4, 7, "twice"),
    (TWO + "cx q, q;", PARSE, 4, 7, "twice"),
    (TWO + "qreg r[2];\ncx q, r;", PARSE, 5, 4, "different sizes (2 and 3)"),
    (TWO + "h(1) q[0];", PARSE, 4, 1, "takes 0 parameters, not 1"),
    (TWO + "rx q[0];", PARSE, 4, 1, "takes 1 parameter, not 0"),
    (TWO + "cx q[0];", PARSE, 4, 1, "acts here on 2 qubits, not 1"),
    (TWO + "x q[0], q[1];", PARSE, 4, 1, "acts here on 1 qubit, not 2"),
    (TWO + "x q[0]", PARSE, 4, 7, "the text ends"),
    (TWO + "x q[0] y q[1];", PARSE, 4, 8, "expected `;`"),
    (TWO + "5 q[0];", PARSE, 4, 1, "cannot begin"),
    (TWO + "if (c == -1) x q[0];", PARSE, 4, 10, "an integer"),
    (TWO + "if (c == 1) if (c == 1) x q[0];", PARSE, 4, 13, "`if (...)`"),
    (TWO + "if (q == 1) x q[0];", PARSE, 4, 5, "qubits"),
    (TWO + "measure q -> c[0];", PARSE, 4, 9, "3 qubits into 1 bits"),
    (TWO + "measure q;", PARSE, 4, 10, "`->`"),
    (THREE + "x q[{0, 0}];", PARSE, 4, 3, "twice"),
    (THREE + "x q[2:1];", PARSE, 4, 5, "no index"),
    (THREE + "qubit r; x r[0];", PARSE, 4, 13, "no index"),
    (THREE + "inv @ ctrl @ x q[0];", PARSE, 4, 14, "on 2 qubits, not 1"),
]
NUMBERS = [
    (TWO + "rx(1e309) q[0];", ADMISSION, 4, 4, "finite"),
    (TWO + "rx(0/0) q[0];", ADMISSION, 4, 5, "finite"),
    (TWO + "rx(ln(0)) q[0];", ADMISSION, 4, 4, "finite"),
    (TWO + "rx(sqrt(-1)) q[0];", ADMISSION, 4, 4, "finite"),
    (TWO + "rx(nan) q[0];", ADMISSION, 4, 4, "finite"),
    (TWO + "rx(1e308*10) q[0];", ADMISSION, 4, 9, "finite"),
    (TWO + "u2(1e308,1e308) q[0];", ADMISSION, 4, 1, "finite"),
    (TWO + "rx(2^3) q[0];", UNSUPPORTED, 4, 5, "`^`"),
    (TWO + "rx(asin(1)) q[0];", UNSUPPORTED, 4, 4, "`asin`"),
    (TWO + "rx(theta) q[0];", PARSE, 4, 4, "`theta`"),
    (TWO + "rx(2pi) q[0];", PARSE, 4, 4, "not a number"),
    (TWO + "rx(1.2.3) q[0];", PARSE, 4, 7, "found `.3`"),
    (TWO + "rx() q[0];", PARSE, 4, 1, "not 0"),
    (TWO + "gate g(t) a { rx(1/t) a; }\ng(0) q[0];", ADMISSION, 4, 19, "finite"),
    (TWO + "gate g(t) a { rx(sqrt(t)) a; }\ng(-0.25) q[0];", ADMISSION, 4, 18, "finite"),
    (TWO + "gate g(t) a { rx(t*1e300) a; }\ng(1e300) q[0];", ADMISSION, 4, 19, "finite"),
    (THREE + "rx(1%0) q[0];", ADMISSION, 4, 5, "finite"),
    (THREE + "rx((-8)**0.5) q[0];", ADMISSION, 4, 8, "finite"),
    (THREE + "rx(9**9**9) q[0];", ADMISSION, 4, 5, "finite"),
    (THREE + "rx(1/2) q[0];", UNSUPPORTED, 4, 5, "1.0/2"),
]
LIMITS = [
    (TWO + "rx(" + "(" * 70 + "0" + ")" * 70 + ") q[0];", ADMISSION, 4, 68, "nested"),
    (TWO + "rx(" + "-" * 100_000 + "1) q[0];", ADMISSION, 4, 68, "nested"),
    (TWO + "rx(" + "sin(" * 70 + "0" + ")" * 70 + ") q[0];", ADMISSION, 4, 263, "nested"),
    (THREE + "if (c[0]) {\n" * 70 + "}" * 70, ADMISSION, 68, 11, "nested"),
    (THREE + "if (c[0]) " * 5000 + "x q;", ADMISSION, 4, 651, "nested"),
    (THREE + "inv @ " * 70 + "x q[0];", ADMISSION, 4, 385, "modifiers"),
    (THREE + "pow(1e308) @ x q[0];", ADMISSION, 4, 14, "operations"),
    (THREE + "for int i in [0:1000000000] { x q; }", ADMISSION, 4, 9, "rounds"),
    (THREE + "for int i in [0:999] { for int j in [0:999] { } }", ADMISSION, 4, 45, "loops"),
    (BARE_TWO + "qreg q[10000];\n" + "U(0,0,0) q;\n" * 101, ADMISSION, 103, 1, "operations"),
    (TWO + "gate g0 a { x a; x a; }\n" + "".join(f"gate g{n} a {{ g{n - 1} a; g{n - 1} a; }}\n" for n in range(1, 60)),
     ADMISSION, 23, 6, "`g19`"),
    (TWO + "gate g0 a { x a; }\n" + "".join(f"gate g{n} a {{ g{n - 1} a; }}\n" for n in range(1, 90)),
     ADMISSION, 68, 6, "nested"),
]  # fmt: skip
NAMED = [
    (THREE + "input float t;", UNSUPPORTED, 4, 1, "`input`: only a template gives an input its value"),
    (THREE + "output bit d;", UNSUPPORTED, 4, 1, "`output`"),
    (THREE + "def f(qubit a) { x a; }", UNSUPPORTED, 4, 1, "`def`"),
    (THREE + "extern f(int) -> int;", UNSUPPORTED, 4, 1, "`extern`"),
    (THREE + "pragma run", UNSUPPORTED, 4, 1, "`pragma`"),
    (THREE + "#pragma run", UNSUPPORTED, 4, 1, "pragmas"),
    (THREE + "cal { }", UNSUPPORTED, 4, 1, "pulses"),
    (THREE + "defcal x $0 { }", UNSUPPORTED, 4, 1, "pulses"),
    (THREE + "while (c[0]) { x q[0]; }", UNSUPPORTED, 4, 1, "`while`"),
    (THREE + "end;", UNSUPPORTED, 4, 1, "`end`"),
    (THREE + "bool b = true;", UNSUPPORTED, 4, 1, "variables"),
    (THREE + "float i;", UNSUPPORTED, 4, 7, "no value"),
    (THREE + "int i = 1; i = 2;", UNSUPPORTED, 4, 12, "first value"),
    (THREE + "c[0] = 1;", UNSUPPORTED, 4, 8, "`measure`"),
    (THREE + 'bit[2] d = "10";', UNSUPPORTED, 4, 12, "bits at 0"),
    (THREE + "measure q;", UNSUPPORTED, 4, 1, "c = measure q"),
    (THREE + "if (c) x q[0];", UNSUPPORTED, 4, 5, "conditions"),
    (THREE + "if (c < 2) x q[0];", UNSUPPORTED, 4, 5, "conditions"),
    (THREE + "if (c[0] && c[1]) x q[0];", UNSUPPORTED, 4, 10, "`&&`"),
    (THREE + "if (true) x q[0];", UNSUPPORTED, 4, 5, "conditions"),
    (THREE + "if (c[0:1] == 1) x q[0];", UNSUPPORTED, 4, 5, "conditions"),
    (THREE + "int i = 1; switch (i) { case 1 { } }", UNSUPPORTED, 4, 20, "switch"),
    (THREE + "switch (c) { case 1 { } case 1 { } }", PARSE, 4, 30, "already"),
    (THREE + "box[100ns] { }", UNSUPPORTED, 4, 4, "`box`"),
    (THREE + "x $0;", UNSUPPORTED, 4, 3, "mixed"),
    (THREE + "else { }", PARSE, 4, 1, "cannot begin"),
    (THREE + "for float f in {1, 2} { }", UNSUPPORTED, 4, 5, "integers"),
    (THREE + "for int i in {0} { x q[0];", PARSE, 4, 18, "never ends"),
    (THREE + "rx(popcount(3)) q[0];", UNSUPPORTED, 4, 4, "`popcount`"),
]  # fmt: skip
ALL = CHARACTERS + PREAMBLE + DECLARATIONS + CALLS + NUMBERS + LIMITS + NAMED


@pytest.mark.parametrize(("text", "code", "line", "column", "said"), ALL, ids=range(len(ALL)))
def test_refused_at_its_place(text, code, line, column, said):
    with pytest.raises(CircuitError) as caught:
        scan(text)
    error = caught.value
    assert (error.code, error.line, error.column) == (code, line, column), error
    assert said in error.message


def test_an_include_is_named_and_never_opened(tmp_path):
    secret = tmp_path / "secret.inc"
    secret.write_text("canary_gate")
    with pytest.raises(CircuitError) as caught:
        scan(f'OPENQASM 2.0;\ninclude "{secret}";\nqreg q[1];')
    assert "canary_gate" not in str(caught.value)


def test_crlf_counts_as_one_line_end():
    with pytest.raises(CircuitError) as caught:
        scan(TWO.replace("\n", "\r\n") + "x q[9];")
    assert (caught.value.line, caught.value.column) == (4, 5)


@pytest.mark.parametrize("text", [
    THREE + "/*" + "x" * 1_000_000,
    THREE + "/*" * 100_000,
    TWO + "rx(" + "(" * 100_000,
    TWO + "0" * 1_000_000,
    TWO + "x q[0]" * 20_000,
])  # fmt: skip
def test_refused_in_no_time(text):
    began = time.process_time()
    with pytest.raises(CircuitError):
        scan(text)
    assert time.process_time() - began < 1
