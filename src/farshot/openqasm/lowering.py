"""From a text to the plain operations that it stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farshot.openqasm.characters import check_characters
from farshot.openqasm.grammar import begin, read_from
from farshot.openqasm.recorder import Recorder
from farshot.openqasm.refusal import RefusalError

if TYPE_CHECKING:
    from farshot.operations.operations import PlainCircuit


def lower(text: str) -> PlainCircuit:
    """Return the operations of a text that has no byte order mark; raises `CircuitError`.

    >>> lower("OPENQASM 3.0; qubit[2] q; for int i in [0:1] { U(pi, 0, i) q[i]; }").operations[1].angles
    (3.141592653589793, 0.0, 1.0)
    """
    try:
        check_characters(text)
        state = begin(text)
        state.out = recorder = Recorder(state.version)
        read_from(state)
    except RefusalError as refusal:
        raise refusal.placed(text) from None
    return recorder.program(state.declared.qubits)
