"""The scan of one circuit's text, before any parser or simulator sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farshot.admission.characters import check_characters, without_mark
from farshot.admission.findings import conclude
from farshot.admission.grammar import read
from farshot.admission.refusal import RefusalError
from farshot.errors import CircuitError, FaultCode

if TYPE_CHECKING:
    from farshot.admission.facts import Scan

__all__ = ["scan"]


def scan(source: str) -> Scan:
    """Return the facts of the circuit `source`, OpenQASM 2 or 3.

    Raises `CircuitError`, with line and column, for what no simulator runs and gets right.

    >>> scan('OPENQASM 2.0; include "qelib1.inc"; qreg q[2]; h q[0];').qubits
    2
    """
    text = without_mark(source)
    try:
        check_characters(text)
        return conclude(read(text))
    except RefusalError as refusal:
        raise refusal.placed(text) from None
    except RecursionError:
        raise CircuitError(FaultCode.ADMISSION, "the circuit is nested too deep") from None
