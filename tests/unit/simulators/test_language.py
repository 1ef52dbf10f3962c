"""Constructs that one language has and the other lacks, or that simulators read differently."""

import re

import pytest

from farshot.errors import CircuitError, FaultCode
from farshot.openqasm.scanner import scan
from farshot.packing import unpack
from farshot.protocols import Task
from farshot.simulators.router import Router, run_circuit

HEAD2 = 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[2]; creg c[2];\n'
HEAD3 = 'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[2] q; bit[2] c;\n'
SHOTS = 50

RUN = {
    "the rest of a division": (HEAD3 + "const int n = 7 % 4; rx(n*pi) q[0]; c = measure q;", "01"),
    "the rest of a division as an index": (HEAD3 + "int i = 7; x q[i % 2]; c = measure q;", "10"),
    "the rest of a division of floats": (HEAD3 + "rx(5*pi % (2*pi)) q[0]; c = measure q;", "01"),
    "underscores in an integer": (HEAD3 + "const int n = 1_1; rx(n*pi) q[0]; c = measure q;", "01"),
    "a power": (HEAD3 + "rx(3**2*pi) q[0]; c = measure q;", "01"),
    "a switch on a register as an integer": (
        HEAD3 + "x q[1]; c = measure q; switch (int(c)) { case 2 { x q[0]; } default { x q[1]; } } c = measure q;",
        "11",
    ),
    "a condition on a register as an integer": (
        HEAD3 + "x q[1]; c = measure q; if (uint(c) == 2) { x q[0]; } c = measure q;",
        "11",
    ),
    "controls of a dynamic circuit": (
        HEAD3 + "qubit[9] w; c[0] = measure q[0]; if (!c[0]) { x q[0]; } ctrl(2) @ x w[0], w[1], w[2]; c = measure q;",
        "01",
    ),
    "controls of one gate more than the stabilizer method takes": (
        HEAD3 + "qubit[9] w; c[0] = measure q[0]; if (!c[0]) { x q[0]; } ctrl @ h w[0], w[1]; c = measure q;",
        "01",
    ),
    "delays in several units": (
        HEAD3 + "delay[9dt] q; x q[0]; delay[3us] q; delay[1.5ms] q; c = measure q;",
        "01",
    ),
}

REFUSED = {
    "a shift to the left": (HEAD3 + "const int n = 1 << 1;\nc = measure q;", FaultCode.UNSUPPORTED, 4, 17, "`<<`"),
    "a shift to the right": (HEAD3 + "const int n = 4 >> 1;\nc = measure q;", FaultCode.UNSUPPORTED, 4, 17, "`>>`"),
    "bits of a number": (HEAD3 + "const int n = 4 & 1;\nc = measure q;", FaultCode.UNSUPPORTED, 4, 17, "`&`"),
    "a shift in an angle": (HEAD3 + "rx(1 << 2) q[0]; c = measure q;", FaultCode.UNSUPPORTED, 4, 6, "`<<`"),
    "a shift of a register": (HEAD3 + "c = measure q;\nc = c << 1;", FaultCode.UNSUPPORTED, 5, 5, "but `measure`"),
    "underscores in a decimal": (HEAD3 + "rx(1_0.0_0) q[0];", FaultCode.PARSE, 4, 4, "`1_0.0_0`: .* leave it out"),
    "an integer of a size": (
        HEAD3 + "c = measure q;\nswitch (int[8](c)) { case 0 { x q[0]; } }",
        FaultCode.UNSUPPORTED,
        5,
        9,
        r"write `int\(c\)`",
    ),
    "one bit compared in OpenQASM 2": (
        HEAD2 + "if(c[0]==1) x q[1];",
        FaultCode.PARSE,
        4,
        5,
        r"compares whole registers: write `if\(c==1\)`, or use OpenQASM 3",
    ),
    "a power in OpenQASM 2": (HEAD2 + "rx(2^3) q[0];", FaultCode.UNSUPPORTED, 4, 5, r"`\^`"),
    "a rest in OpenQASM 2": (HEAD2 + "rx(7%3) q[0];", FaultCode.PARSE, 4, 5, "`%`"),
    "a delay in minutes": (HEAD3 + "delay[100min] q[0];", FaultCode.PARSE, 4, 7, "`100min` .* ns, us"),
    "a delay without a unit": (HEAD3 + "delay[100] q[0];", FaultCode.UNSUPPORTED, 4, 7, "with its unit"),
    "a duration under a name": (HEAD3 + "duration d = 3ns;", FaultCode.UNSUPPORTED, 4, 1, "`duration`"),
    "a box of a duration": (HEAD3 + "box[100ns] { x q[0]; }", FaultCode.UNSUPPORTED, 4, 4, "duration of a `box`"),
    "both of two conditions": (
        HEAD3 + "c = measure q;\nif (c[0] == 1 && c[1] == 0) { x q[0]; }",
        FaultCode.UNSUPPORTED,
        5,
        15,
        "without `&&`",
    ),
}


@pytest.mark.parametrize("target", ["auto", "prism", "aer"])
@pytest.mark.parametrize(("source", "counts"), RUN.values(), ids=RUN)
def test_what_simulators_read_differently_has_one_result(source, counts, target):
    _, run = run_circuit(Router(), target, Task(scan(source), 1, SHOTS))
    assert unpack(run.outcome) == {counts: SHOTS}


@pytest.mark.parametrize(("source", "code", "line", "column", "said"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_read_is_refused_by_name_and_place(source, code, line, column, said):
    with pytest.raises(CircuitError, match=said) as raised:
        scan(source)
    assert (raised.value.code, raised.value.line, raised.value.column) == (code, line, column)


HOPELESS = {
    "too wide and too deep": (
        HEAD2
        + "qreg w[40];"
        + "".join(f"ry(0.3) w[{qubit}]; cx w[{qubit}], w[{(qubit + 7) % 40}];" for qubit in range(40)) * 9
        + "measure w[0] -> c[0];"
    ),
    "a wide condition on a state that is not of the stabilizer kind": (
        "OPENQASM 3.0; include 'stdgates.inc'; qubit[40] w; bit[64] c; ry(0.3) w; c[0] = measure w[0];"
        "for int i in [0:38] { cx w[i], w[i + 1]; } if (c == 1) { ry(0.2) w[1]; } c[1] = measure w[1];"
    ),
}


@pytest.mark.parametrize("source", HOPELESS.values(), ids=HOPELESS)
def test_a_refusal_has_one_reason_and_none_of_the_words_of_a_library(source):
    with pytest.raises(CircuitError, match="GiB") as raised:
        run_circuit(Router(), "auto", Task(scan(source), 1, SHOTS))
    assert raised.value.code is FaultCode.MEMORY
    assert not re.search(r"\bprism-q|\bprism: |\baer: |Qiskit|\bAer\b|panic", raised.value.message)
