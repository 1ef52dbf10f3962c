"""Clifford circuits in the few gates that every stabilizer method takes.

What counts is the unitary of a gate, not how it is written: `rz(pi/2)` is `s` up to a phase of the whole circuit, and
a controlled gate is Clifford exactly where what it controls is a Pauli gate times a power of i.
"""

from __future__ import annotations

from functools import cache, lru_cache
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from farshot.operations.matrices import matrix_of, product
from farshot.operations.operations import Branch, Gate, PlainCircuit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from farshot.operations.matrices import Matrix
    from farshot.operations.operations import Operation


_CLOSE = 1e-10
_NONE = 1e-3
_GENERATORS = ("h", "s", "sdg", "x", "y", "z", "sx")
_PAULIS: dict[str, Matrix] = {"": (1, 0, 0, 1), "x": (0, 1, 1, 0), "y": (0, -1j, 1j, 0), "z": (1, 0, 0, -1)}
_POWERS = ("", "s", "z", "sdg")
"""The gates that put i to the power of 0, 1, 2 and 3 on |1>."""


class _NotCliffordError(Exception):
    """Some gate is not Clifford."""


class _Controlled(NamedTuple):
    """What a controlled gate is: a Pauli gate times a power of i."""

    pauli: str
    quarters: int


def as_clifford(program: PlainCircuit) -> PlainCircuit | None:
    """Return the same circuit in h, s, sdg, x, y, z, sx, cx, cz and swap, or None where it is not Clifford."""
    try:
        return PlainCircuit(program.qubits, program.registers, _restated(program.operations))
    except _NotCliffordError:
        return None


def _restated(operations: Iterable[Operation]) -> tuple[Operation, ...]:
    return tuple(chain.from_iterable(map(_same, operations)))


def _same(operation: Operation) -> Iterable[Operation]:
    if isinstance(operation, Gate):
        return _gates(operation)
    if isinstance(operation, Branch):
        body, otherwise = _restated(operation.body), _restated(operation.otherwise)
        return (Branch(operation.condition, body, otherwise, operation.at),)
    return (operation,)


def _gates(gate: Gate) -> list[Gate]:
    if gate.name == "swap":
        return [gate]
    if len(gate.qubits) == gate.controls + 2:
        return _rotated_pair(gate)
    if not gate.controls:
        return _alone(_word(gate.name, gate.angles), gate.qubits[0], gate.at)
    return _with_controls(gate)


def _alone(names: Iterable[str], qubit: int, at: int) -> list[Gate]:
    return [Gate(name, (), 0, (qubit,), at) for name in names]


def _pair(name: str, first: int, second: int, at: int) -> list[Gate]:
    return [Gate(name, (), 1, (first, second), at)]


_AXES = {"rzz": ((), ()), "rxx": (("h",), ("h",)), "ryy": (("sx",), ("x", "sx"))}
"""What turns the axes of these to Z, and what turns them back up to a phase."""


def _rotated_pair(gate: Gate) -> list[Gate]:
    turns, returns = _AXES[gate.name]
    first, second = gate.qubits
    return [
        *(one for qubit in gate.qubits for one in _alone(turns, qubit, gate.at)),
        *_pair("x", first, second, gate.at),
        *_alone(_word("rz", gate.angles), second, gate.at),
        *_pair("x", first, second, gate.at),
        *(one for qubit in gate.qubits for one in _alone(returns, qubit, gate.at)),
    ]


def _with_controls(gate: Gate) -> list[Gate]:
    known = _controlled(gate.name, gate.angles)
    controls, target = gate.qubits[: gate.controls], gate.qubits[-1]
    phase = _phase_on(controls, known.quarters, gate.at)
    if not known.pauli:
        return phase
    if len(controls) > 1:
        raise _NotCliffordError
    return [*phase, *_controlled_pauli(known.pauli, controls[0], target, gate.at)]


def _phase_on(qubits: tuple[int, ...], quarters: int, at: int) -> list[Gate]:
    """Return what puts i to the power of `quarters` on the state where all of `qubits` are 1."""
    if not quarters:
        return []
    if len(qubits) == 1:
        return _alone((_POWERS[quarters],), qubits[0], at)
    if len(qubits) == 2 and quarters == 2:
        return _pair("z", *qubits, at)
    raise _NotCliffordError


def _controlled_pauli(pauli: str, control: int, target: int, at: int) -> list[Gate]:
    if pauli != "y":
        return _pair(pauli, control, target, at)
    return [*_alone(("sdg",), target, at), *_pair("x", control, target, at), *_alone(("s",), target, at)]


@lru_cache(maxsize=1024)
def _word(name: str, angles: tuple[float, ...]) -> tuple[str, ...]:
    """Return gates that are together the gate `name` up to a phase."""
    matrix = _standard(matrix_of(name, angles))
    word, known = _words().get(_rounded(matrix), ((), None))
    if known is None or not _close(matrix, known):
        raise _NotCliffordError
    return word


@cache
def _words() -> dict[Matrix, tuple[tuple[str, ...], Matrix]]:
    """Return the 24 Clifford gates on one qubit, each as the shortest word in the generators."""
    found: dict[Matrix, tuple[tuple[str, ...], Matrix]] = {}
    ends: list[tuple[tuple[str, ...], Matrix]] = [((), (1, 0, 0, 1))]
    while ends:
        new = []
        for word, matrix in ends:
            if found.setdefault(_rounded(matrix), (word, matrix))[0] == word:
                new += [((*word, name), _standard(product(matrix_of(name, ()), matrix))) for name in _GENERATORS]
        ends = new
    return found


def _standard(matrix: Matrix) -> Matrix:
    """Return the matrix times the phase that makes its first entry that is not 0 positive."""
    first = matrix[0] if abs(matrix[0]) > _NONE else matrix[1]
    phase = first / abs(first)
    a, b, c, d = (entry / phase for entry in matrix)
    return (a, b, c, d)


def _rounded(matrix: Matrix) -> Matrix:
    a, b, c, d = (complex(round(entry.real, 5), round(entry.imag, 5)) for entry in map(complex, matrix))
    return (a, b, c, d)


def _close(one: Matrix, other: Matrix) -> bool:
    return all(abs(first - second) < _CLOSE for first, second in zip(one, other, strict=True))


@lru_cache(maxsize=1024)
def _controlled(name: str, angles: tuple[float, ...]) -> _Controlled:
    matrix = matrix_of(name, angles)
    for pauli, known in _PAULIS.items():
        for quarters in range(4):
            a, b, c, d = (entry * 1j**quarters for entry in known)
            if _close(matrix, (a, b, c, d)):
                return _Controlled(pauli, quarters)
    raise _NotCliffordError
