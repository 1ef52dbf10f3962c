"""The statements of OpenQASM by the token that they begin with, and the reading of a whole text token by token."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from farshot.openqasm import blocks, declarations, statements
from farshot.openqasm.effects import Effects
from farshot.openqasm.facts import Feature, Scan
from farshot.openqasm.gates import MODIFIERS, define_gate, use_gate
from farshot.openqasm.refusal import line_of, reject, reject_limit, reject_unsupported, shown
from farshot.openqasm.state import ReaderState
from farshot.openqasm.symbols import SymbolTable
from farshot.openqasm.tokens import Cursor

if TYPE_CHECKING:
    from collections.abc import Callable


def _define_gate(state: ReaderState) -> None:
    statements.check_top_level(state, "gates")
    define_gate(state)


_SHARED: dict[str, Callable[[ReaderState], None]] = {
    "OPENQASM": statements.refuse_version,
    "include": statements.read_include,
    "qreg": statements.read_register,
    "creg": statements.read_register,
    "gate": _define_gate,
    "barrier": statements.read_barrier,
    "reset": statements.read_reset,
    "measure": statements.read_measure,
    ";": ReaderState.end_statement,
}
_STATEMENTS: dict[int, dict[str, Callable[[ReaderState], None]]] = {
    2: {**_SHARED, "if": statements.read_if_equal, "opaque": statements.refuse_opaque},
    3: {
        **dict.fromkeys(declarations.REFUSED, declarations.refuse),
        **dict.fromkeys(declarations.NUMBERS, declarations.read_number),
        **dict.fromkeys(MODIFIERS, use_gate),
        **_SHARED,
        "if": blocks.read_if_else,
        "for": blocks.read_for,
        "switch": blocks.read_switch,
        "box": blocks.read_box,
        "qubit": declarations.read_qubit,
        "bit": declarations.read_bit,
        "const": declarations.read_constant,
        "let": declarations.read_alias,
        "delay": declarations.read_delay,
        "@": declarations.skip_annotation,
    },
}
_OTHERWISE = {2: use_gate, 3: declarations.read_named}


def read_statement(state: ReaderState) -> None:
    """Read one statement."""
    state.start = state.cursor.at
    if state.loop_depth:
        state.effects.step(state.start)
    known = _STATEMENTS[state.version].get(state.cursor.word)
    if known is not None:
        known(state)
    elif state.cursor.kind == "name":
        _OTHERWISE[state.version](state)
    else:
        statements.refuse_token(state)


_REGISTERS = re.compile(r"\b(?:qreg|creg)\b|\bqelib1\.inc\b")
_COMMENTS = re.compile(r"//[^\n]*")
_NOT_CODE = re.compile(r"//[^\n]*|/\*(?s:.*?)\*/|[πτ]")
_VERSIONS = {"2": 2, "2.0": 2, "3": 3, "3.0": 3, "3.1": 3}


def begin(text: str) -> ReaderState:
    """Read the version line, if there is one, and return the state at the first statement after it."""
    cursor = Cursor(text)
    if cursor.word == "OPENQASM":
        cursor.advance()
        at = cursor.at
        if cursor.kind not in {"int", "real"}:
            reject("expected a version such as 2.0 or 3.0 after OPENQASM", at)
        word = cursor.advance()
        if word not in _VERSIONS:
            reject_unsupported(f"OPENQASM {shown(word)} is not a version that simulators read: write 2.0 or 3.0", at)
        symbols = SymbolTable(_VERSIONS[word])
        cursor.expect(";")
        symbols.include_at = cursor.previous
    else:
        symbols = SymbolTable(2 if _REGISTERS.search(_COMMENTS.sub("", text)) else 3)
    return ReaderState(cursor, symbols, Effects(), read_statement)


def read(text: str) -> ReaderState:
    """Read a whole text and return the state at its end."""
    state = begin(text)
    read_rest(state)
    return state


def read_rest(state: ReaderState) -> None:
    """Read a text from the place of `state` to its end."""
    while state.cursor.kind != "end":
        read_statement(state)
    if not state.symbols.qubits:
        reject_limit("the circuit declares no qubits, so there is nothing to run", state.cursor.at)


def facts_of(state: ReaderState) -> Scan:
    """Return the facts of a text that was read to its end."""
    symbols, effects, text = state.symbols, state.effects, state.cursor.text
    features = set(effects.features)
    if effects.clifford:
        features.add(Feature.CLIFFORD)
    if not text.isascii() and not _NOT_CODE.sub("", text).isascii():
        features.add(Feature.UNICODE)
    dynamic = Feature.DYNAMIC in features
    return Scan(
        written=text,
        version=symbols.version,
        qubits=symbols.qubits,
        bits=symbols.bits,
        measured=() if dynamic else tuple(effects.measured),
        measures=bool(effects.measured),
        tail=None if dynamic else 0 if effects.first_measure is None else len(text) - effects.first_measure,
        features=frozenset(features),
        library_gates=frozenset(effects.library.union(*(gate.library for gate in symbols.own_gates))),
        own_gates=frozenset(gate.name for gate in symbols.own_gates),
        include_at=symbols.include_at,
        body_from=symbols.body_from,
        qubit_names=tuple(symbols.registers),
        warnings=tuple(f"line {line_of(text, at)}: {message}" for message, at in effects.warnings),
    )
