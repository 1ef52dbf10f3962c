"""The statements that OpenQASM 2 and 3 share, and the `if` of OpenQASM 2."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from farshot.openqasm.facts import Feature
from farshot.openqasm.gates import broadcast
from farshot.openqasm.refusal import reject, reject_unsupported, shown
from farshot.openqasm.state import Case
from farshot.operations.operations import Condition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farshot.openqasm.state import Operand, ReaderState


_MAX_PLAIN_BITS = 63
_MAX_SHOWN = 10**18
_MAX_INTEGER_BITS = 64
"""The widest integers of the language: a longer value cannot be meant for a narrower register."""
_BITS = re.compile("[01]+")


def check_top_level(state: ReaderState, what: str) -> None:
    """Refuse a declaration inside a block."""
    if state.block_depth or state.condition_depth:
        reject(f"{what} can be declared only outside of blocks", state.start)


def read_include(state: ReaderState) -> None:
    """Read `include "name";`."""
    state.cursor.advance()
    check_top_level(state, "gates")
    at = state.cursor.at
    if state.cursor.kind != "string":
        state.cursor.reject("the name of a file in quotes")
    state.symbols.include(state.cursor.advance()[1:-1], at)
    state.end_statement()
    state.symbols.include_at = state.cursor.previous


def read_register(state: ReaderState) -> None:
    """Read `qreg name[size];` or `creg name[size];`."""
    classical = state.cursor.advance() == "creg"
    check_top_level(state, "bits" if classical else "qubits")
    at = state.cursor.at
    name = state.cursor.read_name("the name of a register")
    if state.version == 2 and state.cursor.word != "[":
        state.cursor.reject("`[`")
    register = state.symbols.add_register(name, state.read_size(), at, classical=classical)
    if classical:
        state.output.register(len(register.indices))
        state.end_statement()
    else:
        end_qubits(state)


def end_qubits(state: ReaderState) -> None:
    """End a declaration of qubits, after which all declared so far can be used."""
    if state.symbols.physical:
        reject_unsupported("physical and declared qubits cannot be mixed", state.start)
    state.end_statement()
    state.symbols.body_from = state.cursor.previous
    state.effects.operate(0, state.start)


def refuse_opaque(state: ReaderState) -> None:
    """Refuse `opaque name ...;`."""
    message = "an opaque gate has no definition, so it cannot be simulated: define it with `gate`"
    reject_unsupported(message, state.cursor.at)


def read_barrier(state: ReaderState) -> None:
    """Read `barrier operands;`."""
    state.cursor.advance()
    state.effects.count(1, state.start)
    state.skip_qubits()


def read_reset(state: ReaderState) -> None:
    """Read `reset operand;`."""
    state.cursor.advance()
    operand = state.read_qubits()
    state.end_statement()
    state.effects.features.add(Feature.DYNAMIC)
    state.effects.operate(len(operand.indices), state.start)
    state.output.reset(operand.indices, state.start)


def read_measure(state: ReaderState) -> None:
    """Read `measure qubits -> bits;`."""
    state.cursor.advance()
    qubits = state.read_qubits()
    if state.version == 3 and state.cursor.word == ";":
        message = "no simulator keeps an outcome without a bit: write `c = measure q;`"
        reject_unsupported(message, state.start)
    state.cursor.expect("->")
    bits = state.read_operand(classical=True)
    state.end_statement()
    record_measure(state, qubits, bits)


def record_measure(state: ReaderState, qubits: Operand, bits: Operand) -> None:
    """Record that `qubits` are measured into `bits`, one for one."""
    if len(qubits.indices) != len(bits.indices):
        found = f"{len(qubits.indices)} qubits into {len(bits.indices)} bits"
        reject(f"a measurement needs as many bits as qubits, not {found}", qubits.at)
    broadcast([qubits._replace(scalar=False), bits._replace(scalar=False)])
    nested = bool(state.block_depth or state.condition_depth)
    pairs = tuple(zip(qubits.indices, bits.indices, strict=True))
    state.effects.measure(pairs, state.start, nested=nested)
    state.output.measure(pairs, state.start)


def read_if_equal(state: ReaderState) -> None:
    """Read `if (register == value) operation` of OpenQASM 2."""
    cursor = state.cursor
    cursor.advance()
    cursor.expect("(")
    at = cursor.at
    name = cursor.read_name("a classical register")
    register = state.symbols.register(name, at, classical=True)
    if cursor.word != "==":
        reject(f"OpenQASM 2 compares whole registers: write `if({name}==1)`, or use OpenQASM 3", cursor.at)
    cursor.advance()
    condition = read_comparison(state, register.indices)
    cursor.expect(")")
    if cursor.word in {"if", ";"}:
        reject("in OpenQASM 2 a gate, a measurement or a reset follows `if (...)`", cursor.at)
    at = state.start
    state.condition_depth += 1
    state.output.open()
    state.read_statement(state)
    body = state.output.close()
    state.condition_depth -= 1
    state.output.branch([Case((condition,), body)] if condition else [], (), at)


def read_comparison(state: ReaderState, bits: Sequence[int]) -> Condition | None:
    """Read the value that `bits` are compared with and return the condition, None if it never holds."""
    at = state.cursor.at
    if state.cursor.kind == "string":
        value = _read_bit_string(state, len(bits))
    else:
        value = state.read_literal() if state.cursor.kind == "int" else state.read_integer()
    size = len(bits)
    state.effects.features.add(Feature.DYNAMIC)
    if size > _MAX_PLAIN_BITS:
        state.effects.features.add(Feature.WIDE_CONDITION)
    state.effects.count(1, at)
    state.effects.work(size, at)
    found = f"{value}" if abs(value) < _MAX_SHOWN else "this number"
    width = "1 bit" if size == 1 else f"{size} bits"
    if value < 0 or value >> max(size, _MAX_INTEGER_BITS):
        reject(f"{found} does not fit what it is compared with, which has {width}: the two are never equal", at)
    if value >> size:
        state.mark_rich()
        message = f"{found} is compared with {width}, which never hold it: what depends on it never happens"
        state.effects.warn(message, at)
        return None
    return Condition(tuple(bits), value)


def _read_bit_string(state: ReaderState, size: int) -> int:
    """Read the bits of a register in quotes, the last of them first."""
    state.mark_rich()
    at = state.cursor.at
    written = state.cursor.advance()[1:-1].replace("_", "")
    if state.version == 2 or not _BITS.fullmatch(written):
        reject("a number is needed here" if state.version == 2 else "these are no bits: write them as in `0110`", at)
    if len(written) != size:
        reject(f"{len(written)} bits are compared with {size}: write as many", at)
    return int(written, 2)


def refuse_token(state: ReaderState) -> None:
    """Refuse a token that cannot begin a statement."""
    cursor = state.cursor
    if cursor.kind == "end":
        reject("the text ends where a statement is needed", cursor.at)
    reject(f"{shown(cursor.word)} cannot begin a statement", cursor.at)


def refuse_version(state: ReaderState) -> None:
    """Refuse a version line that is not the first statement."""
    reject("the OPENQASM line must be the first statement, and the only one", state.cursor.at)
