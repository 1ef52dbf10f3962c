"""Bounds on the entanglement across a line of qubits, and so on the bonds of matrix product states."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farshot.operations.operations import Gate, walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from farshot.operations.operations import PlainCircuit


_MONOMIAL = frozenset({"x", "y", "z", "s", "sdg", "t", "tdg", "rz", "p", "rzz", "swap"})
"""Gates that take a basis state to one basis state."""


def bonds(circuit: PlainCircuit, max_dense: int) -> Iterator[list[int]]:
    """Yield for each operation the binary logarithms of the bonds that its gates may need, one for each cut they span.

    Only groups of more than `max_dense` qubits that gates connect have bonds: a simulator runs unconnected groups
    apart.

    >>> from farshot.operations.operations import Gate, PlainCircuit
    >>> bell = PlainCircuit(2, (), (Gate("h", (), 0, (0,), 0), Gate("x", (), 1, (0, 1), 0)))
    >>> list(bonds(bell, 1))
    [[], [1]]
    """
    lines = _find_lines(circuit, max_dense)
    for operation in circuit.operations:
        logarithms: list[int] = []
        for gate in walk([operation]):
            if isinstance(gate, Gate) and gate.qubits[0] in lines:
                logarithms += lines[gate.qubits[0]].add(gate)
        yield logarithms


class _Line:
    """Qubits in order, with the gates that cross each cut and a bound on the number of basis states."""

    def __init__(self, qubits: Sequence[int]) -> None:
        self._places = {qubit: place for place, qubit in enumerate(sorted(qubits))}
        self._limits = [min(cut + 1, len(qubits) - cut - 1) for cut in range(len(qubits))]
        self._crossed = [0] * len(qubits)
        self._states = 0

    def add(self, gate: Gate) -> list[int]:
        """Add a gate and return the logarithm of the bond of each cut that it spans."""
        self._states += gate.name not in _MONOMIAL
        places = [self._places[qubit] for qubit in gate.qubits]
        crossings = 2 if gate.name == "swap" else 1
        logarithms = []
        for cut in range(min(places), max(places)):
            self._crossed[cut] = min(self._crossed[cut] + crossings, self._limits[cut])
            logarithms.append(min(self._crossed[cut], self._states))
        return logarithms


def _find_lines(circuit: PlainCircuit, max_dense: int) -> dict[int, _Line]:
    """Return the line of each qubit in a group of more than `max_dense` qubits that gates connect."""
    groups = {qubit: [qubit] for qubit in range(circuit.qubits)}
    for first, *others in (gate.qubits for gate in walk(circuit.operations) if isinstance(gate, Gate)):
        for qubit in others:
            small, large = sorted((groups[first], groups[qubit]), key=len)
            if small is not large:
                large += small
                groups.update(dict.fromkeys(small, large))
    wide = {id(group): group for group in groups.values() if len(group) > max_dense}
    return {qubit: line for group in wide.values() for line in [_Line(group)] for qubit in group}
