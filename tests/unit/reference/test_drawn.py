import re

import pytest
from qiskit import qasm2
from qiskit_qasm3_import import parse

from farshot.testing.circuits import SHAPES, draw
from reference import distribution, program_of

QISKITS_OWN = {gate.name for gate in qasm2.LEGACY_CUSTOM_INSTRUCTIONS}


def drawn(version, count):
    """Draw circuits that define no gate under a name for which Qiskit has its own."""
    every = (draw(shape, number) for number in range(count) for shape in SHAPES)
    chosen = [one for one in every if one.program.version == version]
    return [one for one in chosen if not QISKITS_OWN & {gate.name for gate in one.program.definitions}]


def loads(source):
    return qasm2.loads(source, include_path=(), custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS)


def readable(one):
    """Leave out what Qiskit's importer does not read, or reads wrongly (it sorts a gate's parameters)."""
    return not one.program.definitions and not re.search(r"(sin|cos|tan|sqrt|log|exp) *\(", one.source)


@pytest.mark.parametrize("one", drawn(2, 30), ids=lambda one: one.label)
def test_qiskit_reads_from_the_text_what_was_drawn(one):
    assert distribution(program_of(loads(one.source))) == pytest.approx(distribution(one.program), abs=1e-9)


@pytest.mark.parametrize("one", [*filter(readable, drawn(3, 20))], ids=lambda one: one.label)
def test_qiskit_reads_from_the_text_of_openqasm_3_what_was_drawn(one):
    assert distribution(program_of(parse(one.source))) == pytest.approx(distribution(one.program), abs=1e-9)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_number_always_gives_the_same_circuit(shape):
    assert draw(shape, 7) == draw(shape, 7)
    assert draw(shape, 7).source != draw(shape, 8).source


@pytest.mark.parametrize("shape", SHAPES)
def test_every_library_gate_is_drawn(shape):
    text = "".join(draw(shape, number).source for number in range(250))
    assert not [name for name in QISKITS_OWN - {"u0", "delay"} if name not in text]


def test_blocks_have_eight_qubits_at_least():
    assert {draw("blocks", number).program.qubits for number in range(60)} == {8, 9, 10}
