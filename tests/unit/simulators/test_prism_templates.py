import pytest
from hypothesis import given
from hypothesis import strategies as st
from prism_q import PrismError, parse_qasm

from farshot.simulators.prism_templates import Templates

HEAD = 'OPENQASM 2.0;\ninclude "qelib1.inc";'
DECLARED = "\nqreg q[3];\n"
ANGLES = st.decimals("-999", "999", allow_nan=False, allow_infinity=False, places=6)
STATEMENTS = [
    "rx({0}) q[0];",
    "ry({0}) q;",
    "rz({0}) q[1];\ncx q[0],q[1];",
    "p({0}) q[2];",
    "rzz({0}) q[0],q[1];",
    "rxx({0}) q[1],q[2];\nryy({1}) q[0],q[2];",
    "u1({0}) q[0];",
    "u3({0},{1},{0}) q[0];",
    "cp({0}) q[0],q[1];",
    "crz({1}) q[0],q[1];",
    "rx(pi/2) q[0];",
    "rx(-2*{0}) q[0];",
    "h q[0];\nbarrier q;",
]


def content(circuit):
    return bytes(circuit.__reduce__()[1][0])


@given(st.lists(st.sampled_from(STATEMENTS), max_size=8), st.lists(st.tuples(ANGLES, ANGLES), min_size=4, max_size=4))
def test_binding_makes_the_circuit_that_parsing_makes(statements, angles):
    templates = Templates()
    for pair in angles:
        text = HEAD + DECLARED + "\n".join(statements).format(*pair)
        assert content(templates.circuit(text, len(HEAD)).circuit) == content(parse_qasm(text))


@pytest.mark.parametrize("angle", ["0", "1", "-0.5", "1e-07", "123.25", "0.1234567890123456789"])
def test_numbers_are_read_as_prism_reads_them(angle):
    text = f"{HEAD}{DECLARED}rx({angle}) q[0];ry(0.5) q[1];"
    templates = Templates()
    found = [content(templates.circuit(text, len(HEAD)).circuit) for _ in range(3)]
    assert set(found) == {content(parse_qasm(text))}


def test_what_cannot_be_parsed_raises_every_time():
    templates = Templates()
    for _ in range(3):
        with pytest.raises(PrismError):
            templates.circuit(f"{HEAD}{DECLARED}rx(0.5) r[0];", len(HEAD))


def test_memory_is_bounded_and_a_forgotten_shape_is_learned_again():
    templates = Templates()
    texts = [f"{HEAD}{DECLARED}" + "rx(0.5) q[0];" * count for count in range(1, 200)]
    for text in [*texts, *texts, *texts]:
        assert content(templates.circuit(text, len(HEAD)).circuit) == content(parse_qasm(text))
