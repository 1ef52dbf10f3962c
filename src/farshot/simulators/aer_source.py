"""From a circuit's text to Qiskit's circuit. No file is ever read, and no name means what the text does not say."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

import openqasm3
import qiskit_qasm3_import
from qiskit import qasm2
from qiskit.circuit.library import IGate

from farshot.admission.facts import Feature
from farshot.errors import CircuitError, FaultCode
from farshot.simulators.aer_formulas import work_out
from farshot.simulators.aer_parameters import rename_parameters
from farshot.simulators.renaming import slice_of

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

    from farshot.admission.facts import Scan

__all__ = ["load"]

_INCLUDE = re.compile(r'\binclude\s*"[^"\n]*"\s*;')
_PLACE = re.compile(r'^"?(?:<input>:)?(\d+),(\d+): (.*?)"?$', re.DOTALL)
_LACK = re.compile("support|must be|cannot be resolved")
_REPLACED = {"u0": lambda _duration: IGate()}
"""Qiskit makes a delay of this one, which takes whole durations only."""


def load(scan: Scan, end: int | None = None) -> QuantumCircuit:
    """Return the circuit that the text up to `end` describes; raises `CircuitError`."""
    try:
        return _load2(scan, end) if scan.version == 2 else _load3(scan, end)
    except Exception as error:  # the importers raise whatever their parsers meet, IndexError and RecursionError too
        raise _fault(error, scan) from error


def _load2(scan: Scan, end: int | None) -> QuantumCircuit:
    """Leave out the include: the gates that come from it are given, and only those that are used."""
    text = _INCLUDE.sub(lambda include: " " * len(include[0]), scan.text[: scan.include_at])
    text += slice_of(scan, scan.include_at, end)
    return qasm2.loads(text, include_path=(), custom_instructions=_instructions(scan.library_gates))


def _load3(scan: Scan, end: int | None) -> QuantumCircuit:
    text = scan.text[: scan.include_at] + slice_of(scan, scan.include_at, end)
    return qiskit_qasm3_import.convert(rename_parameters(work_out(openqasm3.parse(text))))


@lru_cache(maxsize=32)
def _instructions(used: frozenset[str]) -> tuple[qasm2.CustomInstruction, ...]:
    return tuple(
        qasm2.CustomInstruction(
            given.name, given.num_params, given.num_qubits, _REPLACED.get(given.name, given.constructor), builtin=True
        )
        for given in qasm2.LEGACY_CUSTOM_INSTRUCTIONS
        if given.name in used
    )


def _fault(error: Exception, scan: Scan) -> CircuitError:
    place = _PLACE.match(str(error))
    if place is None:
        return CircuitError(FaultCode.UNSUPPORTED, f"Qiskit cannot read it: {_reason(error)}", line=_line(error))
    line, column = int(place[1]), int(place[2]) + 1
    # Renaming moves columns.
    return CircuitError(_code(place[3], scan), place[3], line=line, column=None if scan.own_gates else column)


def _code(message: str, scan: Scan) -> FaultCode:
    """Say whose fault it is: what the scan has followed closely is OpenQASM, so Qiskit's lack."""
    if scan.version == 3 and (Feature.RICH not in scan.features or _LACK.search(message)):
        return FaultCode.UNSUPPORTED
    return FaultCode.PARSE


def _reason(error: Exception) -> str:
    return str(error).strip('"') or type(error).__name__


def _line(error: Exception) -> int | None:
    """Return the line that the OpenQASM 3 parser stopped at."""
    for argument in getattr(error.__context__, "args", ()):
        token = getattr(argument, "offendingToken", None)
        if token is not None:
            return int(token.line)
    return None
