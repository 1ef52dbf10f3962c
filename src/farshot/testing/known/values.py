"""Circuits and Pauli strings whose exact values are known."""

from __future__ import annotations

import math

from farshot.testing.known.cases import valued

__all__ = ["VALUES"]

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
"""Expectation values."""
