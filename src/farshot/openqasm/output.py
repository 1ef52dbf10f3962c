"""Where the reading of a text puts the operations that it finds: nowhere, unless they are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from farshot.openqasm.library import Gate, Modifier
    from farshot.operations.operations import Condition, Operation


class Use(NamedTuple):
    """A gate with its angles and its modifiers, outermost first."""

    gate: Gate
    angles: tuple[float, ...]
    modifiers: tuple[Modifier, ...] = ()


class Case(NamedTuple):
    """What happens where one of several conditions holds, and how many operations that is."""

    conditions: tuple[Condition, ...]
    body: tuple[Operation, ...]


class Output:
    """Forgets what it is told."""

    def register(self, size: int) -> None:
        """Take a classical register."""

    def gate(self, use: Use, columns: Sequence[Sequence[int]], at: int) -> None:
        """Take a gate, once for every row of `columns`, which has one column for each operand."""

    def measure(self, pairs: Iterable[tuple[int, int]], at: int) -> None:
        """Take measurements of (qubit, bit)."""

    def reset(self, qubits: Iterable[int], at: int) -> None:
        """Take resets."""

    def open(self) -> None:
        """Take what follows as the body of a condition, up to `close`."""

    def close(self) -> tuple[Operation, ...]:
        """Return the operations since `open`, which are no part of what is around them."""
        return ()

    def branch(self, cases: Sequence[Case], otherwise: tuple[Operation, ...], at: int) -> None:
        """Take the first of `cases` that holds as the statement is reached, else `otherwise`."""
