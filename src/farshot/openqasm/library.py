"""The gates that come with the language: their names and numbers of parameters and qubits."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from farshot.openqasm.expressions import Expression


class Modifier(NamedTuple):
    """A word before a gate, and the number in its parentheses: the number of controls, or the exponent."""

    word: str
    number: float = 1


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One use of a gate in the body of another."""

    gate: Gate
    arguments: tuple[Expression, ...]
    factor: float
    """The factor of the angles (a `pow` modifier)."""
    at: int
    modifiers: tuple[Modifier, ...] = ()
    """The modifiers, outermost first."""
    qubits: tuple[int, ...] = ()
    """Positions among the qubits of the other gate."""


@dataclass(frozen=True, slots=True, eq=False)
class Gate:
    """A gate and the effects of using it once."""

    name: str
    parameters: tuple[str, ...]
    qubits: int
    cost: int = 1
    """The number of library gates that it stands for."""
    depth: int = 0
    """The depth of gates that use gates in it."""
    clifford: bool = False
    rotates: bool = False
    """True if it is or has a Pauli rotation of two qubits."""
    library: frozenset[str] = frozenset()
    """The gates of the include that it uses."""
    limit: float = inf
    """While no argument exceeds this, every angle inside is finite; above, the calls have to be checked one by one."""
    calls: tuple[Call, ...] | None = None
    """The gates in its definition, None for a gate of the language."""
    calls_with_arguments: tuple[Call, ...] = ()
    work: int = 0
    """The work of a use beyond its `cost`, for long expressions and many operands inside."""


_CLIFFORD = frozenset(["h", "s", "sdg", "x", "y", "z", "id", "sx", "sxdg", "cx", "CX", "cy", "cz", "swap"])
_ROTATIONS = frozenset({"rxx", "ryy", "rzz"})

_QELIB1 = """
u3 3 1  u2 2 1  u1 1 1  cx 0 2  id 0 1  u0 1 1  u 3 1  p 1 1  x 0 1  y 0 1  z 0 1  h 0 1  s 0 1  sdg 0 1
t 0 1  tdg 0 1  rx 1 1  ry 1 1  rz 1 1  sx 0 1  sxdg 0 1  cz 0 2  cy 0 2  swap 0 2  ch 0 2  ccx 0 3
cswap 0 3  crx 1 2  cry 1 2  crz 1 2  cu1 1 2  cp 1 2  cu3 3 2  csx 0 2  cu 4 2  rxx 1 2  rzz 1 2
rccx 0 3  rc3x 0 4  c3x 0 4  c3sqrtx 0 4  c4x 0 5
"""
_STDGATES = """
p 1 1  x 0 1  y 0 1  z 0 1  h 0 1  s 0 1  sdg 0 1  t 0 1  tdg 0 1  sx 0 1  rx 1 1  ry 1 1  rz 1 1
cx 0 2  cy 0 2  cz 0 2  cp 1 2  crx 1 2  cry 1 2  crz 1 2  ch 0 2  swap 0 2  ccx 0 3  cswap 0 3
cu 4 2  CX 0 2  phase 1 1  cphase 1 2  id 0 1  u1 1 1  u2 2 1  u3 3 1
"""


def _gates(table: str, *, included: bool) -> dict[str, Gate]:
    words = table.split()
    return {
        name: Gate(
            name,
            tuple(f"p{number}" for number in range(int(parameters))),
            int(qubits),
            clifford=name in _CLIFFORD,
            rotates=name in _ROTATIONS,
            library=frozenset({name} if included else ()),
        )
        for name, parameters, qubits in zip(words[::3], words[1::3], words[2::3], strict=True)
    }


INCLUDES = {2: "qelib1.inc", 3: "stdgates.inc"}
"""The one file that each version may include. It is built in; no file is ever opened."""
BUILTINS = {2: _gates("U 3 1  CX 0 2", included=False), 3: _gates("U 3 1  gphase 1 0", included=False)}
"""The gates that need no include."""
LIBRARIES = {2: _gates(_QELIB1, included=True), 3: _gates(_STDGATES, included=True)}
"""The gates that the include declares."""
_LATER = "u0 u p sx sxdg swap cswap crx cry cp csx cu rxx rzz rccx rc3x c3x c3sqrtx c4x"
REDEFINABLE = frozenset(_LATER.split())
"""Gates that the first qelib1.inc did not have, so that older circuits define their own, which take precedence."""
