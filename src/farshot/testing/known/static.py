"""Circuits that end with their measurements: bit order, gates, wide keys, expectation values."""

from __future__ import annotations

import math

from farshot.testing.known.cases import Ability, Case, circuit, even, turned, valued

BIT_ORDER = (
    circuit("qubit 0 is rightmost", "qreg q[3]; creg c[3]; x q[0]; measure q -> c;", {"001": 1.0}),
    circuit(
        "bits have the order of their register", "qreg q[4]; creg c[4]; x q[1]; x q[0]; measure q -> c;", {"0011": 1.0}
    ),
    circuit(
        "the first register is rightmost, and nothing is between registers",
        "qreg q[5]; creg a[2]; creg b[3]; x q[0]; x q[4]; x q[3];"
        "measure q[0] -> a[0]; measure q[1] -> a[1]; measure q[2] -> b[0]; measure q[3] -> b[1]; measure q[4] -> b[2];",
        {"11001": 1.0},
    ),
    circuit(
        "declarations may alternate",
        "creg zz[1]; qreg b[2]; creg a[2]; qreg a2[2]; x b[1]; x a2[0];"
        "measure b[1] -> zz[0]; measure a2[0] -> a[1]; measure a2[1] -> a[0];",
        {"101": 1.0},
    ),
    circuit("unmeasured bits are 0", "qreg q[4]; creg c[4]; x q[0]; x q[2]; measure q[2] -> c[1];", {"0010": 1.0}),
    circuit("unmeasured high bits are there", "qreg q[1]; creg c[6]; x q[0]; measure q[0] -> c[0];", {"000001": 1.0}),
    circuit("unmeasured low bits are there", "qreg q[1]; creg c[6]; x q[0]; measure q[0] -> c[5];", {"100000": 1.0}),
    circuit(
        "registers nobody measures are there",
        "qreg q[2]; creg before[2]; creg c[2]; creg after[3]; x q[1]; measure q -> c;",
        {"0001000": 1.0},
    ),
    circuit(
        "measurements may cross",
        "qreg q[3]; creg c[3]; x q[0]; measure q[0] -> c[2]; measure q[1] -> c[0]; measure q[2] -> c[1];",
        {"100": 1.0},
    ),
    circuit(
        "one qubit may be measured to two bits",
        "qreg q[2]; creg c[3]; h q[1]; measure q[1] -> c[2]; measure q[1] -> c[0];",
        even("000", "101"),
    ),
    circuit(
        "the last write of a bit wins",
        "qreg q[2]; creg c[2]; x q[0]; measure q[0] -> c[1]; measure q[1] -> c[1]; measure q[0] -> c[0];",
        {"01": 1.0},
    ),
    circuit(
        "the last write of a bit wins, also from a lower qubit",
        "qreg q[9]; creg c[2]; x q[0]; measure q[8] -> c[1]; measure q[0] -> c[1];",
        {"10": 1.0},
    ),
    circuit(
        "uneven outcomes keep their bits",
        "qreg q[2]; creg c[2]; ry(pi/3) q[0]; ry(2*pi/3) q[1]; measure q -> c;",
        {"00": 3 / 16, "01": 1 / 16, "10": 9 / 16, "11": 3 / 16},
    ),
)
"""Cases of the order of bits in a key."""

GATES = (
    circuit("the first operand controls", "qreg q[2]; creg c[2]; x q[1]; cx q[1], q[0]; measure q -> c;", {"11": 1.0}),
    circuit(
        "the first operand only controls", "qreg q[2]; creg c[2]; x q[1]; cx q[0], q[1]; measure q -> c;", {"10": 1.0}
    ),
    circuit(
        "two controls, one target",
        "qreg q[3]; creg c[3]; x q[2]; x q[0]; ccx q[2], q[0], q[1]; measure q -> c;",
        {"111": 1.0},
    ),
    circuit(
        "a controlled swap",
        "qreg q[3]; creg c[3]; x q[1]; x q[0]; cswap q[1], q[0], q[2]; measure q -> c;",
        {"110": 1.0},
    ),
    circuit("s is a positive turn", "qreg q[1]; creg c[1]; h q[0]; s q[0]; rx(pi/2) q[0]; measure q -> c;", {"0": 1.0}),
    circuit(
        "sdg is a negative turn", "qreg q[1]; creg c[1]; h q[0]; sdg q[0]; rx(pi/2) q[0]; measure q -> c;", {"1": 1.0}
    ),
    circuit("t twice is s", "qreg q[1]; creg c[1]; h q[0]; t q[0]; t q[0]; rx(pi/2) q[0]; measure q -> c;", {"0": 1.0}),
    circuit("sx is half of x", "qreg q[1]; creg c[1]; sx q[0]; sx q[0]; measure q -> c;", {"1": 1.0}),
    circuit(
        "the first angle of u2 is the phase of 1",
        "qreg q[1]; creg c[1]; u2(pi/2, 0) q[0]; sdg q[0]; h q[0]; measure q -> c;",
        {"0": 1.0},
    ),
    circuit(
        "the angles of u3 have their order",
        "qreg q[1]; creg c[1]; u3(pi/3, 0.3, 0.7) q[0]; rz(-0.3) q[0]; ry(pi/3) q[0]; measure q -> c;",
        {"0": 0.25, "1": 0.75},
    ),
    circuit(
        "a controlled rotation turns by all of its angle",
        "qreg q[2]; creg c[2]; x q[1]; cry(2*pi/3) q[1], q[0]; measure q -> c;",
        {"10": 0.25, "11": 0.75},
    ),
    circuit(
        "a controlled phase kicks back",
        "qreg q[2]; creg c[2]; h q[0]; x q[1]; cu1(pi/3) q[0], q[1]; h q[0]; measure q -> c;",
        {"10": 1 - turned(math.pi / 3), "11": turned(math.pi / 3)},
    ),
    circuit(
        "rz differs from a phase under control",
        "qreg q[2]; creg c[2]; h q[0]; crz(2*pi/3) q[0], q[1]; h q[0]; measure q -> c;",
        {"00": 1 - turned(math.pi / 3), "01": turned(math.pi / 3)},
    ),
    circuit(
        "the last angle of cu is a phase of the control",
        "qreg q[2]; creg c[2]; h q[0]; cu(0, 0, 0, pi/3) q[0], q[1]; h q[0]; measure q -> c;",
        {"00": 1 - turned(math.pi / 3), "01": turned(math.pi / 3)},
    ),
    circuit(
        "the angle of rxx is not halved twice",
        "qreg q[2]; creg c[2]; rxx(2*pi/3) q[0], q[1]; measure q -> c;",
        {"00": 0.25, "11": 0.75},
    ),
    circuit(
        "four controls",
        "qreg q[5]; creg c[5]; x q[4]; x q[3]; x q[2]; x q[1]; c4x q[4], q[3], q[2], q[1], q[0]; measure q -> c;",
        {"11111": 1.0},
    ),
    circuit(
        "gates of the circuit's own, one in the other",
        "gate inner(a) s { ry(a/2) s; }\ngate outer(b, a) s, t { inner(b+a) t; cx t, s; }\n"
        "qreg q[2]; creg c[2]; outer(pi/3, pi) q[1], q[0]; measure q -> c;",
        {"00": 1 - turned(2 * math.pi / 3), "11": turned(2 * math.pi / 3)},
    ),
    circuit(
        "a gate of the circuit's own may have any name that is free",
        "gate iswap s, t { x t; }\nqreg q[2]; creg c[2]; iswap q[0], q[1]; measure q -> c;",
        {"10": 1.0},
    ),
    circuit(
        "one statement on whole registers",
        "qreg a[2]; qreg b[2]; creg c[4]; x a; cx a, b; x b[0]; x a[1];"
        "measure a[0] -> c[0]; measure a[1] -> c[1]; measure b[0] -> c[2]; measure b[1] -> c[3];",
        {"1001": 1.0},
    ),
    circuit(
        "angles are expressions",
        "qreg q[1]; creg c[1]; ry(-3*pi/4 + pi/12 - (-pi)/1.0) q[0]; measure q -> c;",
        {"0": 0.75, "1": 0.25},
    ),
    circuit(
        "a hidden number is found",
        "qreg q[5]; creg c[4]; x q[4]; h q; cx q[0], q[4]; cx q[1], q[4]; cx q[3], q[4]; h q;"
        "measure q[0] -> c[0]; measure q[1] -> c[1]; measure q[2] -> c[2]; measure q[3] -> c[3];",
        {"1011": 1.0},
    ),
)
"""Cases of gates."""


def _wide(width: int) -> Case:
    """Return a case in which every third qubit is 1 and the highest two are an even pair."""
    low = "".join("1" if index % 3 == 0 else "0" for index in range(width - 2))[::-1]
    flips = " ".join(f"x q[{index}];" for index in range(0, width - 2, 3))
    pair = f"h q[{width - 1}]; cx q[{width - 1}], q[{width - 2}];"
    body = f"qreg q[{width}]; creg c[{width}]; {flips} {pair} measure q -> c;"
    return circuit(f"{width} qubits", body, even(f"00{low}", f"11{low}"), Ability.WIDE)


def _high_bit(width: int) -> Case:
    body = f"qreg q[2]; creg c[{width}]; x q[0]; measure q[0] -> c[{width - 2}]; measure q[1] -> c[0];"
    return circuit(f"2 qubits and {width} bits", body, {"01" + "0" * (width - 2): 1.0})


WIDE = (_wide(65), _wide(128), _wide(300), _high_bit(64), _high_bit(65), _high_bit(300))
"""Cases whose keys exceed a machine word."""

VALUES = (
    valued("the leftmost letter is qubit 0", "qreg q[3]; x q[0];", {"ZII": -1.0, "IZI": 1.0, "IIZ": 1.0, "ZZI": -1.0}),
    valued("a short string acts on the first qubits", "qreg q[3]; x q[1];", {"ZI": 1.0, "IZ": -1.0, "ZZ": -1.0}),
    valued("a string of one letter acts on qubit 0", "qreg q[3]; x q[0];", {"Z": -1.0, "I": 1.0}),
    valued("the identity is 1", "qreg q[2]; ry(0.3) q[0]; h q[1];", {"II": 1.0}),
    valued(
        "Y is positive after h and s",
        "qreg q[2]; h q[0]; s q[0]; h q[1]; sdg q[1];",
        {"YI": 1.0, "IY": -1.0, "YY": -1.0},
    ),
    valued(
        "Y is negative after a positive turn about x",
        "qreg q[1]; rx(pi/3) q[0];",
        {"Y": -math.sin(math.pi / 3), "Z": 0.5},
    ),
    valued("a pair", "qreg q[2]; h q[0]; cx q[0], q[1];", {"XX": 1.0, "YY": -1.0, "ZZ": 1.0, "XY": 0.0, "ZI": 0.0}),
    valued(
        "different qubits differ",
        "qreg a[1]; qreg b[2]; ry(pi/3) a[0]; ry(pi/2) b[0]; x b[1];",
        {"ZII": 0.5, "XII": math.sin(math.pi / 3), "IZI": 0.0, "IXI": 1.0, "IIZ": -1.0, "ZXZ": -0.5},
    ),
    valued(
        "final measurements change nothing",
        "qreg q[2]; creg c[2]; ry(pi/3) q[0]; x q[1]; measure q[0] -> c[1]; measure q[1] -> c[0];",
        {"XI": math.sin(math.pi / 3), "ZI": 0.5, "IZ": -1.0},
    ),
)
"""Cases of expectation values."""
