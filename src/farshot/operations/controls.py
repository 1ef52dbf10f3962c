"""Gates with several controls as controlled x and p and gates without controls: exact, including phases."""

from __future__ import annotations

import math

from farshot.operations.gates import PHASES, inverted, replace_gate
from farshot.operations.operations import Gate

_TURNED: dict[str, tuple[tuple[tuple[str, tuple[float, ...]], ...], str, tuple[float, ...]]] = {
    "y": ((("sdg", ()),), "x", ()),
    "h": ((("ry", (-math.pi / 4,)),), "p", (math.pi,)),
    "sx": ((("h", ()),), "p", (math.pi / 2,)),
    "sxdg": ((("h", ()),), "p", (-math.pi / 2,)),
}
"""The gates that turn the target before and back after, and the controlled gate between them."""
_AXES: dict[str, tuple[tuple[str, tuple[float, ...]], ...]] = {"rx": (("h", ()),), "ry": (("sdg", ()), ("h", ()))}


def with_controlled_x_and_p(gate: Gate) -> list[Gate]:
    """Return a gate with controls as gates of which only x and p have controls."""
    if gate.name in {"x", "p"}:
        return [gate]
    if gate.name in PHASES:
        return [replace_gate(gate, "p", (PHASES[gate.name],))]
    if gate.name in _TURNED:
        turn, name, angles = _TURNED[gate.name]
        return _between(gate, turn, [replace_gate(gate, name, angles)])
    if gate.name == "U":
        return _decompose_u(gate)
    return _between(gate, _AXES.get(gate.name, ()), _about_z(gate, gate.angles[0]))


def _between(gate: Gate, turn: tuple[tuple[str, tuple[float, ...]], ...], middle: list[Gate]) -> list[Gate]:
    before = [Gate(name, angles, 0, gate.qubits[-1:], gate.at) for name, angles in turn]
    return [*before, *middle, *inverted(before)]


def _on_controls(gate: Gate, angle: float) -> Gate:
    return Gate("p", (angle,), gate.controls - 1, gate.qubits[:-1], gate.at)


def _about_z(gate: Gate, angle: float) -> list[Gate]:
    return [_on_controls(gate, -angle / 2), replace_gate(gate, "p", (angle,))]


def _decompose_u(gate: Gate) -> list[Gate]:
    """Return U as rotations about Z, Y and Z, and its phase."""
    theta, phi, lam = gate.angles
    middle = _between(gate, _AXES["ry"], _about_z(gate, theta))
    return [*_about_z(gate, lam), *middle, *_about_z(gate, phi), _on_controls(gate, (phi + lam) / 2)]
