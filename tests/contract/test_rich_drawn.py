"""Drawn circuits, written in OpenQASM 3 beyond the plain form, on every simulator against an exact reference."""

import re
from random import Random

import pytest

from farshot.openqasm.facts import Feature
from farshot.openqasm.scanner import scan
from farshot.packing import unpack
from farshot.protocols import Task
from farshot.simulators.router import Router, run_circuit
from farshot.testing.circuits import draw
from farshot.testing.circuits.text import _Writer3
from farshot.testing.counts import check_counts
from reference import distribution

ROUTER = Router()
SHOTS = 1000
CIRCUITS = 24
KINDS = ("static", "dynamic", "blocks")
MODIFIED = {"cx": ("ctrl(1) @ x",), "ccx": ("ctrl(2) @ x", "ctrl @ ctrl(1) @ x"), "s": ("pow(0.5) @ z", "inv @ sdg"),
            "x": ("pow(3) @ x",), "cz": ("ctrl(1) @ z",), "t": ("pow(0.25) @ z",), "sx": ("pow(0.5) @ x",)}  # fmt: skip


class RichWriter(_Writer3):
    """Writes what can be written in more than one way in the way that is less plain."""

    def statements(self):
        self.constants = {}
        lines = list(super().statements())
        numbers = [f"const float {name} = {angle};" for angle, name in self.constants.items()]
        return [*self.header, *numbers, *lines[2:], "for int i in [1:0] { }", "@rich", "barrier;"]

    def qubit(self, index, *, whole=False):
        return self.place(*self.qubits[index], whole=whole)

    def bit(self, index, *, whole=False):
        return self.place(*self.bits[index], whole=whole)

    def place(self, register, index, *, whole):
        if register.scalar or whole:
            return register.name
        size = register.size
        ways = [f"[{index}]", f"[{index - size}]", f"[{index}:{size - 1}][0]", f"[-1:-1:0][{size - 1 - index}]"]
        return register.name + self.rng.choice(ways)

    def call(self, gate, operands):
        angles = f"({', '.join(map(self.angle, gate.angles))})" if gate.angles else ""
        modifiers = "".join(f"{modifier} @ " for modifier in gate.modifiers)
        own = {defined.name for defined in self.program.definitions}
        name = gate.name if gate.name in own else self.rng.choice([gate.name, *MODIFIED.get(gate.name, ())])
        return f"{modifiers}{name}{angles} {', '.join(operands)};"

    def angle(self, text):
        if not set(re.findall(r"[^\W\d]\w*", text)) <= {"pi"}:
            return text
        return self.constants.setdefault(text, f"const_{len(self.constants)}")

    def comparison(self, condition):
        register = self.bits[condition.bits[0]][0]
        if not condition.whole:
            return (
                f"{register.name}[{self.bits[condition.bits[0]][1]}] == {condition.value}"
                if not register.scalar
                else f"{register.name} == {condition.value}"
            )
        if register.scalar:
            return super().comparison(condition)
        return self.rng.choice(
            [f'{register.name} == "{condition.value:0{register.size}b}"', f"{condition.value} == {register.name}"]
        )

    def conditional(self, operation):
        register = self.bits[operation.condition.bits[0]][0]
        if not operation.condition.whole or register.scalar or self.rng.random() < 0.5:
            return super().conditional(operation)
        default = f"default {self.braced(operation.otherwise)}" if operation.otherwise else ""
        return (
            f"switch ({register.name}) {{ case {operation.condition.value} {self.braced(operation.body)} {default} }}"
        )

    def braced(self, operations):
        return f"{{ {' '.join(map(self.operation, operations))} }}"


def drawn(number):
    """Return a program of OpenQASM 3 and its text."""
    kind = KINDS[number % 3]
    found = next(one for one in (draw(kind, 7 * number + more) for more in range(50)) if one.program.version == 3)
    return found.program, "\n".join(RichWriter(found.program, Random(number)).statements())


PAIRS = [(target, number) for number in range(CIRCUITS) for target in ("auto", "prism", "aer")]
KEPT = [(target, number) for target, number in PAIRS if target != "prism" or KINDS[number % 3] == "static"]
"""Of circuits with conditions prism-q refuses some, where both branches change what the condition reads."""


@pytest.mark.parametrize(("target", "number"), KEPT)
def test_counts(target, number):
    program, text = drawn(number)
    facts = scan(text)
    assert Feature.RICH in facts.features
    _, run = run_circuit(ROUTER, target, Task(facts, number, SHOTS))
    check_counts(unpack(run.outcome), distribution(program), SHOTS)
