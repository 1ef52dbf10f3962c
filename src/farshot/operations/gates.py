"""The gates of the libraries as plain gates, and the modifiers of plain gates: exact, including phases."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

from farshot.operations.operations import Gate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


_Axis: TypeAlias = tuple[tuple[str, tuple[float, ...]], ...]

_PI = math.pi
_HALF = math.pi / 2
_MAX_PHASE_ERROR = 1e-9
_ROTATIONS = frozenset({"rx", "ry", "rz", "p", "rxx", "ryy", "rzz", "gphase"})
"""Gates whose powers multiply their angle."""
_INVERSE = {"s": "sdg", "sdg": "s", "t": "tdg", "tdg": "t", "sx": "sxdg", "sxdg": "sx"}
_SELF_INVERSE = frozenset({"x", "y", "z", "h", "swap"})
_H: tuple[str, tuple[float, ...]] = ("h", ())
_SDG: tuple[str, tuple[float, ...]] = ("sdg", ())
_PHASES: dict[str, tuple[float, _Axis]] = {
    "z": (_PI, ()), "s": (_HALF, ()), "sdg": (-_HALF, ()), "t": (_PI / 4, ()), "tdg": (-_PI / 4, ()),
    "x": (_PI, (_H,)), "sx": (_HALF, (_H,)), "sxdg": (-_HALF, (_H,)), "y": (_PI, (_SDG, _H)),
    "h": (_PI, (("ry", (-_PI / 4,)),)),
}  # fmt: skip
"""The phase that a gate gives to one state, and the gates that turn this state to |1>."""
_AXES: dict[str, _Axis] = {"rx": (_H,), "ry": (_SDG, _H), "rz": ()}
"""The gates that turn the axis of a rotation to Z."""
_PAULI_ROTATIONS = {"rzz": ((), ()), "rxx": (("h",), ("h",)), "ryy": (("sx",), ("sxdg",))}
"""Rotations about two axes, the gates that turn the axes to Z, and those that turn them back."""
_RENAMED = {"u1": "p", "phase": "p", "u3": "U", "u": "U"}
_CONTROLLED = {
    "cx": ("x", 1), "CX": ("x", 1), "cy": ("y", 1), "cz": ("z", 1), "ch": ("h", 1), "csx": ("sx", 1),
    "cp": ("p", 1), "cu1": ("p", 1), "cphase": ("p", 1), "crx": ("rx", 1), "cry": ("ry", 1), "crz": ("rz", 1),
    "cu3": ("U", 1), "ccx": ("x", 2), "c3x": ("x", 3), "c4x": ("x", 4), "c3sqrtx": ("sx", 3),
}  # fmt: skip
_IDENTITIES = frozenset({"id", "u0"})

_RCCX = ("h 2", "t 2", "cx 1 2", "tdg 2", "cx 0 2", "t 2", "cx 1 2", "tdg 2", "h 2")
_RC3X = (
    "h 3", "t 3", "cx 2 3", "tdg 3", "h 3", "cx 0 3", "t 3", "cx 1 3", "tdg 3", "cx 0 3", "t 3", "cx 1 3", "tdg 3",
    "h 3", "t 3", "cx 2 3", "tdg 3", "h 3",
)  # fmt: skip


def library_gate(name: str, angles: tuple[float, ...], qubits: tuple[int, ...], at: int) -> list[Gate]:
    """Return the plain gates that a gate of the language stands for; `gphase` stays for modifiers to use."""
    if name in _IDENTITIES:
        return []
    if name in _CONTROLLED:
        base, controls = _CONTROLLED[name]
        return [Gate(base, angles, controls, qubits, at)]
    decompose = _DECOMPOSED.get(name)
    if decompose is not None:
        return decompose(angles, qubits, at)
    return [Gate(_RENAMED.get(name, name), angles, 0, qubits, at)]


def _u2(angles: tuple[float, ...], qubits: tuple[int, ...], at: int) -> list[Gate]:
    return [Gate("U", (_HALF, *angles), 0, qubits, at)]


def _cu(angles: tuple[float, ...], qubits: tuple[int, ...], at: int) -> list[Gate]:
    return [Gate("p", angles[3:], 0, qubits[:1], at), Gate("U", angles[:3], 1, qubits, at)]


def _cswap(_angles: tuple[float, ...], qubits: tuple[int, ...], at: int) -> list[Gate]:
    return controlled([Gate("swap", (), 0, qubits[1:], at)], qubits[:1])


def _from_words(words: Sequence[str]) -> Callable[[tuple[float, ...], tuple[int, ...], int], list[Gate]]:
    def gates(_angles: tuple[float, ...], qubits: tuple[int, ...], at: int) -> list[Gate]:
        plain: list[Gate] = []
        for name, *places in map(str.split, words):
            plain += library_gate(name, (), tuple(qubits[int(place)] for place in places), at)
        return plain

    return gates


_DECOMPOSED = {"u2": _u2, "cu": _cu, "cswap": _cswap, "rccx": _from_words(_RCCX), "rc3x": _from_words(_RC3X)}


def controlled(gates: Iterable[Gate], controls: tuple[int, ...]) -> list[Gate]:
    """Return `gates` with the additional `controls`."""
    return [gate for one in gates for gate in _control(one, controls)]


def _control(gate: Gate, controls: tuple[int, ...]) -> list[Gate]:
    at = gate.at
    if gate.name == "gphase":
        return [Gate("p", gate.angles, len(controls) - 1, controls, at)]
    if gate.name == "swap":
        first, second = gate.qubits
        tie = Gate("x", (), 1, (second, first), at)
        return [tie, Gate("x", (), len(controls) + 1, (*controls, first, second), at), tie]
    if gate.name in _PAULI_ROTATIONS:
        turns, returns = _PAULI_ROTATIONS[gate.name]
        tie = Gate("x", (), 1, gate.qubits, at)
        middle = Gate("rz", gate.angles, len(controls), (*controls, gate.qubits[1]), at)
        return [*_apply_to_each(turns, gate), tie, middle, tie, *_apply_to_each(returns, gate)]
    return [Gate(gate.name, gate.angles, len(controls) + gate.controls, controls + gate.qubits, at)]


def _apply_to_each(names: Iterable[str], gate: Gate) -> list[Gate]:
    return [Gate(name, (), 0, (qubit,), gate.at) for name in names for qubit in gate.qubits]


def inverted(gates: Sequence[Gate]) -> list[Gate]:
    """Return the inverse of `gates`."""
    return [_invert(gate) for gate in reversed(gates)]


def _invert(gate: Gate) -> Gate:
    if gate.name in _SELF_INVERSE:
        return gate
    if gate.name == "U":
        theta, phi, lam = gate.angles
        return _replace(gate, "U", (-theta, -lam, -phi))
    if gate.angles:
        return _replace(gate, gate.name, (-gate.angles[0],))
    return _replace(gate, _INVERSE[gate.name], ())


def _replace(gate: Gate, name: str, angles: tuple[float, ...]) -> Gate:
    return Gate(name, angles, gate.controls, gate.qubits, gate.at)


def raised(gates: Sequence[Gate], exponent: int) -> list[Gate]:
    """Return the integer power of `gates`."""
    if exponent < 0:
        return raised(inverted(gates), -exponent)
    if len(gates) == 1:
        return _raise(gates[0], exponent)
    return list(gates) * exponent


def _raise(gate: Gate, exponent: int) -> list[Gate]:
    if gate.name in _ROTATIONS:
        return [_replace(gate, gate.name, (gate.angles[0] * exponent,))]
    if gate.name in _SELF_INVERSE:
        return [gate] * (exponent % 2)
    if gate.name == "U":
        return [gate] * exponent
    return [gate] * (exponent % 8)


def root(gates: Sequence[Gate], exponent: float) -> list[Gate] | None:
    """Return the principal power of `gates`, with phases of eigenvalues in (-pi, pi]; None if it is not known."""
    return _take_root(gates[0], exponent) if len(gates) == 1 else None if gates else []


def _take_root(gate: Gate, exponent: float) -> list[Gate] | None:
    """Return the power of a gate: the power of a phase between turns of the axis to Z and back."""
    if gate.name == "gphase":
        return [_replace(gate, "gphase", (_principal_phase(gate.angles[0]) * exponent,))]
    if gate.name == "swap":
        return _root_of_swap(gate, exponent)
    if gate.name in _ROTATIONS - {"p"}:
        return _root_of_rotation(gate, exponent)
    if gate.name == "U":
        return None
    phase, axis = (gate.angles[0], ()) if gate.name == "p" else _PHASES[gate.name]
    return _conjugate(gate, axis, [_replace(gate, "p", (_principal_phase(phase) * exponent,))])


def _root_of_swap(gate: Gate, exponent: float) -> list[Gate]:
    first, second = gate.qubits
    tie = Gate("x", (), 1, (second, first), gate.at)
    middle = _take_root(Gate("x", (), 1, (first, second), gate.at), exponent) or []
    return [tie, *middle, tie]


def _root_of_rotation(gate: Gate, exponent: float) -> list[Gate] | None:
    """Return the power of a rotation, whose eigenvalues are exp(-ia/2) and exp(ia/2)."""
    angle = math.remainder(gate.angles[0], 4 * _PI)
    if 2 * _PI - abs(angle) < _MAX_PHASE_ERROR:
        return None
    return [_replace(gate, gate.name, (angle * exponent,))]


def _principal_phase(angle: float) -> float:
    """Return the angle in (-pi, pi] of the same phase."""
    turned = math.remainder(angle, 2 * _PI)
    return _PI if _PI + turned < _MAX_PHASE_ERROR else turned


def with_controlled_x_and_p(gate: Gate) -> list[Gate]:
    """Return a gate with controls as gates of which only x and p have controls."""
    if gate.name in {"x", "p"}:
        return [gate]
    if gate.name == "y":
        return _conjugate(gate, (_SDG,), [_replace(gate, "x", ())])
    if gate.name in _PHASES:
        phase, axis = _PHASES[gate.name]
        return _conjugate(gate, axis, [_replace(gate, "p", (phase,))])
    if gate.name == "U":
        return _decompose_u(gate)
    return _conjugate(gate, _AXES[gate.name], _about_z(gate, gate.angles[0]))


def _conjugate(gate: Gate, turn: _Axis, middle: list[Gate]) -> list[Gate]:
    """Return `middle` between the gates `turn` on the target of `gate` and their inverses."""
    before = [Gate(name, angles, 0, gate.qubits[-1:], gate.at) for name, angles in turn]
    return [*before, *middle, *inverted(before)]


def _on_controls(gate: Gate, angle: float) -> Gate:
    return Gate("p", (angle,), gate.controls - 1, gate.qubits[:-1], gate.at)


def _about_z(gate: Gate, angle: float) -> list[Gate]:
    return [_on_controls(gate, -angle / 2), _replace(gate, "p", (angle,))]


def _decompose_u(gate: Gate) -> list[Gate]:
    """Return U as rotations about Z, Y and Z, and its phase."""
    theta, phi, lam = gate.angles
    middle = _conjugate(gate, _AXES["ry"], _about_z(gate, theta))
    return [*_about_z(gate, lam), *middle, *_about_z(gate, phi), _on_controls(gate, (phi + lam) / 2)]
