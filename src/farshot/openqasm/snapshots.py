"""Integer variables that hold the value of a register of bits at their assignment, as Qiskit writes a `switch`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from farshot.openqasm.refusal import reject_unsupported, shown
from farshot.openqasm.state import Operand

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farshot.openqasm.state import ReaderState


@dataclass(slots=True)
class Snapshot:
    """A variable that can hold `width` bits."""

    width: int
    bits: Sequence[int] = ()
    """The bits assigned to it."""
    blocks: tuple[int, ...] = ()
    """The numbers of the blocks around the assignment."""
    measured: int = 0
    """The number of measurements before the assignment."""


def assign(state: ReaderState, name: str) -> None:
    """Read `= register;` after the name of a variable."""
    held = state.symbols.snapshots[name]
    state.cursor.expect("=")
    at = state.cursor.at
    register = state.symbols.register(state.cursor.word, at, classical=True)
    operand = state.operand(classical=True)
    state.end_statement()
    if register.alias or operand.indices is not register.indices:
        reject_unsupported(f"{shown(name)} takes a whole register of bits under its own name, nothing else", at)
    if len(operand.indices) > held.width:
        message = f"{shown(name)} does not hold {len(operand.indices)} bits as a number that is not negative"
        reject_unsupported(message, at)
    held.bits, held.blocks, held.measured = operand.indices, tuple(state.open_blocks), len(state.effects.measured)


def read_snapshot(state: ReaderState) -> Operand:
    """Read the name of a variable and return the bits that it holds."""
    at = state.cursor.at
    name = state.cursor.advance()
    held = state.symbols.snapshots[name]
    if not held.bits or tuple(state.open_blocks[: len(held.blocks)]) != held.blocks:
        reject_unsupported(f"{shown(name)} holds nothing that is known here: assign a register of bits to it first", at)
    later = state.effects.measured[held.measured :]
    state.effects.count(1 + len(later), at)
    if not {bit for _, bit in later}.isdisjoint(held.bits):
        reject_unsupported(f"the bits that {shown(name)} was made of are measured again before it is used", at)
    return Operand(held.bits, scalar=False, at=at)
