"""Which words begin which statements, and a whole text read closely, word by word."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from farshot.openqasm import blocks, declarations, statements
from farshot.openqasm.effects import Effects
from farshot.openqasm.gates import MODIFIERS, define_gate, use_gate
from farshot.openqasm.refusal import reject, reject_limit, reject_unsupported, shown
from farshot.openqasm.state import ReaderState
from farshot.openqasm.symbols import Symbols
from farshot.openqasm.tokens import Cursor

if TYPE_CHECKING:
    from collections.abc import Callable


def _gate(state: ReaderState) -> None:
    statements.top_level(state, "gates")
    define_gate(state)


def _nothing(state: ReaderState) -> None:
    state.cursor.advance()


_SHARED: dict[str, Callable[[ReaderState], None]] = {
    "OPENQASM": statements.late_version,
    "include": statements.include,
    "qreg": statements.qreg,
    "creg": statements.creg,
    "gate": _gate,
    "barrier": statements.barrier,
    "reset": statements.reset,
    "measure": statements.measure_arrow,
    ";": _nothing,
}
_STATEMENTS: dict[int, dict[str, Callable[[ReaderState], None]]] = {
    2: {**_SHARED, "if": statements.if_equal, "opaque": statements.opaque},
    3: {
        **dict.fromkeys(declarations.REFUSED, declarations.refuse),
        **dict.fromkeys(declarations.NUMBERS, declarations.number),
        **dict.fromkeys(MODIFIERS, use_gate),
        **_SHARED,
        "if": blocks.if_else,
        "for": blocks.loop,
        "switch": blocks.switch,
        "box": blocks.box,
        "qubit": declarations.qubit,
        "bit": declarations.bit,
        "const": declarations.constant,
        "let": declarations.alias,
        "delay": declarations.delay,
        "@": declarations.annotation,
    },
}
_OTHERWISE = {2: use_gate, 3: declarations.named}


def follow(state: ReaderState) -> None:
    """Read one statement."""
    state.start = state.cursor.at
    if state.loops:
        state.trace.step(state.start)
    known = _STATEMENTS[state.version].get(state.cursor.word)
    if known is not None:
        known(state)
    elif state.cursor.kind == "name":
        _OTHERWISE[state.version](state)
    else:
        statements.no_word(state)


_REGISTERS = re.compile(r"\b(?:qreg|creg)\b|\bqelib1\.inc\b")
_COMMENTS = re.compile(r"//[^\n]*")
_VERSIONS = {"2": 2, "2.0": 2, "3": 3, "3.0": 3, "3.1": 3}


def begin(text: str) -> ReaderState:
    """Read the version line, if there is one, and stand on the first statement after it."""
    cursor = Cursor(text)
    if cursor.word == "OPENQASM":
        cursor.advance()
        declared = Symbols(_version(cursor))
        cursor.expect(";")
        declared.include_at = cursor.previous
    else:
        declared = Symbols(2 if _REGISTERS.search(_COMMENTS.sub("", text)) else 3)
    return ReaderState(cursor, declared, Effects(), follow)


def _version(cursor: Cursor) -> int:
    at = cursor.at
    if cursor.kind not in {"int", "real"}:
        reject("expected a version such as 2.0 or 3.0 after OPENQASM", at)
    word = cursor.advance()
    version = _VERSIONS.get(word)
    if version is None:
        reject_unsupported(f"OPENQASM {shown(word)} is not a version that simulators read: write 2.0 or 3.0", at)
    return version


def read(text: str) -> ReaderState:
    """Read a whole text and return what was found."""
    return read_from(begin(text))


def read_from(state: ReaderState) -> ReaderState:
    """Read a text from the place of `state` to its end and return what was found."""
    while state.cursor.kind != "end":
        follow(state)
    if not state.declared.qubits:
        reject_limit("the circuit declares no qubits, so there is nothing to run", state.cursor.at)
    return state
