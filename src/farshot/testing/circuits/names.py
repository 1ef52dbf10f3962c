"""Names that are legal, though a careless reader may trip over them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

__all__ = ["angle_names", "bit_names", "gate_names", "qubit_names"]


def _words(text: str) -> list[str]:
    return text.split()


_QUBITS = _words("q r data anc q_1 qreg1 measureq iff pi2 a b gate_out resetx hh x_ opaque2 barrier_ if_ q0 includes")
_BITS = _words("c m syn outcome c_0 creg1 ifc meas flag zz k barriers d e10 c1 u_ resets b2 if0")
_ONLY_3 = _words("_q Q Data q_Q")
_GATES = _words("foo mygate bell_pair g ccz_ xx ent rot h2 cxx iswap ecr dcx rzx unmaj gate1 measure2 if_x majority")
_YOUNGER = _words("u p sx sxdg swap cswap crx cry cp csx cu rxx rzz rccx rc3x c3x c3sqrtx c4x")
_ANGLES = _words("theta phi a b0 lam pi_ x1 e1")


def qubit_names(rng: Random, version: int, count: int) -> list[str]:
    """Draw names of quantum registers."""
    return rng.sample([*_QUBITS, *(_ONLY_3 if version == 3 else [])], count)


def bit_names(rng: Random, version: int, count: int) -> list[str]:
    """Draw names of classical registers; none of them names a quantum register."""
    return rng.sample([*_BITS, *(_words("OPENQASM_ _c C") if version == 3 else [])], count)


def gate_names(rng: Random, version: int, count: int) -> list[str]:
    """Draw names of gates: some that a simulator may know by itself, and with OpenQASM 2 a few that its first
    library did not have, so that circuits of that time bring their own.
    """
    younger = rng.sample(_YOUNGER, 3) if version == 2 else []
    return rng.sample(_GATES + younger, count)


def angle_names(rng: Random, count: int) -> list[str]:
    """Draw names of a gate's parameters."""
    return rng.sample(_ANGLES, count)
