"""From what a reading found to the facts of the circuit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from farshot.openqasm.facts import Feature, Scan
from farshot.openqasm.refusal import line_of

if TYPE_CHECKING:
    from farshot.openqasm.state import ReaderState


_NOT_CODE = re.compile(r"//[^\n]*|/\*(?s:.*?)\*/|[πτ]")


def conclude(state: ReaderState) -> Scan:
    """Return the facts of a text that was read to its end."""
    declared, trace, text = state.declared, state.trace, state.cursor.text
    features = features_of(trace.features, text, clifford=trace.clifford)
    dynamic = Feature.DYNAMIC in features
    return Scan(
        written=text,
        version=declared.version,
        qubits=declared.qubits,
        bits=declared.bits,
        measured=() if dynamic else tuple(trace.measured),
        measures=bool(trace.measured),
        tail=None if dynamic else 0 if trace.first_measure is None else len(text) - trace.first_measure,
        features=features,
        library_gates=frozenset(trace.library.union(*(gate.library for gate in declared.own_gates))),
        own_gates=frozenset(gate.name for gate in declared.own_gates),
        include_at=declared.include_at,
        body_from=declared.body_from,
        qubit_names=tuple(declared.registers),
        warnings=tuple(f"line {line_of(text, at)}: {message}" for message, at in trace.warnings),
    )


def features_of(found: set[Feature], text: str, *, clifford: bool) -> frozenset[Feature]:
    """Return `found` with the features that follow from it and from the text."""
    features = set(found)
    if clifford:
        features.add(Feature.CLIFFORD)
    if not text.isascii() and not _NOT_CODE.sub("", text).isascii():
        features.add(Feature.UNICODE)
    return frozenset(features)
