"""Circuits drawn by shape and number.

The shapes are static, dynamic, wide, and one that misleads simulators of independent blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from farshot.testing.circuits.draft import begin, parts
from farshot.testing.circuits.ir import Barrier, Gate, If, Measure, Reset, Spread
from farshot.testing.circuits.library import CLIFFORD
from farshot.testing.circuits.text import lay_out, statements

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from farshot.testing.circuits.draft import Draft
    from farshot.testing.circuits.ir import Operation, Program

_WIDTHS = (1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 8, 8, 9, 10, 11, 12)


def _gate(draft: Draft, qubits: Sequence[int]) -> Gate | Spread:
    """Draw a gate, sometimes on a whole register if all qubits are allowed."""
    whole = len(qubits) == len(draft.qubits) and draft.chance(0.08)
    return draft.spread_gate() if whole else draft.gate(qubits)


def _reset(draft: Draft, qubits: Sequence[int]) -> Reset | Spread:
    whole = len(qubits) == len(draft.qubits) and draft.chance(0.2)
    return draft.spread_reset() if whole else draft.reset(qubits)


def _gates(draft: Draft, count: int) -> None:
    for _ in range(count):
        draft.operations.append(_gate(draft, draft.qubits))
        if draft.chance(0.05):
            draft.operations.append(Barrier(tuple(draft.rng.choice(draft.spans(classical=False)))))


def _final_measurements(draft: Draft) -> None:
    """Measure some qubits to some bits in any order. A qubit or bit may occur twice."""
    together = draft.spread_measure() if draft.chance(0.3) else None
    if together is not None:
        draft.operations.append(together)
        return
    count = draft.rng.randint(1, max(len(draft.qubits), len(draft.bits)))
    distinct = draft.rng.sample(draft.qubits, min(count, len(draft.qubits)))
    bits = draft.rng.sample(draft.bits, min(count, len(draft.bits)))
    draft.operations += [Measure(qubit, bit) for qubit, bit in zip(distinct, bits, strict=False)]
    if draft.chance(0.3):
        draft.operations += [draft.measure(draft.qubits) for _ in range(draft.rng.randint(1, 3))]


def static(rng: Random) -> Program:
    """Draw gates and then measurements."""
    draft = begin(rng, rng.choice(_WIDTHS))
    _gates(draft, rng.randint(1, 4 + 3 * len(draft.qubits)))
    _final_measurements(draft)
    return draft.program()


def _simple_step(draft: Draft, qubits: Sequence[int]) -> Operation:
    """Draw a gate, measurement or reset, as may stand under a condition."""
    choice = draft.rng.random()
    if choice < 0.75:
        return _gate(draft, qubits)
    return draft.measure(qubits) if choice < 0.9 else _reset(draft, qubits)


def _conditional(draft: Draft, qubits: Sequence[int], depth: int = 0) -> If:
    condition = draft.condition()
    if draft.version == 2:
        return If(condition, (_simple_step(draft, qubits),))
    body = [_simple_step(draft, qubits) for _ in range(draft.rng.randint(1, 3))]
    if depth == 0 and draft.chance(0.15):
        body.append(_conditional(draft, qubits, 1))
    otherwise = [_simple_step(draft, qubits) for _ in range(draft.rng.choice((0, 0, 1, 2)))]
    return If(condition, tuple(body), tuple(otherwise))


def _count_collapses(operation: Operation) -> int:
    """Return the number of measurements and resets, each of which can double the work of a reference."""
    if isinstance(operation, If):
        return sum(map(_count_collapses, operation.body + operation.otherwise))
    if isinstance(operation, Spread):
        return sum(map(_count_collapses, operation.operations))
    return isinstance(operation, Measure | Reset)


def _step(draft: Draft, qubits: Sequence[int]) -> Operation:
    choice = draft.rng.random()
    if choice < 0.55:
        return _gate(draft, qubits)
    if choice < 0.75:
        together = draft.spread_measure() if draft.chance(0.1) else None
        return together or draft.measure(qubits)
    return _conditional(draft, qubits) if choice < 0.95 else _reset(draft, qubits)


def _steps(draft: Draft, blocks: Sequence[Sequence[int]], count: int) -> None:
    """Draw steps, each within one block, with no more measurements than a reference can follow."""
    budget = 12 if len(draft.qubits) <= 6 else 7
    for _ in range(count):
        block = draft.rng.choice(blocks)
        step = _step(draft, block)
        cost = _count_collapses(step)
        budget -= cost
        draft.operations.append(step if budget >= 0 or not cost else draft.gate(block))


def dynamic(rng: Random) -> Program:
    """Draw gates, measurements, resets and conditions in any order."""
    draft = begin(rng, rng.choice(_WIDTHS))
    _gates(draft, rng.randint(1, 4))
    _steps(draft, [draft.qubits], rng.randint(3, 6 + 2 * len(draft.qubits)))
    _final_measurements(draft)
    return draft.program()


def blocks(rng: Random) -> Program:
    """Draw a dynamic circuit of eight or more qubits whose gates stay within small blocks.

    Bits are written by several blocks, and conditions of one block read bits of others, written or not.
    """
    draft = begin(rng, rng.choice((8, 8, 8, 9, 9, 10)))
    sizes = parts(rng, len(draft.qubits), 5)
    order = rng.sample(draft.qubits, len(draft.qubits))
    cut = [[order.pop() for _ in range(size)] for size in sizes]
    draft.operations += [Gate(rng.choice(("h", "h", "x")), (qubit,)) for qubit in draft.qubits if rng.random() < 0.5]
    _steps(draft, cut, rng.randint(8, 24))
    if draft.chance(0.7):
        _final_measurements(draft)
    draft.operations.append(draft.measure(draft.qubits))
    return draft.program()


_CLIFFORD_ROTATIONS = (("rz", "pi/2"), ("rz", "-pi/2"), ("p", "pi"), ("rx", "pi/2"), ("ry", "-pi/2"), ("u1", "3*pi/2"))
"""Clifford gates as rotations, as devices and transpilers write them."""


def _clifford_gate(draft: Draft, qubits: Sequence[int]) -> Gate:
    if draft.chance(0.3):
        name, angle = draft.rng.choice(_CLIFFORD_ROTATIONS)
        return Gate(name, (draft.rng.choice(qubits),), (angle,))
    kind = draft.rng.choice([kind for kind in draft.palette if kind.qubits <= len(qubits)])
    return Gate(kind.name, tuple(draft.rng.sample(qubits, kind.qubits)))


def wide(rng: Random) -> Program:
    """Draw Clifford gates on more qubits than a state vector has room for, in blocks that a reference can follow."""
    draft = begin(rng, rng.randint(32, 60))
    draft.palette[:] = [kind for kind in CLIFFORD if kind.qubits < 3]
    draft.definitions.clear()
    order = rng.sample(draft.qubits, len(draft.qubits))
    cut = [order[start : start + 4] for start in range(0, len(order), 4)]
    for block in cut:
        draft.operations += [_clifford_gate(draft, block) for _ in range(rng.randint(2, 12))]
    bits = rng.sample(draft.bits, min(6, len(draft.bits)))
    draft.operations += [
        Measure(qubit, bit) for qubit, bit in zip(rng.sample(draft.qubits, len(bits)), bits, strict=True)
    ]
    return draft.program()


SHAPES: dict[str, Callable[[Random], Program]] = {"static": static, "dynamic": dynamic, "blocks": blocks, "wide": wide}
"""The shapes by name."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A drawn circuit. `label` consists of its shape, its version of OpenQASM and its number."""

    label: str
    shape: str
    program: Program
    source: str


def source_of(program: Program, rng: Random) -> str:
    """Return `program` as OpenQASM."""
    return lay_out(statements(program, rng), rng, program.version)


def draw(shape: str, number: int) -> Drawn:
    """Return the circuit of this shape and number, always the same with the same text.

    >>> draw("static", 5) == draw("static", 5)
    True
    """
    rng = Random(f"{shape} {number}")
    program = SHAPES[shape](rng)
    return Drawn(f"{shape}-{program.version}-{number}", shape, program, source_of(program, rng))
