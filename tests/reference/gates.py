"""The matrices of the library gates, from their definitions. The first qubit is the most significant."""

import cmath
import math
from functools import lru_cache

import numpy as np

X = np.array([[0, 1], [1, 0]], dtype=complex)
Y = np.array([[0, -1j], [1j, 0]])
Z = np.diag([1, -1]).astype(complex)
H = np.array([[1, 1], [1, -1]]) / math.sqrt(2) + 0j
SX = np.array([[1 + 1j, 1 - 1j], [1 - 1j, 1 + 1j]]) / 2
SWAP = np.eye(4)[[0, 2, 1, 3]] + 0j


def phase(turn):
    return np.diag([1, cmath.exp(1j * turn)])


def rotation(pauli, turn):
    """Return exp(-i turn/2 pauli); any matrix whose square is 1 will do."""
    return math.cos(turn / 2) * np.eye(len(pauli)) - 1j * math.sin(turn / 2) * pauli


def u3(theta, phi, lam):
    cos, sin = math.cos(theta / 2), math.sin(theta / 2)
    return np.array(
        [
            [cos, -cmath.exp(1j * lam) * sin],
            [cmath.exp(1j * phi) * sin, cmath.exp(1j * (phi + lam)) * cos],
        ]
    )


def u2(phi, lam):
    return u3(math.pi / 2, phi, lam)


def controlled(matrix, controls=1):
    """Put `controls` controls in front: the matrix acts where all of them are 1."""
    size = len(matrix) << controls
    result = np.eye(size, dtype=complex)
    result[-len(matrix) :, -len(matrix) :] = matrix
    return result


def anticontrolled(matrix):
    """Put a control in front that acts on 0."""
    result = np.eye(2 * len(matrix), dtype=complex)
    result[: len(matrix), : len(matrix)] = matrix
    return result


def cu(theta, phi, lam, gamma):
    return controlled(cmath.exp(1j * gamma) * u3(theta, phi, lam))


def rccx():
    """Toffoli up to phases: swaps |110> and |111> with factors -i and i, and negates |101>."""
    result = np.diag([1, 1, 1, 1, 1, -1, 0, 0]).astype(complex)
    result[6, 7], result[7, 6] = -1j, 1j
    return result


def rc3x():
    """Triply controlled X up to phases i, -i on |1100>, |1101>, and -1 on the way from |1111> to |1110>."""
    result = np.diag([1] * 12 + [1j, -1j, 0, 0]).astype(complex)
    result[14, 15], result[15, 14] = 1, -1
    return result


FIXED = {
    "id": np.eye(2) + 0j,
    "x": X,
    "y": Y,
    "z": Z,
    "h": H,
    "s": phase(math.pi / 2),
    "sdg": phase(-math.pi / 2),
    "t": phase(math.pi / 4),
    "tdg": phase(-math.pi / 4),
    "sx": SX,
    "sxdg": SX.conj().T,
    "cx": controlled(X),
    "CX": controlled(X),
    "cy": controlled(Y),
    "cz": controlled(Z),
    "ch": controlled(H),
    "csx": controlled(SX),
    "swap": SWAP,
    "ccx": controlled(X, 2),
    "cswap": controlled(SWAP),
    "rccx": rccx(),
    "rc3x": rc3x(),
    "c3x": controlled(X, 3),
    "c3sqrtx": controlled(SX, 3),
    "c4x": controlled(X, 4),
}

TURNED = {
    "u0": lambda _length: np.eye(2) + 0j,
    "u1": phase,
    "p": phase,
    "phase": phase,
    "u2": u2,
    "u3": u3,
    "u": u3,
    "U": u3,
    "rx": lambda turn: rotation(X, turn),
    "ry": lambda turn: rotation(Y, turn),
    "rz": lambda turn: rotation(Z, turn),
    "crx": lambda turn: controlled(rotation(X, turn)),
    "cry": lambda turn: controlled(rotation(Y, turn)),
    "crz": lambda turn: controlled(rotation(Z, turn)),
    "cu1": lambda turn: controlled(phase(turn)),
    "cp": lambda turn: controlled(phase(turn)),
    "cphase": lambda turn: controlled(phase(turn)),
    "cu3": lambda theta, phi, lam: controlled(u3(theta, phi, lam)),
    "cu": cu,
    "rxx": lambda turn: rotation(np.kron(X, X), turn),
    "ryy": lambda turn: rotation(np.kron(Y, Y), turn),
    "rzz": lambda turn: rotation(np.kron(Z, Z), turn),
}


@lru_cache(maxsize=4096)
def library_matrix(name, angles):
    return FIXED[name] if name in FIXED else TURNED[name](*angles)
