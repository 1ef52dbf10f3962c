"""Circuits whose exact outcome is known in closed form, grouped by what they test.

None of them is symmetric: reversing bits, qubits or Pauli strings changes the outcome.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "BIT_ORDER",
    "CONDITIONS",
    "GATES",
    "MID_CIRCUIT",
    "OPENQASM_3",
    "VALUES",
    "WIDE",
    "Ability",
    "Case",
    "ValueCase",
]


class Ability(StrEnum):
    """What a simulator may be able to do."""

    DYNAMIC = "dynamic"
    """Measurements amid the circuit, resets, conditions."""
    OPENQASM_3 = "openqasm3"
    """OpenQASM 3."""
    OBSERVABLES = "observables"
    """Expectation values of Pauli strings."""
    SEEDS = "seeds"
    """The same seed gives the same counts."""
    WIDE = "wide"
    """Hundreds of qubits, where all gates are Clifford gates."""


@dataclass(frozen=True, slots=True)
class Case:
    """A circuit and its exact distribution. `needs` are the abilities it takes."""

    name: str
    source: str
    distribution: dict[str, float]
    needs: frozenset[Ability] = frozenset()


@dataclass(frozen=True, slots=True)
class ValueCase:
    """A circuit and the exact values of Pauli strings, leftmost letter qubit 0."""

    name: str
    source: str
    values: dict[str, float]


def _two(name: str, body: str, distribution: dict[str, float], *needs: Ability) -> Case:
    return Case(name, f'OPENQASM 2.0;\ninclude "qelib1.inc";\n{body}\n', distribution, frozenset(needs))


def _dynamic(name: str, body: str, distribution: dict[str, float]) -> Case:
    return _two(name, body, distribution, Ability.DYNAMIC)


def _three(name: str, body: str, distribution: dict[str, float], *needs: Ability) -> Case:
    source = f'OPENQASM 3.0;\ninclude "stdgates.inc";\n{body}\n'
    return Case(name, source, distribution, frozenset({Ability.OPENQASM_3, *needs}))


def _value(name: str, body: str, values: dict[str, float]) -> ValueCase:
    return ValueCase(name, f'OPENQASM 2.0;\ninclude "qelib1.inc";\n{body}\n', values)


def _even(*keys: str) -> dict[str, float]:
    return dict.fromkeys(keys, 1 / len(keys))


def _turned(angle: float) -> float:
    """Return how likely a qubit that was turned by `angle` is 1."""
    return math.sin(angle / 2) ** 2


BIT_ORDER = (
    _two("qubit 0 is rightmost", "qreg q[3]; creg c[3]; x q[0]; measure q -> c;", {"001": 1.0}),
    _two(
        "bits have the order of their register", "qreg q[4]; creg c[4]; x q[1]; x q[0]; measure q -> c;", {"0011": 1.0}
    ),
    _two(
        "the first register is rightmost, and nothing is between registers",
        "qreg q[5]; creg a[2]; creg b[3]; x q[0]; x q[4]; x q[3];"
        "measure q[0] -> a[0]; measure q[1] -> a[1]; measure q[2] -> b[0]; measure q[3] -> b[1]; measure q[4] -> b[2];",
        {"11001": 1.0},
    ),
    _two(
        "declarations may alternate",
        "creg zz[1]; qreg b[2]; creg a[2]; qreg a2[2]; x b[1]; x a2[0];"
        "measure b[1] -> zz[0]; measure a2[0] -> a[1]; measure a2[1] -> a[0];",
        {"101": 1.0},
    ),
    _two("unmeasured bits are 0", "qreg q[4]; creg c[4]; x q[0]; x q[2]; measure q[2] -> c[1];", {"0010": 1.0}),
    _two("unmeasured high bits are there", "qreg q[1]; creg c[6]; x q[0]; measure q[0] -> c[0];", {"000001": 1.0}),
    _two("unmeasured low bits are there", "qreg q[1]; creg c[6]; x q[0]; measure q[0] -> c[5];", {"100000": 1.0}),
    _two(
        "registers nobody measures are there",
        "qreg q[2]; creg before[2]; creg c[2]; creg after[3]; x q[1]; measure q -> c;",
        {"0001000": 1.0},
    ),
    _two(
        "measurements may cross",
        "qreg q[3]; creg c[3]; x q[0]; measure q[0] -> c[2]; measure q[1] -> c[0]; measure q[2] -> c[1];",
        {"100": 1.0},
    ),
    _two(
        "one qubit may be measured to two bits",
        "qreg q[2]; creg c[3]; h q[1]; measure q[1] -> c[2]; measure q[1] -> c[0];",
        _even("000", "101"),
    ),
    _two(
        "the last write of a bit wins",
        "qreg q[2]; creg c[2]; x q[0]; measure q[0] -> c[1]; measure q[1] -> c[1]; measure q[0] -> c[0];",
        {"01": 1.0},
    ),
    _two(
        "the last write of a bit wins, also from a lower qubit",
        "qreg q[9]; creg c[2]; x q[0]; measure q[8] -> c[1]; measure q[0] -> c[1];",
        {"10": 1.0},
    ),
    _two(
        "uneven outcomes keep their bits",
        "qreg q[2]; creg c[2]; ry(pi/3) q[0]; ry(2*pi/3) q[1]; measure q -> c;",
        {"00": 3 / 16, "01": 1 / 16, "10": 9 / 16, "11": 3 / 16},
    ),
)
"""Which character of a key is which bit."""

GATES = (
    _two("the first operand controls", "qreg q[2]; creg c[2]; x q[1]; cx q[1], q[0]; measure q -> c;", {"11": 1.0}),
    _two(
        "the first operand only controls", "qreg q[2]; creg c[2]; x q[1]; cx q[0], q[1]; measure q -> c;", {"10": 1.0}
    ),
    _two(
        "two controls, one target",
        "qreg q[3]; creg c[3]; x q[2]; x q[0]; ccx q[2], q[0], q[1]; measure q -> c;",
        {"111": 1.0},
    ),
    _two(
        "a controlled swap",
        "qreg q[3]; creg c[3]; x q[1]; x q[0]; cswap q[1], q[0], q[2]; measure q -> c;",
        {"110": 1.0},
    ),
    _two("s is a positive turn", "qreg q[1]; creg c[1]; h q[0]; s q[0]; rx(pi/2) q[0]; measure q -> c;", {"0": 1.0}),
    _two(
        "sdg is a negative turn", "qreg q[1]; creg c[1]; h q[0]; sdg q[0]; rx(pi/2) q[0]; measure q -> c;", {"1": 1.0}
    ),
    _two("t twice is s", "qreg q[1]; creg c[1]; h q[0]; t q[0]; t q[0]; rx(pi/2) q[0]; measure q -> c;", {"0": 1.0}),
    _two("sx is half of x", "qreg q[1]; creg c[1]; sx q[0]; sx q[0]; measure q -> c;", {"1": 1.0}),
    _two(
        "the first angle of u2 is the phase of 1",
        "qreg q[1]; creg c[1]; u2(pi/2, 0) q[0]; sdg q[0]; h q[0]; measure q -> c;",
        {"0": 1.0},
    ),
    _two(
        "the angles of u3 have their order",
        "qreg q[1]; creg c[1]; u3(pi/3, 0.3, 0.7) q[0]; rz(-0.3) q[0]; ry(pi/3) q[0]; measure q -> c;",
        {"0": 0.25, "1": 0.75},
    ),
    _two(
        "a controlled rotation turns by all of its angle",
        "qreg q[2]; creg c[2]; x q[1]; cry(2*pi/3) q[1], q[0]; measure q -> c;",
        {"10": 0.25, "11": 0.75},
    ),
    _two(
        "a controlled phase kicks back",
        "qreg q[2]; creg c[2]; h q[0]; x q[1]; cu1(pi/3) q[0], q[1]; h q[0]; measure q -> c;",
        {"10": 1 - _turned(math.pi / 3), "11": _turned(math.pi / 3)},
    ),
    _two(
        "rz differs from a phase under control",
        "qreg q[2]; creg c[2]; h q[0]; crz(2*pi/3) q[0], q[1]; h q[0]; measure q -> c;",
        {"00": 1 - _turned(math.pi / 3), "01": _turned(math.pi / 3)},
    ),
    _two(
        "the last angle of cu is a phase of the control",
        "qreg q[2]; creg c[2]; h q[0]; cu(0, 0, 0, pi/3) q[0], q[1]; h q[0]; measure q -> c;",
        {"00": 1 - _turned(math.pi / 3), "01": _turned(math.pi / 3)},
    ),
    _two(
        "the angle of rxx is not halved twice",
        "qreg q[2]; creg c[2]; rxx(2*pi/3) q[0], q[1]; measure q -> c;",
        {"00": 0.25, "11": 0.75},
    ),
    _two(
        "four controls",
        "qreg q[5]; creg c[5]; x q[4]; x q[3]; x q[2]; x q[1]; c4x q[4], q[3], q[2], q[1], q[0]; measure q -> c;",
        {"11111": 1.0},
    ),
    _two(
        "gates of the circuit's own, one in the other",
        "gate inner(a) s { ry(a/2) s; }\ngate outer(b, a) s, t { inner(b+a) t; cx t, s; }\n"
        "qreg q[2]; creg c[2]; outer(pi/3, pi) q[1], q[0]; measure q -> c;",
        {"00": 1 - _turned(2 * math.pi / 3), "11": _turned(2 * math.pi / 3)},
    ),
    _two(
        "a gate of the circuit's own may have any name that is free",
        "gate iswap s, t { x t; }\nqreg q[2]; creg c[2]; iswap q[0], q[1]; measure q -> c;",
        {"10": 1.0},
    ),
    _two(
        "one statement on whole registers",
        "qreg a[2]; qreg b[2]; creg c[4]; x a; cx a, b; x b[0]; x a[1];"
        "measure a[0] -> c[0]; measure a[1] -> c[1]; measure b[0] -> c[2]; measure b[1] -> c[3];",
        {"1001": 1.0},
    ),
    _two(
        "angles are expressions",
        "qreg q[1]; creg c[1]; ry(-3*pi/4 + pi/12 - (-pi)/1.0) q[0]; measure q -> c;",
        {"0": 0.75, "1": 0.25},
    ),
    _two(
        "a hidden number is found",
        "qreg q[5]; creg c[4]; x q[4]; h q; cx q[0], q[4]; cx q[1], q[4]; cx q[3], q[4]; h q;"
        "measure q[0] -> c[0]; measure q[1] -> c[1]; measure q[2] -> c[2]; measure q[3] -> c[3];",
        {"1011": 1.0},
    ),
)
"""What gates do."""

MID_CIRCUIT = (
    _dynamic(
        "a measured qubit may go on",
        "qreg q[2]; creg c[2]; x q[0]; measure q[0] -> c[0]; x q[0]; cx q[0], q[1]; measure q[1] -> c[1];",
        {"01": 1.0},
    ),
    _dynamic(
        "a measurement collapses",
        "qreg q[2]; creg c[3]; h q[0]; measure q[0] -> c[0]; cx q[0], q[1]; measure q[1] -> c[2]; h q[0];"
        "measure q[0] -> c[1];",
        _even("000", "010", "101", "111"),
    ),
    _dynamic("reset makes 0", "qreg q[2]; creg c[2]; x q; reset q[0]; measure q -> c;", {"10": 1.0}),
    _dynamic(
        "reset leaves the other half of a pair mixed",
        "qreg q[2]; creg c[2]; h q[0]; cx q[0], q[1]; reset q[0]; measure q -> c;",
        _even("00", "10"),
    ),
    _dynamic(
        "a qubit may be used again",
        "qreg q[1]; creg c[3]; x q[0]; measure q[0] -> c[0]; reset q[0]; measure q[0] -> c[1]; x q[0];"
        "measure q[0] -> c[2];",
        {"101": 1.0},
    ),
    _dynamic(
        "the last write of a bit wins across independent qubits",
        "qreg q[9]; creg c[2]; x q[0]; measure q[8] -> c[0]; measure q[0] -> c[0]; x q[0]; measure q[0] -> c[1];",
        {"01": 1.0},
    ),
)
"""What happens after a measurement."""

CONDITIONS = (
    _dynamic(
        "a register compared with a number",
        "qreg q[3]; creg c[2]; creg d[1]; x q[1]; measure q[0] -> c[0]; measure q[1] -> c[1]; if (c == 2) x q[2];"
        "measure q[2] -> d[0];",
        {"110": 1.0},
    ),
    _dynamic(
        "a register compared with another number",
        "qreg q[3]; creg c[2]; creg d[1]; x q[1]; measure q[0] -> c[0]; measure q[1] -> c[1]; if (c == 1) x q[2];"
        "measure q[2] -> d[0];",
        {"010": 1.0},
    ),
    _dynamic(
        "a register nobody wrote is 0", "qreg q[1]; creg c[2]; if (c == 0) x q[0]; measure q[0] -> c[1];", {"10": 1.0}
    ),
    _dynamic(
        "a condition is about the past",
        "qreg q[2]; creg c[2]; if (c == 1) x q[1]; x q[0]; measure q[0] -> c[0]; measure q[1] -> c[1];",
        {"01": 1.0},
    ),
    _dynamic(
        "a condition between independent qubits, one bit of it unwritten",
        "qreg q[9]; creg k[2]; x q[0]; measure q[0] -> k[0]; if (k == 1) x q[8]; measure q[8] -> k[1];",
        {"11": 1.0},
    ),
    _dynamic(
        "a measurement under a condition",
        "qreg q[2]; creg c[1]; creg d[2]; x q; if (c == 0) measure q[0] -> d[0]; if (c == 1) measure q[1] -> d[1];",
        {"010": 1.0},
    ),
    _dynamic(
        "a reset under a condition",
        "qreg q[2]; creg c[1]; creg d[2]; x q; measure q[1] -> c[0]; if (c == 1) reset q[0]; measure q -> d;",
        {"101": 1.0},
    ),
    _dynamic(
        "a state is teleported",
        "qreg q[3]; creg a[1]; creg b[1]; creg out[1]; ry(pi/3) q[0]; h q[1]; cx q[1], q[2]; cx q[0], q[1]; h q[0];"
        "measure q[0] -> a[0]; measure q[1] -> b[0]; if (b == 1) x q[2]; if (a == 1) z q[2]; ry(-pi/3) q[2];"
        "measure q[2] -> out[0];",
        _even("000", "001", "010", "011"),
    ),
    _dynamic(
        "an error is corrected",
        "qreg q[3]; qreg syn[2]; creg c[2]; creg d[3]; x q; x q[2]; cx q[0], syn[0]; cx q[1], syn[0]; cx q[1], syn[1];"
        "cx q[2], syn[1]; measure syn -> c; if (c == 1) x q[0]; if (c == 2) x q[2]; if (c == 3) x q[1];"
        "measure q -> d;",
        {"11110": 1.0},
    ),
)
"""What conditions do."""

OPENQASM_3 = (
    _three("declarations", "qubit[3] q; bit[3] c; x q[0]; c = measure q;", {"001": 1.0}),
    _three(
        "a measurement is assigned",
        "bit[3] c; qubit[2] q; x q[1]; c[0] = measure q[1]; c[2] = measure q[0];",
        {"001": 1.0},
    ),
    _three("scalars", "qubit a; bit m; qubit b; bit n; x b; m = measure a; n = measure b;", {"10": 1.0}),
    _three(
        "controls",
        "qubit[3] q; bit[3] c; x q[2]; ctrl @ x q[2], q[0]; negctrl @ x q[1], q[2]; c = measure q;",
        {"001": 1.0},
    ),
    _three("an inverse", "qubit q; bit c; h q; s q; inv @ s q; inv @ t q; t q; h q; x q; c = measure q;", {"1": 1.0}),
    _three(
        "gates of the circuit's own",
        "gate both(a) s, t { ry(a) s; cx s, t; }\nqubit[2] q; bit[2] c; both(2*pi/3) q[1], q[0]; c = measure q;",
        {"00": 0.25, "11": 0.75},
    ),
    _three(
        "if and else",
        "qubit[3] q; bit[2] c; bit[1] d; x q[1]; c[0] = measure q[0]; c[1] = measure q[1];"
        "if (c == 2) { x q[2]; } else { h q[2]; } d[0] = measure q[2];",
        {"110": 1.0},
        Ability.DYNAMIC,
    ),
    _three(
        "a condition on one bit",
        "qubit[3] q; bit[3] c; x q[0]; c[0] = measure q[0]; c[1] = measure q[1];"
        "if (c[1]) x q[2]; if (c[0]) { x q[1]; } c[1] = measure q[1]; c[2] = measure q[2];",
        {"011": 1.0},
        Ability.DYNAMIC,
    ),
    _three("reset", "qubit[2] q; bit[2] c; x q; reset q[1]; c = measure q;", {"01": 1.0}, Ability.DYNAMIC),
)
"""What OpenQASM 3 adds."""


def _wide(width: int) -> Case:
    """Every third qubit is 1, and the highest two are an even pair."""
    low = "".join("1" if index % 3 == 0 else "0" for index in range(width - 2))[::-1]
    flips = " ".join(f"x q[{index}];" for index in range(0, width - 2, 3))
    pair = f"h q[{width - 1}]; cx q[{width - 1}], q[{width - 2}];"
    body = f"qreg q[{width}]; creg c[{width}]; {flips} {pair} measure q -> c;"
    return _two(f"{width} qubits", body, _even(f"00{low}", f"11{low}"), Ability.WIDE)


def _high_bit(width: int) -> Case:
    body = f"qreg q[2]; creg c[{width}]; x q[0]; measure q[0] -> c[{width - 2}]; measure q[1] -> c[0];"
    return _two(f"2 qubits and {width} bits", body, {"01" + "0" * (width - 2): 1.0})


WIDE = (_wide(65), _wide(128), _wide(300), _high_bit(64), _high_bit(65), _high_bit(300))
"""Keys that fit no machine word."""

VALUES = (
    _value("the leftmost letter is qubit 0", "qreg q[3]; x q[0];", {"ZII": -1.0, "IZI": 1.0, "IIZ": 1.0, "ZZI": -1.0}),
    _value("a short string acts on the first qubits", "qreg q[3]; x q[1];", {"ZI": 1.0, "IZ": -1.0, "ZZ": -1.0}),
    _value("a string of one letter acts on qubit 0", "qreg q[3]; x q[0];", {"Z": -1.0, "I": 1.0}),
    _value("the identity is 1", "qreg q[2]; ry(0.3) q[0]; h q[1];", {"II": 1.0}),
    _value(
        "Y is positive after h and s",
        "qreg q[2]; h q[0]; s q[0]; h q[1]; sdg q[1];",
        {"YI": 1.0, "IY": -1.0, "YY": -1.0},
    ),
    _value(
        "Y is negative after a positive turn about x",
        "qreg q[1]; rx(pi/3) q[0];",
        {"Y": -math.sin(math.pi / 3), "Z": 0.5},
    ),
    _value("a pair", "qreg q[2]; h q[0]; cx q[0], q[1];", {"XX": 1.0, "YY": -1.0, "ZZ": 1.0, "XY": 0.0, "ZI": 0.0}),
    _value(
        "different qubits differ",
        "qreg a[1]; qreg b[2]; ry(pi/3) a[0]; ry(pi/2) b[0]; x b[1];",
        {"ZII": 0.5, "XII": math.sin(math.pi / 3), "IZI": 0.0, "IXI": 1.0, "IIZ": -1.0, "ZXZ": -0.5},
    ),
    _value(
        "final measurements change nothing",
        "qreg q[2]; creg c[2]; ry(pi/3) q[0]; x q[1]; measure q[0] -> c[1]; measure q[1] -> c[0];",
        {"XI": math.sin(math.pi / 3), "ZI": 0.5, "IZ": -1.0},
    ),
)
"""Expectation values."""
