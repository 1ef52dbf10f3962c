"""Lowering of circuits to plain operations: of rich texts, wide circuits, and circuits that are Clifford in disguise.

All other circuits keep their own text, which takes no time.
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


_UNREADABLE = frozenset({Feature.RICH, Feature.UNICODE, Feature.LONG})
"""Features of texts that no simulator reads as they are."""
_MAX_OWN_GATES = 32
"""The most gates that a text may define for prism-q to read it: it takes 14 s for a thousand."""
MAX_TEMPLATE_CHARACTERS = 64 * 1024
"""A template with up to so many characters is read once for all its rows."""
_MAX_NARROW_QUBITS = 20
"""Up to this width idle qubits cost less than a search for them."""
_MAX_NARROW_QUBITS_OF: dict[str | None, int] = {"density_matrix": 8, "stabilizer": 0}
"""The same for methods with another limit."""
STABILIZED = frozenset({"h", "s", "sdg", "x", "y", "z", "id", "sx", "cx", "CX", "cz", "swap"})
"""The library gates that every stabilizer method runs under their own names."""
_NEVER_CLIFFORD = frozenset(["t", "tdg", "ccx", "ch", "csx", "cswap", "c3x", "c4x", "c3sqrtx", "rccx", "rc3x"])
_DECIMAL = re.compile(r"\((-?[0-9]{1,3}\.[0-9]{1,20})[,)]")
_INDEXED = re.compile(r"\b\w+\[\d+\]")
_ROTATIONS = frozenset({"rxx", "ryy", "rzz"})
_MAX_CONDITION_BITS = 63


@dataclass(frozen=True, slots=True)
class Lowered:
    """A task as plain operations."""

    original: Task
    task: Task
    plain: PlainText
    kept: tuple[int, ...]
    """The qubits of the original task that the lowered one has, in order."""
    note: str = ""
    """The end of the message of every fault."""

    def placed(self, fault: CircuitError) -> CircuitError:
        """Return a fault of the plain text with its place in the user's text."""
        message, text = fault.message + self.note, self.original.scan.text
        offset = None if fault.line is None else self.plain.origin(fault.line)
        if offset is None:
            return CircuitError(fault.code, message)
        return CircuitError(fault.code, message, line=line_of(text, offset), column=column_of(text, offset))

    def restored(self, run: Run) -> Run:
        """Return the run with the value 0 of every term that has X or Y on a qubit that was left out, which is |0>."""
        terms = self.original.terms
        if terms is None or not isinstance(run.outcome, Values):
            return run
        kept, values = frozenset(self.kept), list(run.outcome.values)
        for place, term in enumerate(terms):
            if any(letter in "XY" and qubit not in kept for qubit, letter in enumerate(term)):
                values[place] = 0.0
        return replace(run, outcome=Values(tuple(values)))


def lowered(task: Task, method: str | None) -> Lowered | None:
    """Return the task as plain operations; None if it is run from its own text."""
    scan = task.scan
    if task.terms is not None and Feature.DYNAMIC in scan.features:
        return _averaged(task, lower(scan.text), method)
    if _UNREADABLE.isdisjoint(scan.features) and (
        len(scan.own_gates) <= _MAX_OWN_GATES
        or (scan.row is not None and len(scan.row.pattern.source) <= MAX_TEMPLATE_CHARACTERS)
    ):
        is_wide = scan.qubits > _MAX_NARROW_QUBITS_OF.get(method, _MAX_NARROW_QUBITS)
        return _improved(task, method) if is_wide and _may_improve(scan) else None
    return _lowered(task, lower(scan.text), method)


def _improved(task: Task, method: str | None) -> Lowered | None:
    """Return the task as plain operations if that makes it narrower or Clifford; otherwise None."""
    try:
        found = _lowered(task, lower(task.scan.text), method)
    except CircuitError:
        return None
    is_better = found.task.scan.qubits < task.scan.qubits or Feature.CLIFFORD in found.task.scan.features
    return found if is_better else None


def _lowered(task: Task, program: PlainCircuit, method: str | None) -> Lowered:
    program, kept = compacted(program)
    if method == "stabilizer" or program.qubits > dense_qubits():
        program = as_clifford(program) or program
    terms = None if task.terms is None else tuple(_restricted(term, kept) for term in task.terms)
    return _as_task(task, program, kept, terms)


def _averaged(task: Task, program: PlainCircuit, method: str | None) -> Lowered:
    """Return a static task for the expectation values of a dynamic circuit, averaged over all outcomes."""
    program, kept = compacted(program)
    program = without_final_measurements(program)
    terms = tuple(_restricted(term, kept) for term in task.terms or ())
    observed = {qubit for term in terms for qubit, letter in enumerate(term) if letter != "I"}
    static, places = deferred(program, observed)
    if _suits_channels(program, static.qubits, method):
        return _as_task(replace(task, method="density_matrix"), dephased(program), kept, terms)
    if method == "stabilizer" or static.qubits > dense_qubits():
        static = as_clifford(static) or static
    terms = tuple(_extended(term, places, static.qubits) for term in terms)
    note, added = "", static.qubits - program.qubits
    if added:
        more = f"{program.qubits} and {added} more for the outcomes of measurements and resets"
        note = f" (exact values take {static.qubits} qubits here, {more}: sample it instead, or measure less)"
    return _as_task(task, static, kept, terms, note)


def _suits_channels(program: PlainCircuit, deferred_width: int, method: str | None) -> bool:
    """Return whether a density matrix of the circuit's own qubits is asked for or much smaller."""
    if any(isinstance(operation, Branch) for operation in program.operations):
        return False
    if method is None:
        return deferred_width > _MAX_NARROW_QUBITS and 2 * (program.qubits + 1) < deferred_width
    return method == "density_matrix"


def _extended(term: str, places: Sequence[int], width: int) -> str:
    """Return the term on `width` qubits, with its letters at `places`."""
    letters = ["I"] * width
    for letter, place in zip(term, places, strict=False):
        letters[place] = letter
    return "".join(letters)


def _as_task(
    task: Task, program: PlainCircuit, kept: tuple[int, ...], terms: tuple[str, ...] | None, note: str = ""
) -> Lowered:
    plain = write(program)
    return Lowered(task, replace(task, scan=_facts(program, plain), terms=terms), plain, kept, note)


def _restricted(term: str, kept: tuple[int, ...]) -> str:
    """Return the letters of the kept qubits; on the others, which are |0>, Z does nothing."""
    return "".join(term[qubit] if qubit < len(term) else "I" for qubit in kept)


def _may_improve(scan: Scan) -> bool:
    """Return whether plain operations may be narrower or Clifford, as far as a search in the text shows."""
    if Feature.CLIFFORD in scan.features and scan.library_gates <= STABILIZED:
        return False
    text = scan.text[scan.body_from : scan.measures_from]
    return _may_have_idle_qubits(scan, text) or _may_be_clifford(scan, text)


def _may_be_clifford(scan: Scan, text: str) -> bool:
    if not scan.library_gates.isdisjoint(_NEVER_CLIFFORD):
        return False
    return all(abs(remainder(float(angle[1]), pi / 2)) < 1e-6 for angle in _DECIMAL.finditer(text))


def _may_have_idle_qubits(scan: Scan, text: str) -> bool:
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
            if len(operation.condition.bits) > _MAX_CONDITION_BITS:
                yield Feature.WIDE_CONDITION
            if any(isinstance(one, Gate) and one.name in _ROTATIONS for one in (*operation.body, *operation.otherwise)):
                yield Feature.CONDITIONED_ROTATION


def _is_stabilized(gate: Gate) -> bool:
    return gate.name in STABILIZED and (not gate.controls or (gate.controls == 1 and gate.name in {"x", "z"}))
