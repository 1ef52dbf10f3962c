"""The scan of one circuit's text, before any parser or simulator sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farshot.errors import CircuitError, FaultCode
from farshot.openqasm.grammar import facts_of, read
from farshot.openqasm.refusal import RefusalError, shown
from farshot.openqasm.shapes import Outline, Shapes, outline_of, shape_of
from farshot.openqasm.statement_cache import StatementCache
from farshot.openqasm.tokens import check_characters, without_mark

if TYPE_CHECKING:
    from farshot.openqasm.facts import Scan


_ENDINGS = (".qasm", ".qasm2", ".qasm3")
_MAX_NAME = 4096


class Scanner:
    """Scans circuits and remembers shapes and statements, which changes its speed only. For one thread."""

    def __init__(self) -> None:
        self._shapes = Shapes()
        self._statements = StatementCache()

    def scan(self, source: str) -> Scan:
        """Return the facts of the circuit `source`; see `farshot.openqasm.scanner.scan`."""
        text = without_mark(source)
        shape = shape_of(text)
        known = self._shapes.get(shape)
        scan = None if known is None else known.scan(text)
        return self._scan_unknown(text, shape) if scan is None else scan

    def _scan_unknown(self, text: str, shape: str) -> Scan:
        try:
            check_characters(text)
            scan, outline = self._read(text, shape)
        except RefusalError as refusal:
            raise (_refuse_file_name(text) or refusal).placed(text) from None
        except RecursionError:
            raise CircuitError(FaultCode.ADMISSION, "the circuit is nested too deep") from None
        if outline is not None:
            self._shapes.put(shape, outline)
        return scan

    def _read(self, text: str, shape: str) -> tuple[Scan, Outline | None]:
        shape_facts = self._statements.read(shape)
        outline = None if shape_facts is None else outline_of(shape_facts, shape)
        scan = None if outline is None else outline.scan(text)
        if scan is not None:
            return scan, outline
        state = read(text)
        scan = facts_of(state)
        return scan, None if state.effects.depends_on_values else outline_of(scan, shape)


def _refuse_file_name(text: str) -> RefusalError | None:
    """Return the refusal of a text that is the name of a file, else None."""
    name = text.strip() if len(text) < _MAX_NAME else ""
    if not name.lower().endswith(_ENDINGS) or "\n" in name:
        return None
    message = f"{shown(name)} is the name of a file, not its text: open the file and give what it holds"
    return RefusalError(FaultCode.PARSE, message, 0)


_scanner = Scanner()


def scan(source: str) -> Scan:
    """Return the facts of the circuit `source`, OpenQASM 2 or 3.

    Raises `CircuitError`, with line and column, for a circuit that no simulator runs correctly.

    >>> scan('OPENQASM 2.0; include "qelib1.inc"; qreg q[2]; h q[0];').qubits
    2
    """
    return _scanner.scan(source)
