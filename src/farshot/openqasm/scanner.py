"""The scan of one circuit's text, before any parser or simulator sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farshot.errors import CircuitError, FaultCode
from farshot.openqasm.characters import check_characters, without_mark
from farshot.openqasm.conclusions import conclude
from farshot.openqasm.grammar import read
from farshot.openqasm.refusal import RefusalError, shown
from farshot.openqasm.shapes import Outline, Shapes, outline, shape_of
from farshot.openqasm.statement_cache import StatementCache

if TYPE_CHECKING:
    from farshot.openqasm.facts import Scan


_ENDINGS = (".qasm", ".qasm2", ".qasm3")
_LONGEST_NAME = 4096


class Scanner:
    """Scans circuits and remembers shapes and statements, which changes its speed and nothing else.

    For one thread.
    """

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._shapes = Shapes()
        self._quick = StatementCache()

    def scan(self, source: str) -> Scan:
        """Return the facts of the circuit `source`; see `farshot.openqasm.scanner.scan`."""
        text = without_mark(source)
        shape = shape_of(text)
        known = self._shapes.get(shape)
        found = None if known is None else known.scan(text)
        return self._look(text, shape) if found is None else found

    def _look(self, text: str, shape: str) -> Scan:
        try:
            check_characters(text)
            found, lasting = self._read(text, shape)
        except RefusalError as refusal:
            raise (_name_for_text(text) or refusal).placed(text) from None
        except RecursionError:
            raise CircuitError(FaultCode.ADMISSION, "the circuit is nested too deep") from None
        if lasting is not None:
            self._shapes.put(shape, lasting)
        return found

    def _read(self, text: str, shape: str) -> tuple[Scan, Outline | None]:
        quick = self._quick.read(shape)
        lasting = None if quick is None else outline(quick, shape)
        found = None if lasting is None else lasting.scan(text)
        if found is not None:
            return found, lasting
        state = read(text)
        found = conclude(state)
        return found, None if state.trace.wild else outline(found, shape)


def _name_for_text(text: str) -> RefusalError | None:
    """Return the refusal of a text that is the name of a file, else None."""
    name = text.strip() if len(text) < _LONGEST_NAME else ""
    if not name.lower().endswith(_ENDINGS) or "\n" in name:
        return None
    message = f"{shown(name)} is the name of a file, not its text: open the file and give what it holds"
    return RefusalError(FaultCode.PARSE, message, 0)


_scanner = Scanner()


def scan(source: str) -> Scan:
    """Return the facts of the circuit `source`, OpenQASM 2 or 3.

    Raises `CircuitError`, with line and column, for what no simulator runs and gets right.

    >>> scan('OPENQASM 2.0; include "qelib1.inc"; qreg q[2]; h q[0];').qubits
    2
    """
    return _scanner.scan(source)
