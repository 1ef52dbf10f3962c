"""Circuits that run as plain operations: what goes beyond plain text, is wide, or is Clifford in other words.

All else keeps its own text, which costs nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from math import pi, remainder
from typing import TYPE_CHECKING

from farshot.errors import CircuitError
from farshot.model import Values
from farshot.openqasm.facts import Feature, Scan
from farshot.openqasm.lowering import lower
from farshot.openqasm.refusal import column_of, line_of
from farshot.operations.clifford import as_clifford
from farshot.operations.compaction import compacted
from farshot.operations.deferral import deferred, dephased, without_final_measurements
from farshot.operations.operations import Branch, Gate, Measure, Reset
from farshot.operations.plain_text import write
from farshot.simulators.limits import dense_qubits

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from farshot.operations.operations import Operation, PlainCircuit
    from farshot.operations.plain_text import PlainText
    from farshot.protocols import Run, Task


_UNREAD = frozenset({Feature.RICH, Feature.UNICODE, Feature.LONG})
"""Features of texts that go to no simulator as they are."""
_DEFINITIONS = 32
"""So many gates of a text's own prism-q reads well; it takes 14 s for a thousand."""
READ_ONCE = 64 * 1024
"""Up to so many characters a template is read once for all its rows."""
_MOST = 20
"""Up to this width idle qubits cost less than to look for them."""
_WIDE: dict[str | None, int] = {"density_matrix": 8, "stabilizer": 0}
"""The same for methods of which this is not true."""
STABILIZED = frozenset({"h", "s", "sdg", "x", "y", "z", "id", "sx", "cx", "CX", "cz", "swap"})
"""The library gates that every stabilizer method takes under their own names."""
_NEVER_CLIFFORD = frozenset(["t", "tdg", "ccx", "ch", "csx", "cswap", "c3x", "c4x", "c3sqrtx", "rccx", "rc3x"])
_DECIMAL = re.compile(r"\((-?[0-9]{1,3}\.[0-9]{1,20})[,)]")
_INDEXED = re.compile(r"\b\w+\[\d+\]")
_ROTATIONS = frozenset({"rxx", "ryy", "rzz"})
_WIDEST = 63


@dataclass(frozen=True, slots=True)
class Lowered:
    """A task as plain operations on the qubits `kept` of those of the `original`. Faults end with the `note`."""

    original: Task
    task: Task
    plain: PlainText
    kept: tuple[int, ...]
    note: str = ""

    def placed(self, fault: CircuitError) -> CircuitError:
        """Return a fault of the plain text with its place in the user's."""
        at = None if fault.line is None else self.plain.origin(fault.line)
        if at is None:
            return CircuitError(fault.code, fault.message + self.note)
        text = self.original.scan.text
        return CircuitError(fault.code, fault.message + self.note, line=line_of(text, at), column=column_of(text, at))

    def restored(self, run: Run) -> Run:
        """Return the run with 0 as the value of every term that turns a qubit of which nothing is known but |0>."""
        terms = self.original.terms
        if terms is None or not isinstance(run.outcome, Values):
            return run
        kept = frozenset(self.kept)
        values = zip(terms, run.outcome.values, strict=True)
        return replace(run, outcome=Values(tuple(0.0 if _vanishes(term, kept) else value for term, value in values)))


def lowered(task: Task, method: str | None) -> Lowered | None:
    """Return the task as plain operations, None where its own text serves as well."""
    scan = task.scan
    if task.terms is not None and Feature.DYNAMIC in scan.features:
        return _averaged(task, lower(scan.text), method)
    if _UNREAD.isdisjoint(scan.features) and (len(scan.own_gates) <= _DEFINITIONS or _is_read_once(scan)):
        wide = scan.qubits > _WIDE.get(method, _MOST)
        return _narrower(task, method) if wide and _may_gain(scan) else None
    return _lowered(task, lower(scan.text), method)


def _is_read_once(scan: Scan) -> bool:
    """Whether a text is a row of a template that a simulator reads once for all of them."""
    return scan.row is not None and len(scan.row.pattern.source) <= READ_ONCE


def _narrower(task: Task, method: str | None) -> Lowered | None:
    """Return the task as plain operations where that makes it narrower, or Clifford."""
    try:
        found = _lowered(task, lower(task.scan.text), method)
    except CircuitError:
        return None
    gained = found.task.scan.qubits < task.scan.qubits or Feature.CLIFFORD in found.task.scan.features
    return found if gained else None


def _lowered(task: Task, program: PlainCircuit, method: str | None) -> Lowered:
    program, kept = compacted(program)
    if method == "stabilizer" or program.qubits > dense_qubits():
        program = as_clifford(program) or program
    plain = write(program)
    terms = None if task.terms is None else tuple(_moved(term, kept) for term in task.terms)
    return Lowered(task, replace(task, scan=_facts(program, plain), terms=terms), plain, kept)


def _averaged(task: Task, program: PlainCircuit, method: str | None) -> Lowered:
    """Return a task without measurements for the values of a dynamic circuit on average over all outcomes."""
    program, kept = compacted(program)
    program = without_final_measurements(program)
    terms = [_moved(term, kept) for term in task.terms or ()]
    observed = {qubit for term in terms for qubit, letter in enumerate(term) if letter != "I"}
    static, places = deferred(program, observed)
    if _suits_channels(program, static.qubits, method):
        return _as_task(replace(task, method="density_matrix"), dephased(program), kept, terms)
    if method == "stabilizer" or static.qubits > dense_qubits():
        static = as_clifford(static) or static
    spread = [_spread(term, places, static.qubits) for term in terms]
    return _as_task(task, static, kept, spread, _note(program.qubits, static.qubits))


def _suits_channels(program: PlainCircuit, deferred_width: int, method: str | None) -> bool:
    """Whether a density matrix of the circuit's own qubits is what is asked for, or much smaller."""
    if any(isinstance(operation, Branch) for operation in program.operations):
        return False
    smaller = method is None and deferred_width > _MOST and 2 * (program.qubits + 1) < deferred_width
    return smaller or method == "density_matrix"


def _spread(term: str, places: Sequence[int], width: int) -> str:
    letters = ["I"] * width
    for letter, place in zip(term, places, strict=False):
        letters[place] = letter
    return "".join(letters)


def _note(qubits: int, width: int) -> str:
    if width == qubits:
        return ""
    more = f"{qubits} and {width - qubits} more for the outcomes of measurements and resets"
    return f" (exact values take {width} qubits here, {more}: sample it instead, or measure less)"


def _as_task(task: Task, program: PlainCircuit, kept: tuple[int, ...], terms: Sequence[str], note: str = "") -> Lowered:
    plain = write(program)
    return Lowered(task, replace(task, scan=_facts(program, plain), terms=tuple(terms)), plain, kept, note)


def _vanishes(term: str, kept: frozenset[int]) -> bool:
    return any(letter in "XY" and qubit not in kept for qubit, letter in enumerate(term))


def _moved(term: str, kept: tuple[int, ...]) -> str:
    """Return the letters of the kept qubits; on a qubit that is |0> Z does nothing."""
    return "".join(term[qubit] if qubit < len(term) else "I" for qubit in kept)


def _may_gain(scan: Scan) -> bool:
    """Say by a glance whether plain operations may be narrower, or Clifford."""
    if Feature.CLIFFORD in scan.features and scan.library_gates <= STABILIZED:
        return False
    text = scan.text[scan.body_from : scan.measures_from]
    return _may_be_idle(scan, text) or _may_be_clifford(scan, text)


def _may_be_clifford(scan: Scan, text: str) -> bool:
    if not scan.library_gates.isdisjoint(_NEVER_CLIFFORD):
        return False
    return all(abs(remainder(float(angle[1]), pi / 2)) < 1e-6 for angle in _DECIMAL.finditer(text))


def _may_be_idle(scan: Scan, text: str) -> bool:
    named = set(_INDEXED.findall(text))
    return not all(f"{name}[{index}]" in named for name, size in scan.qubit_names for index in range(size or 1))


def _facts(program: PlainCircuit, plain: PlainText) -> Scan:
    flat = list(_flat(program.operations))
    gates = [operation for operation in flat if isinstance(operation, Gate)]
    dynamic = _is_dynamic(program.operations)
    measured = tuple((each.qubit, each.bit) for each in flat if isinstance(each, Measure))
    return Scan(
        written=plain.text,
        version=3,
        qubits=program.qubits,
        bits=program.bits,
        measured=() if dynamic else measured,
        measures=bool(measured),
        tail=None if dynamic else plain.tail,
        features=frozenset(_features(program, gates, dynamic=dynamic)),
        library_gates=frozenset(gate.name for gate in gates),
        own_gates=frozenset(),
        include_at=plain.head.index(";\nqubit") + 1,
        body_from=len(plain.head),
        qubit_names=(("q", program.qubits),),
        program=program,
    )


def _flat(operations: Iterable[Operation]) -> Iterator[Operation]:
    for operation in operations:
        yield operation
        if isinstance(operation, Branch):
            yield from _flat(operation.body)
            yield from _flat(operation.otherwise)


def _is_dynamic(operations: Iterable[Operation]) -> bool:
    measured = False
    for operation in operations:
        if isinstance(operation, Branch | Reset) or (measured and isinstance(operation, Gate)):
            return True
        measured = measured or isinstance(operation, Measure)
    return False


def _features(program: PlainCircuit, gates: Iterable[Gate], *, dynamic: bool) -> Iterator[Feature]:
    if dynamic:
        yield Feature.DYNAMIC
    if all(_is_stabilized(gate) for gate in gates):
        yield Feature.CLIFFORD
    for operation in _flat(program.operations):
        if isinstance(operation, Branch):
            if len(operation.condition.bits) > _WIDEST:
                yield Feature.WIDE_CONDITION
            if any(isinstance(one, Gate) and one.name in _ROTATIONS for one in (*operation.body, *operation.otherwise)):
                yield Feature.CONDITIONED_ROTATION


def _is_stabilized(gate: Gate) -> bool:
    return gate.name in STABILIZED and (not gate.controls or (gate.controls == 1 and gate.name in {"x", "z"}))
