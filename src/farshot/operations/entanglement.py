"""How far gates can entangle the two sides of a line of qubits: what matrix product states have to hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farshot.operations.operations import Branch, Gate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from farshot.operations.operations import Operation, PlainCircuit


_MONOMIAL = frozenset({"x", "y", "z", "s", "sdg", "t", "tdg", "rz", "p", "rzz", "swap"})
"""Gates that take a basis state to one basis state."""


def bonds(program: PlainCircuit, widest: int) -> Iterator[list[int]]:
    """Yield for each operation the binary logarithms of the bonds that its gates may need, one for each cut they span.

    Only where gates tie more than `widest` qubits together: a simulator takes what is not tied apart.

    >>> from farshot.operations.operations import Gate, PlainCircuit
    >>> bell = PlainCircuit(2, (), (Gate("h", (), 0, (0,), 0), Gate("x", (), 1, (0, 1), 0)))
    >>> list(bonds(bell, 1))
    [[], [1]]
    """
    lines = _lines(program, widest)
    for operation in program.operations:
        found: list[int] = []
        for gate in _gates([operation]):
            line = lines.get(gate.qubits[0])
            if line is not None:
                found += line.take(gate)
        yield found


class _Line:
    """Qubits in order. Each of its cuts knows what crosses it, the line how many basis states there may be."""

    def __init__(self, qubits: Sequence[int]) -> None:
        self._places = {qubit: place for place, qubit in enumerate(sorted(qubits))}
        self._limits = [min(cut + 1, len(qubits) - cut - 1) for cut in range(len(qubits))]
        self._crossed = [0] * len(qubits)
        self._states = 0

    def take(self, gate: Gate) -> list[int]:
        """Take a gate and return the logarithm of the bond of each cut that it spans."""
        self._states += gate.name not in _MONOMIAL
        places = [self._places[qubit] for qubit in gate.qubits]
        return [self._cross(cut, 1 + (gate.name == "swap")) for cut in range(min(places), max(places))]

    def _cross(self, cut: int, times: int) -> int:
        self._crossed[cut] = min(self._crossed[cut] + times, self._limits[cut])
        return min(self._crossed[cut], self._states)


def _gates(operations: Iterable[Operation]) -> Iterator[Gate]:
    for operation in operations:
        if isinstance(operation, Gate):
            yield operation
        elif isinstance(operation, Branch):
            yield from _gates(operation.body)
            yield from _gates(operation.otherwise)


def _lines(program: PlainCircuit, widest: int) -> dict[int, _Line]:
    """Return the line of each qubit that is tied to more than `widest`."""
    groups = {qubit: [qubit] for qubit in range(program.qubits)}
    for gate in _gates(program.operations):
        for qubit in gate.qubits[1:]:
            _tie(groups, gate.qubits[0], qubit)
    wide = {id(group): group for group in groups.values() if len(group) > widest}
    return {qubit: line for group in wide.values() for line in [_Line(group)] for qubit in group}


def _tie(groups: dict[int, list[int]], first: int, second: int) -> None:
    small, large = sorted((groups[first], groups[second]), key=len)
    if small is not large:
        large += small
        groups.update(dict.fromkeys(small, large))
