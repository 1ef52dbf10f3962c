"""The gates, names and angles that drawn circuits are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random


class Kind(NamedTuple):
    """A gate of a palette, with its number of angles and of qubits."""

    name: str
    angles: int
    qubits: int


def _kinds(text: str) -> tuple[Kind, ...]:
    """Parse words of the form `name/angles/qubits`."""
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
"""The gates of qelib1.inc (as shipped by Qiskit) and stdgates.inc, and the built-in ones, by OpenQASM version."""

CLIFFORD = _kinds("id/0/1 x/0/1 y/0/1 z/0/1 h/0/1 s/0/1 sdg/0/1 sx/0/1 cx/0/2 cy/0/2 cz/0/2 swap/0/2")

CONTROLLABLE = frozenset(kind.name for kind in _kinds(_COMMON)) - {"u1", "u2", "u3", "cu", "U", "CX"}
"""Gates on whose phase all readers agree, so that `ctrl @` means the same to all of them."""


def _words(text: str) -> list[str]:
    return text.split()


_QUBIT_REGISTERS = _words(
    "q r data anc q_1 qreg1 measureq iff pi2 a b gate_out resetx hh x_ opaque2 barrier_ if_ q0 includes"
)
_QUBIT_REGISTERS_3 = _words("_q Q Data q_Q")
_BIT_REGISTERS = _words("c m syn outcome c_0 creg1 ifc meas flag zz k barriers d e10 c1 u_ resets b2 if0")
_BIT_REGISTERS_3 = _words("OPENQASM_ _c C")
_GATES = _words("foo mygate bell_pair g ccz_ xx ent rot h2 cxx iswap ecr dcx rzx unmaj gate1 measure2 if_x majority")
_LATER_GATES = _words("u p sx sxdg swap cswap crx cry cp csx cu rxx rzz rccx rc3x c3x c3sqrtx c4x")
_ANGLES = _words("theta phi a b0 lam pi_ x1 e1")


def qubit_names(rng: Random, version: int, count: int) -> list[str]:
    """Draw names of quantum registers."""
    return rng.sample([*_QUBIT_REGISTERS, *(_QUBIT_REGISTERS_3 if version == 3 else [])], count)


def bit_names(rng: Random, version: int, count: int) -> list[str]:
    """Draw names of classical registers, none of which is a name of a quantum register."""
    return rng.sample([*_BIT_REGISTERS, *(_BIT_REGISTERS_3 if version == 3 else [])], count)


def gate_names(rng: Random, version: int, count: int) -> list[str]:
    """Draw names of gates. Some are built into simulators; with OpenQASM 2 a few are missing from its first library, so
    that old circuits define them.
    """
    later = rng.sample(_LATER_GATES, 3) if version == 2 else []
    return rng.sample(_GATES + later, count)


def angle_names(rng: Random, count: int) -> list[str]:
    """Draw names of a gate's parameters."""
    return rng.sample(_ANGLES, count)


_EXPRESSIONS = _words(
    "pi -pi pi/2 -pi/4 3*pi/4 -3*pi/4 2*pi/3 pi*0.25 (pi+0.5)/3 pi-0.25-0.125 1.2/2/3 -(0.75) 2*0.3 0.5+0.25*2"
    " 1e-1 2.5E-1 .5 3. -0.125 0 2"
)
_FUNCTIONS = ("sin(0.2)", "cos(pi/3)", "-sin(pi/5)", "sqrt(2)", "exp(0.5)*2", "tan(0.4)", "{log}(3)")
_LOGARITHM = {2: "ln", 3: "log"}
_PARAMETER_EXPRESSIONS = ("{0}", "-{0}", "{0}/2", "2*{0}", "-{0}/2", "{0}+{1}", "({0}-{1})/2", "-({0}+{1})", "{0}-{1}")


def angle(rng: Random, version: int) -> str:
    """Draw an angle. With OpenQASM 3 few are functions, since its importers do not read all of them."""
    choice = rng.random()
    if choice < 0.4:
        return f"{rng.uniform(-3.2, 3.2):.4f}"
    if choice < (0.55 if version == 2 else 0.41):
        return rng.choice(_FUNCTIONS).format(log=_LOGARITHM[version])
    return rng.choice(_EXPRESSIONS)


def angle_of(rng: Random, version: int, parameters: Sequence[str]) -> str:
    """Draw an angle in the body of a gate, which may depend on the parameters of the gate."""
    if not parameters or rng.random() < 0.3:
        return angle(rng, version)
    return rng.choice(_PARAMETER_EXPRESSIONS).format(rng.choice(parameters), rng.choice(parameters))
