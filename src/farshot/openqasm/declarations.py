"""The declarations and assignments of OpenQASM 3, and the statements of it that no simulator runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from farshot.openqasm.angles import Angle, round_angle
from farshot.openqasm.blocks import read_width
from farshot.openqasm.expressions import evaluate
from farshot.openqasm.facts import Feature
from farshot.openqasm.gates import use_gate
from farshot.openqasm.library import Gate
from farshot.openqasm.refusal import reject, reject_unsupported, shown
from farshot.openqasm.state import Operand
from farshot.openqasm.statements import check_top_level, end_qubits, record_measure
from farshot.openqasm.symbols import MISREAD, Register, Snapshot

if TYPE_CHECKING:
    from farshot.openqasm.state import ReaderState


NUMBERS = frozenset({"int", "uint", "float", "angle"})
"""The types of named numbers whose values are computed."""
_DEFAULT_BITS = 64
"""The width of an `int` or `uint` that gives none."""
_MAX_NUMBERS = 32
"""Named numbers that prism-q reads well; it takes 14 s for 3,000 of them and as many blocks."""

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
"""Words that begin a statement which no simulator runs, each with what to do instead."""


def refuse(state: ReaderState) -> None:
    """Refuse a statement of `REFUSED` by its name."""
    word = state.cursor.word
    reject_unsupported(f"{shown(word)}: {REFUSED[word]}", state.cursor.at)


def read_qubit(state: ReaderState) -> None:
    """Read `qubit[size] name;`."""
    state.cursor.advance()
    check_top_level(state, "qubits")
    size = state.read_size()
    at = state.cursor.at
    state.symbols.add_register(state.cursor.read_name("the name of the qubits"), size, at, classical=False)
    end_qubits(state)


def read_bit(state: ReaderState) -> None:
    """Read `bit[size] name;`, also with a measurement as the first value."""
    cursor = state.cursor
    cursor.advance()
    check_top_level(state, "bits")
    size = state.read_size()
    at = cursor.at
    register = state.symbols.add_register(cursor.read_name("the name of the bits"), size, at, classical=True)
    state.output.register(len(register.indices))
    if cursor.take("="):
        if cursor.word != "measure":
            reject_unsupported("simulators start bits at 0 and with no other value: leave the value out", cursor.at)
        state.mark_rich()
        _read_measure(state, Operand(register.indices, register.scalar, at))
        return
    state.end_statement()


def _read_measure(state: ReaderState, bits: Operand) -> None:
    """Read `measure qubits;` into `bits`."""
    state.cursor.expect("measure")
    qubits = state.read_qubits()
    state.end_statement()
    record_measure(state, qubits, bits)


def read_constant(state: ReaderState) -> None:
    """Read `const type name = value;`."""
    state.cursor.advance()
    if state.cursor.word not in NUMBERS:
        reject_unsupported("simulators know constants of the types int, uint, float and angle", state.cursor.at)
    declaration = _read_typed_name(state)
    _read_value(state, declaration)
    if not state.block_depth:
        state.symbols.constants[declaration.name] = state.symbols.numbers[declaration.name]


def read_number(state: ReaderState) -> None:
    """Read `type name = value;`, a number that keeps its value, or `int name;`, which a register is assigned to."""
    declaration = _read_typed_name(state)
    kind, width, name, _at = declaration
    if state.cursor.word != ";" or kind not in {"int", "uint"}:
        _read_value(state, declaration)
        return
    check_top_level(state, "variables")
    state.mark_rich()
    state.end_statement()
    width = _DEFAULT_BITS if width is None else width
    state.symbols.snapshots[name] = Snapshot(width - 1 if kind == "int" else width)


class _TypedName(NamedTuple):
    kind: str
    width: int | None
    name: str
    at: int


def _read_typed_name(state: ReaderState) -> _TypedName:
    kind = state.cursor.advance()
    width = read_width(state)
    at = state.cursor.at
    name = state.cursor.read_name("the name of the number")
    state.symbols.check_new(name, at)
    return _TypedName(kind, width, name, at)


def _read_value(state: ReaderState, declaration: _TypedName) -> None:
    kind, width, name, at = declaration
    cursor = state.cursor
    if cursor.word == ";":
        reject_unsupported(f"{shown(name)} has no value: give it one here", at)
    cursor.expect("=")
    if cursor.word == "measure":
        reject_unsupported("simulators keep outcomes in bits alone: declare a `bit`", cursor.at)
    if name in MISREAD or kind == "angle":
        state.mark_rich()
    state.symbols.set_number(name, _evaluate_as(state, kind, width))
    if len(state.symbols.numbers) > _MAX_NUMBERS:
        state.effects.features.add(Feature.LONG)
    state.end_statement()


def _evaluate_as(state: ReaderState, kind: str, width: int | None) -> int | float:
    at = state.cursor.at
    value = evaluate(state.read_expression(), state.version, {})
    if kind == "angle":
        return round_angle(value, width)
    if isinstance(value, Angle):
        reject_unsupported(f"an angle does not become a number of the type {kind}: declare an `angle`", at)
    if kind == "float":
        return float(value)
    if isinstance(value, float) or (kind == "uint" and value < 0):
        reject(f"this value is not of the type {kind}", at)
    return value


def read_alias(state: ReaderState) -> None:
    """Read `let name = register[range] ++ ...;`."""
    cursor = state.cursor
    cursor.advance()
    check_top_level(state, "aliases")
    at = cursor.at
    name = cursor.read_name("the name of the alias")
    state.symbols.check_new(name, at)
    cursor.expect("=")
    known = state.symbols.names.get(cursor.word)
    classical = isinstance(known, Register) and known.classical
    parts = [state.read_operand(classical=classical)]
    while cursor.take("++"):
        parts.append(state.read_operand(classical=classical))
    state.effects.work(sum(len(part.indices) for part in parts), at)
    indices = tuple(index for part in parts for index in part.indices)
    if len(set(indices)) < len(indices):
        reject("an alias cannot name one qubit or bit twice", at)
    state.symbols.names[name] = Register(indices, classical, len(parts) == 1 and parts[0].scalar, alias=True)
    state.end_statement()


def read_delay(state: ReaderState) -> None:
    """Read `delay[duration] qubits;`: idle time, which changes nothing here."""
    cursor = state.cursor
    cursor.advance()
    cursor.expect("[")
    if cursor.kind != "duration":
        reject_unsupported("simulators read a delay only as a number with its unit, as in `delay[100ns]`", cursor.at)
    cursor.advance()
    cursor.expect("]")
    state.skip_qubits()
    state.effects.operate(1, state.start)


def skip_annotation(state: ReaderState) -> None:
    """Step over `@name ...` up to the end of its line."""
    state.mark_rich()
    cursor = state.cursor
    line_end = cursor.text.find("\n", cursor.at)
    cursor.seek(len(cursor.text) if line_end < 0 else line_end)
    if cursor.kind == "end":
        reject("an annotation must stand before a statement", cursor.at)


def read_named(state: ReaderState) -> None:
    """Read a statement that begins with a name: the use of a gate, or an assignment."""
    cursor = state.cursor
    known = state.symbols.names.get(cursor.word)
    if isinstance(known, Register) and known.classical:
        _read_assignment(state)
    elif cursor.word in state.symbols.snapshots:
        _assign_snapshot(state, cursor.advance())
    elif isinstance(known, Gate) or cursor.word not in state.symbols.numbers:
        use_gate(state)
    else:
        reject_unsupported(f"{shown(cursor.word)} cannot be assigned: simulators keep its first value", cursor.at)


def _read_assignment(state: ReaderState) -> None:
    bits = state.read_operand(classical=True)
    if state.cursor.word.endswith("=") and state.cursor.word != "=":
        reject_unsupported("no simulator computes with bits: they hold outcomes of `measure` alone", state.cursor.at)
    state.cursor.expect("=")
    if state.cursor.word != "measure":
        reject_unsupported("no simulator assigns anything but `measure` to bits", state.cursor.at)
    _read_measure(state, bits)


def _assign_snapshot(state: ReaderState, name: str) -> None:
    """Read `= register;` after the name of a variable."""
    held = state.symbols.snapshots[name]
    state.cursor.expect("=")
    at = state.cursor.at
    register = state.symbols.register(state.cursor.word, at, classical=True)
    operand = state.read_operand(classical=True)
    state.end_statement()
    if register.alias or operand.indices is not register.indices:
        reject_unsupported(f"{shown(name)} takes a whole register of bits under its own name, nothing else", at)
    if len(operand.indices) > held.width:
        message = f"{shown(name)} does not hold {len(operand.indices)} bits as a number that is not negative"
        reject_unsupported(message, at)
    held.bits, held.blocks, held.measured = operand.indices, tuple(state.open_blocks), len(state.effects.measured)
