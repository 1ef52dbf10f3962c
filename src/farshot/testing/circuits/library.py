"""The gates that a circuit can take from its include file, and how many angles and qubits each takes."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["CLIFFORD", "CONTROLLABLE", "LIBRARY", "Kind"]


class Kind(NamedTuple):
    """A gate as a palette holds it."""

    name: str
    angles: int
    qubits: int


def _kinds(text: str) -> tuple[Kind, ...]:
    """Read `name/angles/qubits` words."""
    parts = [word.split("/") for word in text.split()]
    return tuple(Kind(name, int(angles), int(qubits)) for name, angles, qubits in parts)


_COMMON = """
    id/0/1 x/0/1 y/0/1 z/0/1 h/0/1 s/0/1 sdg/0/1 t/0/1 tdg/0/1 sx/0/1 rx/1/1 ry/1/1 rz/1/1 p/1/1
    u1/1/1 u2/2/1 u3/3/1 cx/0/2 cy/0/2 cz/0/2 ch/0/2 swap/0/2 crx/1/2 cry/1/2 crz/1/2 cp/1/2 cu/4/2 CX/0/2
    ccx/0/3 cswap/0/3 U/3/1
"""
_ONLY_2 = """
    sxdg/0/1 u/3/1 csx/0/2 cu1/1/2 cu3/3/2 rxx/1/2 rzz/1/2
    rccx/0/3 rc3x/0/4 c3x/0/4 c3sqrtx/0/4 c4x/0/5
"""
_ONLY_3 = "phase/1/1 cphase/1/2"

LIBRARY = {2: _kinds(_COMMON + _ONLY_2), 3: _kinds(_COMMON + _ONLY_3)}
"""The gates of qelib1.inc (as Qiskit ships it) and of stdgates.inc, and the built-in ones, by version of OpenQASM."""

CLIFFORD = _kinds("id/0/1 x/0/1 y/0/1 z/0/1 h/0/1 s/0/1 sdg/0/1 sx/0/1 cx/0/2 cy/0/2 cz/0/2 swap/0/2")

CONTROLLABLE = frozenset(kind.name for kind in _kinds(_COMMON)) - {"u1", "u2", "u3", "cu", "U", "CX"}
"""Gates whose phase all readers agree on, so that `ctrl @` means the same to all of them."""
