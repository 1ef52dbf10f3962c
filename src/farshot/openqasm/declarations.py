"""The declarations and assignments of OpenQASM 3, and what of it no simulator runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from farshot.openqasm.angles import Angle, angle
from farshot.openqasm.blocks import width_of
from farshot.openqasm.expressions import evaluate
from farshot.openqasm.facts import Feature
from farshot.openqasm.gates import use_gate
from farshot.openqasm.library import Gate
from farshot.openqasm.refusal import reject, reject_unsupported, shown
from farshot.openqasm.snapshots import Snapshot, assign
from farshot.openqasm.state import Operand
from farshot.openqasm.statements import end_qubits, record_measure, top_level
from farshot.openqasm.symbols import MISREAD, Register

if TYPE_CHECKING:
    from farshot.openqasm.state import ReaderState


NUMBERS = frozenset({"int", "uint", "float", "angle"})
"""The types of named numbers that are followed."""
_UNSIZED = 64
"""The bits of an `int` or `uint` whose width is not given."""

_NUMBERS = 32
"""So many named numbers prism-q reads well; it takes 14 s for 3,000 of them and as many blocks."""

_PULSES = "pulses cannot be simulated: give gates alone"
_VARIABLES = "no simulator keeps variables of this type: use `const` numbers and `bit` registers"
_ENDLESS = "whether this loop ends cannot be known before it runs: use `for`"
REFUSED = {
    "input": "only a template gives an input its value: have its parameters name it, and every row a number for it",
    "output": "simulators return every bit and know no `output`: declare it without the word",
    "def": "simulators run no subroutines: define a `gate`",
    "extern": "external functions cannot be called",
    "pragma": "pragmas are not followed, so what they ask for would be lost: leave them out",
    "#": "pragmas are not followed, so what they ask for would be lost: leave them out",
    "cal": _PULSES,
    "defcal": _PULSES,
    "defcalgrammar": _PULSES,
    "while": _ENDLESS,
    "break": "simulators cannot leave a loop early: write out the rounds that run",
    "continue": "simulators cannot leave a round early: put the rest under `if`",
    "end": "simulators cannot end early: put the rest under `if`",
    "return": "simulators run no subroutines",
    "opaque": "an opaque gate has no definition, so it cannot be simulated: define it with `gate`",
    "array": _VARIABLES,
    "bool": _VARIABLES,
    "complex": _VARIABLES,
    "duration": _VARIABLES,
    "stretch": _VARIABLES,
    "readonly": _VARIABLES,
    "mutable": _VARIABLES,
    "nop": "simulators do not know `nop`: leave it out",
    "{": "simulators run no block without `if`, `for`, `switch` or `box` before it",
}
"""Words that begin what no simulator runs, and what to do instead."""


def refuse(state: ReaderState) -> None:
    """Refuse a statement of `REFUSED` by its name."""
    word = state.cursor.word
    reject_unsupported(f"{shown(word)}: {REFUSED[word]}", state.cursor.at)


def qubit(state: ReaderState) -> None:
    """`qubit[size] name;`."""
    state.cursor.advance()
    top_level(state, "qubits")
    size = _size(state)
    at = state.cursor.at
    state.declared.add_register(state.cursor.name("the name of the qubits"), size, at, classical=False)
    end_qubits(state)


def bit(state: ReaderState) -> None:
    """`bit[size] name;`, also with a first value that is a measurement."""
    cursor = state.cursor
    cursor.advance()
    top_level(state, "bits")
    size = _size(state)
    at = cursor.at
    register = state.declared.add_register(cursor.name("the name of the bits"), size, at, classical=True)
    state.out.register(len(register.indices))
    if cursor.take("="):
        if cursor.word != "measure":
            reject_unsupported("simulators start bits at 0 and with no other value: leave the value out", cursor.at)
        state.rich()
        _measure_into(state, Operand(register.indices, register.scalar, at))
        return
    state.end_statement()


def _size(state: ReaderState) -> int | None:
    if not state.cursor.take("["):
        return None
    size = state.integer()
    state.cursor.expect("]")
    return size


def _measure_into(state: ReaderState, bits: Operand) -> None:
    state.cursor.expect("measure")
    qubits = state.qubits()
    state.end_statement()
    record_measure(state, qubits, bits)


def constant(state: ReaderState) -> None:
    """`const type name = value;`."""
    state.cursor.advance()
    if state.cursor.word not in NUMBERS:
        reject_unsupported("simulators know constants of the types int, uint, float and angle", state.cursor.at)
    name = _valued(state, *_typed(state))
    if not state.blocks:
        state.declared.constants[name] = state.declared.numbers[name]


def number(state: ReaderState) -> None:
    """`type name = value;`: a number that keeps its first value; `int name;`, which a register is assigned to."""
    typed = _typed(state)
    if state.cursor.word == ";" and typed.kind in {"int", "uint"}:
        _variable(state, typed)
    else:
        _valued(state, *typed)


class _Typed(NamedTuple):
    """A type, its width, and the name that follows."""

    kind: str
    width: int | None
    name: str
    at: int


def _typed(state: ReaderState) -> _Typed:
    kind = state.cursor.advance()
    width = width_of(state)
    at = state.cursor.at
    name = state.cursor.name("the name of the number")
    state.declared.check_new(name, at)
    return _Typed(kind, width, name, at)


def _variable(state: ReaderState, typed: _Typed) -> None:
    top_level(state, "variables")
    state.rich()
    state.end_statement()
    width = _UNSIZED if typed.width is None else typed.width
    state.declared.snapshots[typed.name] = Snapshot(width - 1 if typed.kind == "int" else width)


def _valued(state: ReaderState, kind: str, width: int | None, name: str, at: int) -> str:
    cursor = state.cursor
    if cursor.word == ";":
        reject_unsupported(f"{shown(name)} has no value: give it one here", at)
    cursor.expect("=")
    if cursor.word == "measure":
        reject_unsupported("simulators keep outcomes in bits alone: declare a `bit`", cursor.at)
    if name in MISREAD or kind == "angle":
        state.rich()
    state.declared.set_number(name, _first_value(state, kind, width))
    if len(state.declared.numbers) > _NUMBERS:
        state.trace.features.add(Feature.LONG)
    state.end_statement()
    return name


def _first_value(state: ReaderState, kind: str, width: int | None) -> int | float:
    at = state.cursor.at
    value = evaluate(state.expression(), state.version, {})
    if kind == "angle":
        return angle(value, width)
    if isinstance(value, Angle):
        reject_unsupported(f"an angle does not become a number of the type {kind}: declare an `angle`", at)
    if kind == "float":
        return float(value)
    if isinstance(value, float) or (kind == "uint" and value < 0):
        reject(f"this value is not of the type {kind}", at)
    return value


def alias(state: ReaderState) -> None:
    """`let name = register[range] ++ ...;`."""
    cursor = state.cursor
    cursor.advance()
    top_level(state, "aliases")
    at = cursor.at
    name = cursor.name("the name of the alias")
    state.declared.check_new(name, at)
    cursor.expect("=")
    known = state.declared.names.get(cursor.word)
    classical = isinstance(known, Register) and known.classical
    parts = [state.operand(classical=classical)]
    while cursor.take("++"):
        parts.append(state.operand(classical=classical))
    state.trace.work(sum(len(part.indices) for part in parts), at)
    indices = tuple(index for part in parts for index in part.indices)
    if len(set(indices)) < len(indices):
        reject("an alias cannot name one qubit or bit twice", at)
    state.declared.names[name] = Register(indices, classical, len(parts) == 1 and parts[0].scalar, alias=True)
    state.end_statement()


def delay(state: ReaderState) -> None:
    """`delay[duration] qubits;`: idle time, which changes nothing here."""
    cursor = state.cursor
    cursor.advance()
    cursor.expect("[")
    if cursor.kind != "duration":
        reject_unsupported("simulators read a delay only as a number with its unit, as in `delay[100ns]`", cursor.at)
    cursor.advance()
    cursor.expect("]")
    while cursor.word != ";":
        state.qubits()
        if not cursor.take(","):
            break
    state.end_statement()
    state.trace.operate(1, state.start)


def annotation(state: ReaderState) -> None:
    """`@name ...`: passed over up to the end of its line."""
    state.rich()
    cursor = state.cursor
    line_end = cursor.text.find("\n", cursor.at)
    cursor.seek(len(cursor.text) if line_end < 0 else line_end)
    if cursor.kind == "end":
        reject("an annotation must stand before a statement", cursor.at)


def named(state: ReaderState) -> None:
    """Read what a name begins: a gate, or a measurement into bits."""
    cursor = state.cursor
    known = state.declared.names.get(cursor.word)
    if isinstance(known, Register) and known.classical:
        _assigned(state)
    elif cursor.word in state.declared.snapshots:
        assign(state, cursor.advance())
    elif isinstance(known, Gate) or cursor.word not in state.declared.numbers:
        use_gate(state)
    else:
        reject_unsupported(f"{shown(cursor.word)} cannot be assigned: simulators keep its first value", cursor.at)


def _assigned(state: ReaderState) -> None:
    bits = state.operand(classical=True)
    if state.cursor.word.endswith("=") and state.cursor.word != "=":
        reject_unsupported("no simulator computes with bits: they hold outcomes of `measure` alone", state.cursor.at)
    state.cursor.expect("=")
    if state.cursor.word != "measure":
        reject_unsupported("no simulator assigns anything but `measure` to bits", state.cursor.at)
    _measure_into(state, bits)
