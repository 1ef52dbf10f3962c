"""The statements that OpenQASM 2 and 3 share, and the `if` of OpenQASM 2."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from farshot.openqasm.facts import Feature
from farshot.openqasm.gates import broadcast
from farshot.openqasm.output import Case
from farshot.openqasm.refusal import reject, reject_unsupported, shown
from farshot.operations.operations import Condition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farshot.openqasm.state import Operand, ReaderState


_WIDEST = 63
_READABLE = 10**18
_LONGEST = 64
"""No integer of the language is longer: what is does not fit a narrower register by mistake."""
_BITS = re.compile("[01]+")


def top_level(state: ReaderState, what: str) -> None:
    """Refuse a declaration inside a block."""
    if state.blocks or state.conditions:
        reject(f"{what} can be declared only outside of blocks", state.start)


def include(state: ReaderState) -> None:
    """`include "name";`."""
    state.cursor.advance()
    top_level(state, "gates")
    at = state.cursor.at
    if state.cursor.kind != "string":
        state.cursor.reject("the name of a file in quotes")
    state.declared.include(state.cursor.advance()[1:-1], at)
    state.end_statement()
    state.declared.include_at = state.cursor.previous


def qreg(state: ReaderState) -> None:
    """`qreg name[size];`."""
    state.cursor.advance()
    top_level(state, "qubits")
    _register(state, classical=False)
    end_qubits(state)


def creg(state: ReaderState) -> None:
    """`creg name[size];`."""
    state.cursor.advance()
    top_level(state, "bits")
    _register(state, classical=True)
    state.end_statement()


def _register(state: ReaderState, *, classical: bool) -> None:
    at = state.cursor.at
    name = state.cursor.name("the name of a register")
    size = None
    if state.version == 2 or state.cursor.word == "[":
        state.cursor.expect("[")
        size = state.integer()
        state.cursor.expect("]")
    register = state.declared.add_register(name, size, at, classical=classical)
    if classical:
        state.out.register(len(register.indices))


def end_qubits(state: ReaderState) -> None:
    """End a declaration of qubits: what needs them all can stand from here on."""
    if state.declared.physical:
        reject_unsupported("physical and declared qubits cannot be mixed", state.start)
    state.end_statement()
    state.declared.body_from = state.cursor.previous
    state.trace.operate(0, state.start)


def opaque(state: ReaderState) -> None:
    """`opaque name ...;`."""
    message = "an opaque gate has no definition, so it cannot be simulated: define it with `gate`"
    reject_unsupported(message, state.cursor.at)


def barrier(state: ReaderState) -> None:
    """`barrier operands;`."""
    state.cursor.advance()
    state.trace.count(1, state.start)
    while state.cursor.word != ";":
        state.qubits()
        if not state.cursor.take(","):
            break
    state.end_statement()


def reset(state: ReaderState) -> None:
    """`reset operand;`."""
    state.cursor.advance()
    operand = state.qubits()
    state.end_statement()
    state.trace.features.add(Feature.DYNAMIC)
    state.trace.operate(len(operand.indices), state.start)
    state.out.reset(operand.indices, state.start)


def measure_arrow(state: ReaderState) -> None:
    """`measure qubits -> bits;`."""
    state.cursor.advance()
    qubits = state.qubits()
    if state.version == 3 and state.cursor.word == ";":
        message = "no simulator keeps an outcome without a bit: write `c = measure q;`"
        reject_unsupported(message, state.start)
    state.cursor.expect("->")
    bits = state.operand(classical=True)
    state.end_statement()
    record_measure(state, qubits, bits)


def record_measure(state: ReaderState, qubits: Operand, bits: Operand) -> None:
    """Record that `qubits` are measured into `bits`, one for one."""
    if len(qubits.indices) != len(bits.indices):
        found = f"{len(qubits.indices)} qubits into {len(bits.indices)} bits"
        reject(f"a measurement needs as many bits as qubits, not {found}", qubits.at)
    broadcast([qubits._replace(scalar=False), bits._replace(scalar=False)])
    nested = bool(state.blocks or state.conditions)
    pairs = tuple(zip(qubits.indices, bits.indices, strict=True))
    state.trace.measure(pairs, state.start, nested=nested)
    state.out.measure(pairs, state.start)


def if_equal(state: ReaderState) -> None:
    """`if (register == value) operation`, of OpenQASM 2."""
    cursor = state.cursor
    cursor.advance()
    cursor.expect("(")
    at = cursor.at
    name = cursor.name("a classical register")
    register = state.declared.register(name, at, classical=True)
    if cursor.word != "==":
        reject(f"OpenQASM 2 compares whole registers: write `if({name}==1)`, or use OpenQASM 3", cursor.at)
    cursor.advance()
    condition = compared(state, register.indices)
    cursor.expect(")")
    if cursor.word in {"if", ";"}:
        reject("in OpenQASM 2 a gate, a measurement or a reset follows `if (...)`", cursor.at)
    at = state.start
    state.conditions += 1
    state.out.open()
    state.follow(state)
    body = state.out.close()
    state.conditions -= 1
    state.out.branch([Case((condition,), body)] if condition else [], (), at)


def compared(state: ReaderState, bits: Sequence[int]) -> Condition | None:
    """Read the value that `bits` are compared with and return the condition, None where it never holds."""
    at = state.cursor.at
    value = _bit_string(state, len(bits)) if state.cursor.kind == "string" else _number(state)
    size = len(bits)
    state.trace.features.add(Feature.DYNAMIC)
    if size > _WIDEST:
        state.trace.features.add(Feature.WIDE_CONDITION)
    state.trace.count(1, at)
    state.trace.work(size, at)
    found = f"{value}" if abs(value) < _READABLE else "this number"
    width = "1 bit" if size == 1 else f"{size} bits"
    if value < 0 or value >> max(size, _LONGEST):
        reject(f"{found} does not fit what it is compared with, which has {width}: the two are never equal", at)
    if value >> size:
        state.rich()
        state.trace.warn(f"{found} is compared with {width}, which never hold it: what depends on it never happens", at)
        return None
    return Condition(tuple(bits), value)


def _number(state: ReaderState) -> int:
    return state.literal() if state.cursor.kind == "int" else state.integer()


def _bit_string(state: ReaderState, size: int) -> int:
    """Read the bits of a register in quotes, the last of them first."""
    state.rich()
    at = state.cursor.at
    written = state.cursor.advance()[1:-1].replace("_", "")
    if state.version == 2 or not _BITS.fullmatch(written):
        reject("a number is needed here" if state.version == 2 else "these are no bits: write them as in `0110`", at)
    if len(written) != size:
        reject(f"{len(written)} bits are compared with {size}: write as many", at)
    return int(written, 2)


def no_word(state: ReaderState) -> None:
    """Refuse what cannot begin a statement."""
    cursor = state.cursor
    if cursor.kind == "end":
        reject("the text ends where a statement is needed", cursor.at)
    reject(f"{shown(cursor.word)} cannot begin a statement", cursor.at)


def late_version(state: ReaderState) -> None:
    """Refuse a version line that is not the first statement."""
    reject("the OPENQASM line must be the first statement, and the only one", state.cursor.at)
