"""Circuits that continue after a measurement, and circuits in OpenQASM 3."""

from __future__ import annotations

from farshot.testing.known.cases import Ability, circuit_3, dynamic, even

MID_CIRCUIT = (
    dynamic(
        "a measured qubit may go on",
        "qreg q[2]; creg c[2]; x q[0]; measure q[0] -> c[0]; x q[0]; cx q[0], q[1]; measure q[1] -> c[1];",
        {"01": 1.0},
    ),
    dynamic(
        "a measurement collapses",
        "qreg q[2]; creg c[3]; h q[0]; measure q[0] -> c[0]; cx q[0], q[1]; measure q[1] -> c[2]; h q[0];"
        "measure q[0] -> c[1];",
        even("000", "010", "101", "111"),
    ),
    dynamic("reset makes 0", "qreg q[2]; creg c[2]; x q; reset q[0]; measure q -> c;", {"10": 1.0}),
    dynamic(
        "reset leaves the other half of a pair mixed",
        "qreg q[2]; creg c[2]; h q[0]; cx q[0], q[1]; reset q[0]; measure q -> c;",
        even("00", "10"),
    ),
    dynamic(
        "a qubit may be used again",
        "qreg q[1]; creg c[3]; x q[0]; measure q[0] -> c[0]; reset q[0]; measure q[0] -> c[1]; x q[0];"
        "measure q[0] -> c[2];",
        {"101": 1.0},
    ),
    dynamic(
        "the last write of a bit wins across independent qubits",
        "qreg q[9]; creg c[2]; x q[0]; measure q[8] -> c[0]; measure q[0] -> c[0]; x q[0]; measure q[0] -> c[1];",
        {"01": 1.0},
    ),
)
"""Cases of operations after a measurement."""

CONDITIONS = (
    dynamic(
        "a register compared with a number",
        "qreg q[3]; creg c[2]; creg d[1]; x q[1]; measure q[0] -> c[0]; measure q[1] -> c[1]; if (c == 2) x q[2];"
        "measure q[2] -> d[0];",
        {"110": 1.0},
    ),
    dynamic(
        "a register compared with another number",
        "qreg q[3]; creg c[2]; creg d[1]; x q[1]; measure q[0] -> c[0]; measure q[1] -> c[1]; if (c == 1) x q[2];"
        "measure q[2] -> d[0];",
        {"010": 1.0},
    ),
    dynamic(
        "a register nobody wrote is 0", "qreg q[1]; creg c[2]; if (c == 0) x q[0]; measure q[0] -> c[1];", {"10": 1.0}
    ),
    dynamic(
        "a condition is about the past",
        "qreg q[2]; creg c[2]; if (c == 1) x q[1]; x q[0]; measure q[0] -> c[0]; measure q[1] -> c[1];",
        {"01": 1.0},
    ),
    dynamic(
        "a condition between independent qubits, one bit of it unwritten",
        "qreg q[9]; creg k[2]; x q[0]; measure q[0] -> k[0]; if (k == 1) x q[8]; measure q[8] -> k[1];",
        {"11": 1.0},
    ),
    dynamic(
        "a measurement under a condition",
        "qreg q[2]; creg c[1]; creg d[2]; x q; if (c == 0) measure q[0] -> d[0]; if (c == 1) measure q[1] -> d[1];",
        {"010": 1.0},
    ),
    dynamic(
        "a reset under a condition",
        "qreg q[2]; creg c[1]; creg d[2]; x q; measure q[1] -> c[0]; if (c == 1) reset q[0]; measure q -> d;",
        {"101": 1.0},
    ),
    dynamic(
        "a state is teleported",
        "qreg q[3]; creg a[1]; creg b[1]; creg out[1]; ry(pi/3) q[0]; h q[1]; cx q[1], q[2]; cx q[0], q[1]; h q[0];"
        "measure q[0] -> a[0]; measure q[1] -> b[0]; if (b == 1) x q[2]; if (a == 1) z q[2]; ry(-pi/3) q[2];"
        "measure q[2] -> out[0];",
        even("000", "001", "010", "011"),
    ),
    dynamic(
        "an error is corrected",
        "qreg q[3]; qreg syn[2]; creg c[2]; creg d[3]; x q; x q[2]; cx q[0], syn[0]; cx q[1], syn[0]; cx q[1], syn[1];"
        "cx q[2], syn[1]; measure syn -> c; if (c == 1) x q[0]; if (c == 2) x q[2]; if (c == 3) x q[1];"
        "measure q -> d;",
        {"11110": 1.0},
    ),
)
"""Cases of conditions."""

OPENQASM_3 = (
    circuit_3("declarations", "qubit[3] q; bit[3] c; x q[0]; c = measure q;", {"001": 1.0}),
    circuit_3(
        "a measurement is assigned",
        "bit[3] c; qubit[2] q; x q[1]; c[0] = measure q[1]; c[2] = measure q[0];",
        {"001": 1.0},
    ),
    circuit_3("scalars", "qubit a; bit m; qubit b; bit n; x b; m = measure a; n = measure b;", {"10": 1.0}),
    circuit_3(
        "controls",
        "qubit[3] q; bit[3] c; x q[2]; ctrl @ x q[2], q[0]; negctrl @ x q[1], q[2]; c = measure q;",
        {"001": 1.0},
    ),
    circuit_3(
        "an inverse", "qubit q; bit c; h q; s q; inv @ s q; inv @ t q; t q; h q; x q; c = measure q;", {"1": 1.0}
    ),
    circuit_3(
        "gates of the circuit's own",
        "gate both(a) s, t { ry(a) s; cx s, t; }\nqubit[2] q; bit[2] c; both(2*pi/3) q[1], q[0]; c = measure q;",
        {"00": 0.25, "11": 0.75},
    ),
    circuit_3(
        "parameters of a gate keep their order, whatever their names",
        "gate both(b, a) s { ry(b) s; rz(a) s; }\nqubit q; bit c; both(2*pi/3, 0.3) q; c = measure q;",
        {"0": 0.25, "1": 0.75},
    ),
    circuit_3(
        "if and else",
        "qubit[3] q; bit[2] c; bit[1] d; x q[1]; c[0] = measure q[0]; c[1] = measure q[1];"
        "if (c == 2) { x q[2]; } else { h q[2]; } d[0] = measure q[2];",
        {"110": 1.0},
        Ability.DYNAMIC,
    ),
    circuit_3(
        "a condition on one bit",
        "qubit[3] q; bit[3] c; x q[0]; c[0] = measure q[0]; c[1] = measure q[1];"
        "if (c[1]) x q[2]; if (c[0]) { x q[1]; } c[1] = measure q[1]; c[2] = measure q[2];",
        {"011": 1.0},
        Ability.DYNAMIC,
    ),
    circuit_3(
        "a condition is looked at once, though its block changes the bit",
        "qubit[2] q; bit[2] c; x q[1]; if (c[0]) { x q[0]; } else { c[0] = measure q[1]; x q[1]; }c[1] = measure q[1];",
        {"01": 1.0},
        Ability.DYNAMIC,
    ),
    circuit_3("reset", "qubit[2] q; bit[2] c; x q; reset q[1]; c = measure q;", {"01": 1.0}, Ability.DYNAMIC),
)
"""Cases of features that OpenQASM 3 adds."""
