"""Reading a circuit's text into Qiskit's circuit. No file is read, and the text alone defines its names."""

from __future__ import annotations

import logging
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from qiskit import qasm2
from qiskit.circuit.library import IGate

from farshot.errors import CircuitError, FaultCode
from farshot.openqasm.lowering import lower
from farshot.operations.operations import PlainCircuit, without_measurements
from farshot.simulators.aer_circuit import circuit_of
from farshot.simulators.gate_names import slice_of

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

    from farshot.openqasm.facts import Scan


_log = logging.getLogger(__name__)

_UNREAD_STATEMENT = "the simulator does not read this statement: write it with other gates"
_INCLUDE = re.compile(r'\binclude\s*"[^"\n]*"\s*;')
_PLACE = re.compile(r'^"?(?:<input>:)?(\d+),(\d+): (.*?)"?$', re.DOTALL)
_REPLACED = {"u0": lambda _duration: IGate()}
"""Gates of which Qiskit makes a delay, which takes whole durations only."""


def load(scan: Scan, end: int | None = None) -> QuantumCircuit:
    """Return the circuit that the text up to `end` describes; raises `CircuitError`.

    OpenQASM 3 is lowered here: Qiskit's importer is slow and misreads some slices and angles. The include of
    OpenQASM 2 is left out, and of its gates only those that are used are given to the importer.
    """
    if scan.version == 3:
        return load_plain(scan, end)
    try:
        text = _INCLUDE.sub(lambda include: " " * len(include[0]), scan.text[: scan.include_at])
        text += slice_of(scan, scan.include_at, end)
        return qasm2.loads(text, include_path=(), custom_instructions=_instructions(scan.library_gates))
    except Exception as error:  # the importer raises any error of its parser, also IndexError and RecursionError
        raise _fault(error, scan) from error


def load_plain(scan: Scan, end: int | None) -> QuantumCircuit:
    """Return the same circuit from the plain operations of the text, without measurements if there is an `end`; raises
    `CircuitError`.
    """
    program = scan.program or lower(scan.text)
    if end is not None:
        program = PlainCircuit(program.qubits, program.registers, without_measurements(program.operations))
    return circuit_of(program)


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
    _log.warning("Qiskit: %s: %s", type(error).__name__, error)
    place = _PLACE.match(str(error))
    if place is None:
        return CircuitError(FaultCode.UNSUPPORTED, "the simulator does not read this circuit: choose another target")
    line, column = int(place[1]), int(place[2]) + 1
    # Renaming moves columns.
    return CircuitError(FaultCode.PARSE, _UNREAD_STATEMENT, line=line, column=None if scan.own_gates else column)
