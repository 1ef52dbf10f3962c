"""The statements that OpenQASM 2 and 3 share, and the `if` of OpenQASM 2."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farshot.admission.calls import broadcast
from farshot.admission.facts import Feature
from farshot.admission.refusal import reject, reject_unsupported, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farshot.admission.state import Operand, State

__all__ = [
    "barrier",
    "check_fits",
    "creg",
    "end_qubits",
    "if_equal",
    "include",
    "late_version",
    "measure_arrow",
    "no_word",
    "opaque",
    "qreg",
    "record_measure",
    "reset",
    "top_level",
]

_WIDEST = 63
_READABLE = 10**18


def top_level(state: State, what: str) -> None:
    """Refuse a declaration inside a block."""
    if state.blocks or state.conditions:
        reject(f"{what} can be declared only outside of blocks", state.start)


def include(state: State) -> None:
    """`include "name";`."""
    state.cursor.advance()
    top_level(state, "gates")
    at = state.cursor.at
    if state.cursor.kind != "string":
        state.cursor.reject("the name of a file in quotes")
    state.declared.include(state.cursor.advance()[1:-1], at)
    state.end_statement()
    state.declared.include_at = state.cursor.previous


def qreg(state: State) -> None:
    """`qreg name[size];`."""
    state.cursor.advance()
    top_level(state, "qubits")
    _register(state, classical=False)
    end_qubits(state)


def creg(state: State) -> None:
    """`creg name[size];`."""
    state.cursor.advance()
    top_level(state, "bits")
    _register(state, classical=True)
    state.end_statement()


def _register(state: State, *, classical: bool) -> None:
    at = state.cursor.at
    name = state.cursor.name("the name of a register")
    size = None
    if state.version == 2 or state.cursor.word == "[":
        state.cursor.expect("[")
        size = state.integer()
        state.cursor.expect("]")
    state.declared.add_register(name, size, at, classical=classical)


def end_qubits(state: State) -> None:
    """End a declaration of qubits: what needs them all can stand from here on."""
    if state.declared.physical:
        reject_unsupported("physical and declared qubits cannot be mixed", state.start)
    state.end_statement()
    state.declared.body_from = state.cursor.previous
    state.trace.operate(0, state.start)


def opaque(state: State) -> None:
    """`opaque name ...;`."""
    message = "an opaque gate has no definition, so it cannot be simulated: define it with `gate`"
    reject_unsupported(message, state.cursor.at)


def barrier(state: State) -> None:
    """`barrier operands;`."""
    state.cursor.advance()
    state.trace.count(1, state.start)
    while state.cursor.word != ";":
        state.qubits()
        if not state.cursor.take(","):
            break
    state.end_statement()


def reset(state: State) -> None:
    """`reset operand;`."""
    state.cursor.advance()
    operand = state.qubits()
    state.end_statement()
    state.trace.features.add(Feature.DYNAMIC)
    state.trace.operate(len(operand.indices), state.start)


def measure_arrow(state: State) -> None:
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


def record_measure(state: State, qubits: Operand, bits: Operand) -> None:
    """Record that `qubits` are measured into `bits`, one for one."""
    if len(qubits.indices) != len(bits.indices):
        found = f"{len(qubits.indices)} qubits into {len(bits.indices)} bits"
        reject(f"a measurement needs as many bits as qubits, not {found}", qubits.at)
    broadcast([qubits._replace(scalar=False), bits._replace(scalar=False)])
    nested = bool(state.blocks or state.conditions)
    state.trace.measure(zip(qubits.indices, bits.indices, strict=True), state.start, nested=nested)


def if_equal(state: State) -> None:
    """`if (register == value) operation`, of OpenQASM 2."""
    cursor = state.cursor
    cursor.advance()
    cursor.expect("(")
    at = cursor.at
    register = state.declared.register(cursor.name("a classical register"), at, classical=True)
    cursor.expect("==")
    check_fits(state, register.indices)
    cursor.expect(")")
    if cursor.word in {"if", ";"}:
        reject("in OpenQASM 2 a gate, a measurement or a reset follows `if (...)`", cursor.at)
    state.conditions += 1
    state.follow(state)
    state.conditions -= 1


def check_fits(state: State, bits: Sequence[int]) -> int:
    """Read and return the value that `bits` are compared with, and note the condition."""
    at = state.cursor.at
    value = state.literal() if state.cursor.kind == "int" else state.integer()
    size = len(bits)
    if not 0 <= value < 1 << size:
        found = f"{value}" if abs(value) < _READABLE else "this number"
        width = "1 bit" if size == 1 else f"{size} bits"
        reject(f"{found} does not fit what it is compared with, which has {width}: the two are never equal", at)
    state.trace.features.add(Feature.DYNAMIC)
    if size > _WIDEST:
        state.trace.features.add(Feature.WIDE_CONDITION)
    state.trace.count(1, at)
    return value


def no_word(state: State) -> None:
    """Refuse what cannot begin a statement."""
    cursor = state.cursor
    if cursor.kind == "end":
        reject("the text ends where a statement is needed", cursor.at)
    reject(f"{shown(cursor.word)} cannot begin a statement", cursor.at)


def late_version(state: State) -> None:
    """Refuse a version line that is not the first statement."""
    reject("the OPENQASM line must be the first statement, and the only one", state.cursor.at)
