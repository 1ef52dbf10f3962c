"""A circuit as OpenQASM text."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from farshot.testing.circuits.ir import Barrier, Gate, If, Measure, Register, Reset, Spread

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from random import Random

    from farshot.testing.circuits.ir import Condition, Definition, Operation, Program

_TOKEN = re.compile(r'"[^"]*"|\$\d+|[^\W\d]\w*|(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?|->|==|\S')
_WORD_END = re.compile(r"[\w.\"]$")
_WORD_START = re.compile(r"[\w.\"]")
_WIDE_GAPS = ("  ", "\t", "\n", "\n    ")
_LINE_COMMENTS = ("// a note", "// measure q -> c;", '// } " {', "// if (c == 1) x q[0];", "//", "// OPENQASM 3;")
_BLOCK_COMMENTS = ("/* a note */", "/* measure\n q -> c; */", "/* // */", "/**/", "/* } */")


def statements(program: Program, rng: Random) -> list[str]:
    """Return the statements of `program`, chosen by `rng` if there are several ways to write one."""
    writer = _Writer3(program, rng) if program.version == 3 else _Writer2(program, rng)
    return list(writer.statements())


class _Writer2:
    """Writes OpenQASM 2."""

    header = ("OPENQASM 2.0;", 'include "qelib1.inc";')

    def __init__(self, program: Program, rng: Random) -> None:
        self.program = program
        self.rng = rng
        self.qubits = self._places(classical=False)
        self.bits = self._places(classical=True)

    def _places(self, *, classical: bool) -> list[tuple[Register, int]]:
        chosen = [register for register in self.program.registers if register.classical == classical]
        return [(register, index) for register in chosen for index in range(register.size)]

    def statements(self) -> Iterator[str]:
        yield from self.header
        if not self.program.late:
            yield from map(self.declaration, self.program.registers)
        yield from map(self.definition, self.program.definitions)
        yield from self._late_statements() if self.program.late else map(self.operation, self.program.operations)

    def _late_statements(self) -> Iterator[str]:
        waiting = list(self.program.registers)
        for operation in self.program.operations:
            needed = self.registers(operation)
            while any(register in waiting for register in needed):
                yield self.declaration(waiting.pop(0))
            yield self.operation(operation)
        yield from map(self.declaration, waiting)

    def registers(self, operation: Operation) -> set[Register]:
        """Return the registers that the statement names."""
        match operation:
            case Measure(qubit=qubit, bit=bit):
                return {self.qubits[qubit][0], self.bits[bit][0]}
            case Reset(qubit=qubit):
                return {self.qubits[qubit][0]}
            case Gate(qubits=qubits) | Barrier(qubits=qubits):
                return {self.qubits[qubit][0] for qubit in qubits}
            case Spread(operations=parts):
                return self._all_registers(parts)
            case If(condition=condition, body=body, otherwise=otherwise):
                return self._all_registers(body + otherwise) | {self.bits[bit][0] for bit in condition.bits}

    def _all_registers(self, operations: Iterable[Operation]) -> set[Register]:
        return set[Register]().union(*map(self.registers, operations))

    def declaration(self, register: Register) -> str:
        return f"{'creg' if register.classical else 'qreg'} {register.name}[{register.size}];"

    def definition(self, defined: Definition) -> str:
        angles = f"({', '.join(defined.angles)})" if defined.angles else ""
        body = " ".join(self.call(gate, [defined.qubits[qubit] for qubit in gate.qubits]) for gate in defined.body)
        return f"gate {defined.name}{angles} {', '.join(defined.qubits)} {{ {body} }}"

    def call(self, gate: Gate, operands: Sequence[str]) -> str:
        angles = f"({', '.join(gate.angles)})" if gate.angles else ""
        modifiers = "".join(f"{modifier} @ " for modifier in gate.modifiers)
        return f"{modifiers}{gate.name}{angles} {', '.join(operands)};"

    def qubit(self, index: int, *, whole: bool = False) -> str:
        return _place(*self.qubits[index], whole=whole)

    def operands(self, first: Gate, whole: Sequence[bool]) -> list[str]:
        """Return the operands of a statement on whole registers whose first gate is `first`."""
        free = len(whole) == 1
        pairs = zip(first.qubits, whole, strict=True)
        return [self.all_of(qubit, free=free) if spread else self.qubit(qubit) for qubit, spread in pairs]

    def all_of(self, index: int, *, free: bool = False) -> str:
        """Return the whole register of a qubit, in any order if `free`."""
        del free
        return self.qubit(index, whole=True)

    def bit(self, index: int, *, whole: bool = False) -> str:
        return _place(*self.bits[index], whole=whole)

    def operation(self, operation: Operation) -> str:
        match operation:
            case Gate(qubits=qubits):
                return self.call(operation, [self.qubit(qubit) for qubit in qubits])
            case Measure(qubit=qubit, bit=bit):
                return self.measurement(self.qubit(qubit), self.bit(bit))
            case Reset(qubit=qubit):
                return f"reset {self.qubit(qubit)};"
            case Barrier(qubits=qubits):
                return f"barrier {', '.join(dict.fromkeys(self.qubit(qubit, whole=True) for qubit in qubits))};"
            case Spread():
                return self.spread(operation)
            case If():
                return self.conditional(operation)

    def spread(self, operation: Spread) -> str:
        if self.program.physical:
            return " ".join(map(self.operation, operation.operations))
        first = operation.operations[0]
        match first:
            case Gate():
                return self.call(first, self.operands(first, operation.whole))
            case Measure():
                return self.measurement(self.all_of(first.qubit), self.bit(first.bit, whole=True))
            case Reset():
                return f"reset {self.all_of(first.qubit, free=True)};"

    def measurement(self, qubit: str, bit: str) -> str:
        return f"measure {qubit} -> {bit};"

    def conditional(self, operation: If) -> str:
        return f"if ({self.comparison(operation.condition)}) {self.operation(operation.body[0])}"

    def comparison(self, condition: Condition) -> str:
        return f"{self.bit(condition.bits[0], whole=True)} == {condition.value}"


class _Writer3(_Writer2):
    """Writes OpenQASM 3, sometimes in the style of OpenQASM 2 if that is allowed."""

    header = ("OPENQASM 3.0;", 'include "stdgates.inc";')

    def statements(self) -> Iterator[str]:
        for number, statement in enumerate(filter(None, super().statements())):
            yield statement
            if number == 1 and self.program.physical:
                yield f"barrier {', '.join(f'${qubit}' for qubit in range(self.program.qubits))};"

    def qubit(self, index: int, *, whole: bool = False) -> str:
        register, place = self.qubits[index]
        if self.program.physical:
            return f"${index}"
        if not whole and not register.scalar and self.rng.random() < 0.05:
            return f"{register.name}[{place - register.size}]"
        return super().qubit(index, whole=whole)

    def all_of(self, index: int, *, free: bool = False) -> str:
        register, _place = self.qubits[index]
        if register.scalar or self.rng.random() < 0.5:
            return super().all_of(index)
        return f"{register.name}[{self.rng.choice(_slices(register.size, free=free))}]"

    def declaration(self, register: Register) -> str:
        if self.program.physical and not register.classical:
            return ""
        if not register.scalar and self.rng.random() < 0.2:
            return super().declaration(register)
        size = "" if register.scalar else f"[{register.size}]"
        return f"{'bit' if register.classical else 'qubit'}{size} {register.name};"

    def measurement(self, qubit: str, bit: str) -> str:
        if self.rng.random() < 0.3:
            return super().measurement(qubit, bit)
        return f"{bit} = measure {qubit};"

    def conditional(self, operation: If) -> str:
        text = f"if ({self.comparison(operation.condition)}) {self.block(operation.body)}"
        return f"{text} else {self.block(operation.otherwise)}" if operation.otherwise else text

    def block(self, operations: Sequence[Operation]) -> str:
        plain = len(operations) == 1 and not (self.program.physical or isinstance(operations[0], If))
        if plain and self.rng.random() < 0.3:
            return self.operation(operations[0])
        return f"{{ {' '.join(map(self.operation, operations))} }}"

    def comparison(self, condition: Condition) -> str:
        if condition.whole:
            return super().comparison(condition)
        bit = self.bit(condition.bits[0])
        return self.rng.choice([bit, f"{bit} == true"] if condition.value else [f"!{bit}", f"{bit} == false"])


def _slices(size: int, *, free: bool) -> list[str]:
    """Return the ways to name all elements of a register, in reverse order too if `free`.

    >>> _slices(3, free=True)[-1]
    '2:-1:0'
    """
    listed = ", ".join(map(str, range(size)))
    found = [":", f"0:{size - 1}", f"0:1:{size - 1}", f"{-size}:-1", f"{{{listed}}}"]
    return [*found, f"{size - 1}:-1:0"] if free else found


def _place(register: Register, index: int, *, whole: bool) -> str:
    return register.name if whole or register.scalar else f"{register.name}[{index}]"


class _Noise:
    def __init__(self, rng: Random, comments: Sequence[str]) -> None:
        self.rng = rng
        self.comments = comments

    def gap(self) -> str:
        """Return white space that is not empty, sometimes with a comment in it."""
        choice = self.rng.random()
        if choice < 0.03:
            return f" {self.rng.choice(self.comments)}\n"
        return " " if choice < 0.8 else self.rng.choice(_WIDE_GAPS)

    def between(self, left: str, right: str) -> str:
        """Return the text between two tokens of a statement."""
        if left == "@" or (_WORD_END.search(left) and _WORD_START.match(right)):
            return self.gap()
        return self.gap() if self.rng.random() < 0.15 else ""

    def statement(self, text: str) -> str:
        tokens: list[str] = _TOKEN.findall(text)
        return "".join([left + self.between(left, right) for left, right in pairwise(tokens)]) + tokens[-1]


def lay_out(statements: Sequence[str], rng: Random, version: int) -> str:
    """Return the text of a circuit. Half of the texts are neat, the others have all legal white space and comments.

    >>> from random import Random
    >>> print(lay_out(["OPENQASM 2.0;", "qreg q[1];"], Random(1), 2), end="")
    OPENQASM 2.0;
    qreg q[1];
    """
    if rng.random() < 0.5:
        return "\n".join([*statements, ""])
    noise = _Noise(rng, _LINE_COMMENTS if version == 2 else _LINE_COMMENTS + _BLOCK_COMMENTS)
    separators = rng.choice((["\n"], ["\n", "\n\n", " "], ["", " ", "\n"]))
    quiet = _Noise(rng, [""])  # not every parser reads a comment within the version or the include
    text = "".join(quiet.statement(statement) + "\n" for statement in statements[:2])
    text += "".join(noise.statement(statement) + rng.choice(separators) for statement in statements[2:])
    return text.replace("\n", "\r\n") if rng.random() < 0.15 else text
