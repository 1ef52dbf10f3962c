import re

import pytest
from qiskit import qasm2
from qiskit_qasm3_import import parse

from farshot.testing.circuits import SHAPES, draw
from farshot.testing.circuits.library import CLIFFORD
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
    """Leave out what Qiskit's importer does not read, or reads wrongly (it sorts a gate's parameters, and a slice
    that steps down to 0 is empty to it).
    """
    if one.program.physical or one.program.definitions:
        return False
    return not re.search(r"(sin|cos|tan|sqrt|log|exp)\s*\(|-\s*1\s*:\s*0\s*\]", one.source)


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


def gates_of(shape):
    """Name the library gates that a shape draws from."""
    return {kind.name for kind in CLIFFORD} if shape == "wide" else QISKITS_OWN - {"u0", "delay"}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_library_gate_of_a_shape_is_drawn(shape):
    text = "".join(draw(shape, number).source for number in range(250))
    assert not [name for name in gates_of(shape) if not re.search(rf"\b{name}\b", text)]


@pytest.mark.parametrize("written", [r"\$0\b", r"\[\s*-\s*1\s*\]", r"-\s*1\s*:\s*0\s*\]", r"\[\s*\{", r"\[\s*:\s*\]"])
def test_every_way_to_name_qubits_is_drawn(written):
    text = "".join(draw("static", number).source for number in range(400))
    assert re.search(written, text)


def test_wide_circuits_have_more_qubits_than_a_state_vector_has_room_for():
    widths = [draw("wide", number).program.qubits for number in range(60)]
    assert min(widths) >= 32
    assert max(widths) > 50


def test_blocks_have_eight_qubits_at_least():
    assert {draw("blocks", number).program.qubits for number in range(60)} == {8, 9, 10}
