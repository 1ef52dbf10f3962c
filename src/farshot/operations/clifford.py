"""Clifford circuits in the few gates that every stabilizer method takes.

A gate is Clifford by its unitary, not by its name: `rz(pi/2)` is `s` up to a phase of the whole circuit, and a
controlled gate is Clifford exactly if the gate under the control is a Pauli gate times a power of i.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from farshot.operations.matrices import matrix_of, product
from farshot.operations.operations import Branch, Gate, PlainCircuit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from farshot.operations.matrices import Matrix
    from farshot.operations.operations import Operation


_MAX_ERROR = 1e-10
_MAX_ZERO = 1e-3
_GENERATORS = ("h", "s", "sdg", "x", "y", "z", "sx")
_PAULIS: dict[str, Matrix] = {"": (1, 0, 0, 1), **{name: matrix_of(name, ()) for name in ("x", "y", "z")}}
_POWERS = ("", "s", "z", "sdg")
"""The gates that multiply |1> by i to the power of 0, 1, 2 and 3."""


class _NotCliffordError(Exception):
    """A gate is not Clifford."""


class _PauliPower(NamedTuple):
    """A Pauli gate times i to the power of `quarters`."""

    pauli: str
    quarters: int


def as_clifford(circuit: PlainCircuit) -> PlainCircuit | None:
    """Return the same circuit in h, s, sdg, x, y, z, sx, cx, cz and swap, or None if it is not Clifford."""
    try:
        return PlainCircuit(circuit.qubits, circuit.registers, _restate(circuit.operations))
    except _NotCliffordError:
        return None


def _restate(operations: Iterable[Operation]) -> tuple[Operation, ...]:
    restated: list[Operation] = []
    for operation in operations:
        if isinstance(operation, Gate):
            restated += _restate_gate(operation)
        elif isinstance(operation, Branch):
            body, otherwise = _restate(operation.body), _restate(operation.otherwise)
            restated.append(Branch(operation.condition, body, otherwise, operation.at))
        else:
            restated.append(operation)
    return tuple(restated)


def _restate_gate(gate: Gate) -> list[Gate]:
    if gate.name == "swap":
        return [gate]
    if len(gate.qubits) == gate.controls + 2:
        return _restate_pair_rotation(gate)
    if not gate.controls:
        return _on_qubit(_find_word(gate.name, gate.angles), gate.qubits[0], gate.at)
    return _restate_controlled(gate)


def _on_qubit(names: Iterable[str], qubit: int, at: int) -> list[Gate]:
    return [Gate(name, (), 0, (qubit,), at) for name in names]


def _controlled_gate(name: str, first: int, second: int, at: int) -> list[Gate]:
    return [Gate(name, (), 1, (first, second), at)]


_AXES = {"rzz": ((), ()), "rxx": (("h",), ("h",)), "ryy": (("sx",), ("x", "sx"))}
"""Rotations about two axes, the gates that turn the axes to Z, and those that turn them back up to a phase."""


def _restate_pair_rotation(gate: Gate) -> list[Gate]:
    turns, returns = _AXES[gate.name]
    first, second = gate.qubits
    return [
        *(one for qubit in gate.qubits for one in _on_qubit(turns, qubit, gate.at)),
        *_controlled_gate("x", first, second, gate.at),
        *_on_qubit(_find_word("rz", gate.angles), second, gate.at),
        *_controlled_gate("x", first, second, gate.at),
        *(one for qubit in gate.qubits for one in _on_qubit(returns, qubit, gate.at)),
    ]


def _restate_controlled(gate: Gate) -> list[Gate]:
    known = _find_pauli(gate.name, gate.angles)
    controls, target = gate.qubits[: gate.controls], gate.qubits[-1]
    phase = _apply_phase(controls, known.quarters, gate.at)
    if not known.pauli:
        return phase
    if len(controls) > 1:
        raise _NotCliffordError
    if known.pauli != "y":
        return [*phase, *_controlled_gate(known.pauli, controls[0], target, gate.at)]
    cx = _controlled_gate("x", controls[0], target, gate.at)
    return [*phase, *_on_qubit(("sdg",), target, gate.at), *cx, *_on_qubit(("s",), target, gate.at)]


def _apply_phase(qubits: tuple[int, ...], quarters: int, at: int) -> list[Gate]:
    """Return the gates that multiply the state in which all of `qubits` are 1 by i to the power of `quarters`."""
    if not quarters:
        return []
    if len(qubits) == 1:
        return _on_qubit((_POWERS[quarters],), qubits[0], at)
    if len(qubits) == 2 and quarters == 2:
        return _controlled_gate("z", *qubits, at)
    raise _NotCliffordError


@lru_cache(maxsize=1024)
def _find_word(name: str, angles: tuple[float, ...]) -> tuple[str, ...]:
    """Return the names of gates whose product is the gate `name` up to a phase."""
    matrix = _normalize(matrix_of(name, angles))
    word, known = _clifford_words().get(_round(matrix), ((), None))
    if known is None or not _is_close(matrix, known):
        raise _NotCliffordError
    return word


@cache
def _clifford_words() -> dict[Matrix, tuple[tuple[str, ...], Matrix]]:
    """Return the 24 Clifford gates on one qubit, each as the shortest word in the generators."""
    words: dict[Matrix, tuple[tuple[str, ...], Matrix]] = {}
    ends: list[tuple[tuple[str, ...], Matrix]] = [((), (1, 0, 0, 1))]
    while ends:
        new = []
        for word, matrix in ends:
            if words.setdefault(_round(matrix), (word, matrix))[0] == word:
                new += [((*word, name), _normalize(product(matrix_of(name, ()), matrix))) for name in _GENERATORS]
        ends = new
    return words


def _normalize(matrix: Matrix) -> Matrix:
    """Return the matrix times the phase that makes its first nonzero entry positive."""
    first = matrix[0] if abs(matrix[0]) > _MAX_ZERO else matrix[1]
    phase = first / abs(first)
    a, b, c, d = (entry / phase for entry in matrix)
    return (a, b, c, d)


def _round(matrix: Matrix) -> Matrix:
    a, b, c, d = (complex(round(entry.real, 5), round(entry.imag, 5)) for entry in map(complex, matrix))
    return (a, b, c, d)


def _is_close(one: Matrix, other: Matrix) -> bool:
    return all(abs(first - second) < _MAX_ERROR for first, second in zip(one, other, strict=True))


@lru_cache(maxsize=1024)
def _find_pauli(name: str, angles: tuple[float, ...]) -> _PauliPower:
    matrix = matrix_of(name, angles)
    for pauli, known in _PAULIS.items():
        for quarters in range(4):
            a, b, c, d = (entry * 1j**quarters for entry in known)
            if _is_close(matrix, (a, b, c, d)):
                return _PauliPower(pauli, quarters)
    raise _NotCliffordError
