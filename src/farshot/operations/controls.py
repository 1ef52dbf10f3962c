"""Gates under several controls, in terms of x and p under controls and of gates without any: exact, phases too."""

from __future__ import annotations

import math

from farshot.operations.gates import inverted
from farshot.operations.operations import Gate

_PHASES = {"z": math.pi, "s": math.pi / 2, "sdg": -math.pi / 2, "t": math.pi / 4, "tdg": -math.pi / 4}
_TURNED: dict[str, tuple[tuple[tuple[str, tuple[float, ...]], ...], str, tuple[float, ...]]] = {
    "y": ((("sdg", ()),), "x", ()),
    "h": ((("ry", (-math.pi / 4,)),), "p", (math.pi,)),
    "sx": ((("h", ()),), "p", (math.pi / 2,)),
    "sxdg": ((("h", ()),), "p", (-math.pi / 2,)),
}
"""What turns the target before and back after, and what is controlled between."""
_AXES: dict[str, tuple[tuple[str, tuple[float, ...]], ...]] = {"rx": (("h", ()),), "ry": (("sdg", ()), ("h", ()))}


def few_kinds(gate: Gate) -> list[Gate]:
    """Return a gate with controls as gates of which only x and p have any."""
    if gate.name in {"x", "p"}:
        return [gate]
    if gate.name in _PHASES:
        return [_under(gate, "p", (_PHASES[gate.name],))]
    if gate.name in _TURNED:
        turn, name, angles = _TURNED[gate.name]
        return _between(gate, turn, [_under(gate, name, angles)])
    if gate.name == "U":
        return _any(gate)
    return _between(gate, _AXES.get(gate.name, ()), _about_z(gate, gate.angles[0]))


def _under(gate: Gate, name: str, angles: tuple[float, ...]) -> Gate:
    return Gate(name, angles, gate.controls, gate.qubits, gate.at)


def _between(gate: Gate, turn: tuple[tuple[str, tuple[float, ...]], ...], middle: list[Gate]) -> list[Gate]:
    before = [Gate(name, angles, 0, gate.qubits[-1:], gate.at) for name, angles in turn]
    return [*before, *middle, *inverted(before)]


def _on_controls(gate: Gate, angle: float) -> Gate:
    return Gate("p", (angle,), gate.controls - 1, gate.qubits[:-1], gate.at)


def _about_z(gate: Gate, angle: float) -> list[Gate]:
    return [_on_controls(gate, -angle / 2), _under(gate, "p", (angle,))]


def _any(gate: Gate) -> list[Gate]:
    """Write U as turns about Z, Y and Z, and its phase."""
    theta, phi, lam = gate.angles
    middle = _between(gate, _AXES["ry"], _about_z(gate, theta))
    return [*_about_z(gate, lam), *middle, *_about_z(gate, phi), _on_controls(gate, (phi + lam) / 2)]
