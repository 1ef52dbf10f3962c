"""The scan remembers shapes and statements: that must change its speed and nothing else."""

import random
import re
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from farshot.errors import CircuitError
from farshot.openqasm.facts import Feature
from farshot.openqasm.grammar import facts_of, read
from farshot.openqasm.refusal import RefusalError
from farshot.openqasm.scanner import Scanner
from farshot.openqasm.shapes import Shapes, outline_of, shape_of
from farshot.openqasm.tokens import check_characters

TWO = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'
THREE = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'
CIRCUITS = [
    TWO + "qreg q[3];\ncreg c[3];\nh q;\nrz(0.25) q[0];\ncx q[0],q[1];\nrx(-1.5) q[2];\nmeasure q -> c;\n",
    TWO + "// made by hand\nqreg q[2];\ncreg c[2];\nu3(0.1,0.2,0.3) q[0]; // a; b\nu2(1.5, -0.5) q[1];\n"
    "barrier q[0],q[1];\nmeasure q[0] -> c[0];\nmeasure q[1] -> c[1];\n// end; of it",
    TWO + "qreg q[2];\ncreg c[1];\ncreg d[2];\nry(1.25) q[0];\nmeasure q[0] -> c[0];\nif(c==1) x q[1];\nreset q[0];\n"
    "rxx(0.5) q[0],q[1];\nif(d==2) rzz(0.25) q[0],q[1];\nmeasure q -> d;\n",
    TWO + "gate g(t) a,b { rx(t/2) a; cu1(0.75) a,b; }\nqreg q[2];\ncreg c[2];\ng(0.5) q[0],q[1];\nmeasure q->c;",
    TWO + "gate g(t) a { rx(1/t) a; }\nqreg q[1];\ncreg c[1];\ng(0.5) q[0];\nrx(pi*0.5) q[0];\nmeasure q->c;",
    "OPENQASM 2.0;\ngate h a { U(pi,0,pi) a; }\nqreg q[1]; qreg r[2]; creg c[2];\nh r;\nCX q,r;\nmeasure r->c;",
    THREE + "qubit[3] q;\nbit[3] c;\nh q[0];\nrx(0.5) q[1];\nif (c[0]) { rz(0.25) q[1]; } else { x q[2]; }\n"
    "c = measure q;",
    THREE + "qubit[3] q; bit[3] c; for int i in [0:2] { rx(0.5) q[i]; }\nctrl @ rx(1.5) q[0], q[1];\n"
    "pow(2.0) @ x q[0]; switch (c) { case 1, 2 { ry(0.5) q[0]; } } c[0] = measure q[{1}][0];",
    THREE + "qubit a; qubit[2] b; bit c; U(0.1, 0.2, 0.3) a; cx a, b; c = measure a;",
    "qreg q[1]; creg c[1]; U(0.5,0,0) q[0]; measure q -> c;",
]  # fmt: skip
CHUNKS = [
    *"0123456789.()[]{};,->\n\"'/*abcqh@=!:+^ ",
    *("rx", "measure", "\r", "é", "1e999", "(0.5)", "(-1.25e-05)", "if(c==1) ", "barrier q;", "gate ", "qreg ", "0.25"),
    *("pi*", "// x\n", "/*", "*/", "ctrl @ ", "$0", "(0)", "()", "0.0", "sqrt", "include ", "OPENQASM 3.0;", "\0"),
]  # fmt: skip
WARM = Scanner()


def outcome(scan, text):
    """Return the facts of a text, or its fault."""
    try:
        return scan(text)
    except CircuitError as error:
        return (error.code, error.message, error.line, error.column)


def closely(text):
    """Scan without any memory and without the quick reading."""
    text = text.removeprefix("\ufeff")
    try:
        check_characters(text)
        return facts_of(read(text))
    except RefusalError as refusal:
        raise refusal.placed(text) from None


@st.composite
def mutated(draw):
    """Draw a circuit with pieces deleted, doubled or put in."""
    text = draw(st.sampled_from(CIRCUITS))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 25)))
        chunk = draw(st.sampled_from(["", text[start:end] * 2, *CHUNKS]))
        text = text[:start] + chunk + text[end if draw(st.booleans()) else start :]
    return text


@given(mutated())
@example(CIRCUITS[4].replace("0.5", "0.0"))
@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
def test_memory_changes_nothing(text):
    expected = outcome(closely, text)
    assert outcome(Scanner().scan, text) == expected
    assert outcome(WARM.scan, text) == expected
    assert outcome(WARM.scan, text) == expected


@pytest.mark.parametrize("text", CIRCUITS)
def test_other_angles_give_the_same_facts_at_their_own_places(text):
    rng = random.Random(7)
    scanner = Scanner()
    for _ in range(5):
        other = re.sub(r"(?<=[(, *])-?\d\.\d+(?=[,)])", lambda _: f"{rng.uniform(0.1, 9):.{rng.randint(1, 12)}f}", text)
        assert outcome(scanner.scan, other) == outcome(closely, other)


@given(st.text(alphabet=st.characters(codec=None), max_size=60))
@settings(max_examples=100, deadline=None)
def test_any_text_gives_facts_or_a_circuit_error(text):
    outcome(WARM.scan, text)
    outcome(WARM.scan, TWO + text)
    outcome(WARM.scan, THREE + "qubit[2] q; bit c;" + text)


@pytest.mark.parametrize(("text", "shape"), [
    ("rx(0.5) q[0];", "rx(0) q[0];"),
    ("rx(-12.25e-05)q[0];", "rx(0)q[0];"),
    ("u3(0.1,-0.2, 0.3) q[0];", "u3(0,0,0) q[0];"),
    ("rz(pi*0.25) q[0]; rz(-0.5*pi) q[0];", "rz(0) q[0]; rz(0) q[0];"),
    ("cu(0.1,0.2,0.3,0.4) q[0],q[1];", None),
    ("rx(ln(0.5)) q[0];", None),
    ("rx(1.5e300) q[0];", None),
    ("rx(1e309) q[0];", None),
    ("pow(0.5) @ x q[0];", None),
    ("ctrl(2.0) @ x q[0];", None),
    ("if(c==1) x q[0];", None),
    ("x q[{0,1,2}];", None),
    ("rx(1.2.3) q[0];", None),
    ("rx(\u0663.\u0665) q[0];", None),
    ("rx() q[0];", None),
    ("gate g a { rx(0.5) a; } rx(0.5) q;", "gate g a { rx(0.5) a; } rx(0) q;"),
])  # fmt: skip
def test_what_is_cut(text, shape):
    assert shape_of(text) == (text if shape is None else shape)


def test_a_gate_that_numbers_can_break_is_always_looked_at():
    scanner = Scanner()
    text = TWO + "gate g(t) a { rx(sqrt(t)) a; } qreg q[1]; g(0.25) q[0];"
    assert scanner.scan(text).own_gates == {"g"}
    with pytest.raises(CircuitError):
        scanner.scan(text.replace("(0.25)", "(-0.25)"))


def test_statements_mean_what_the_declarations_before_them_say():
    scanner = Scanner()
    body = "x q[2]; measure q[0] -> c[0];"
    assert scanner.scan(TWO + "qreg q[3]; creg c[1];" + body).measured == ((0, 0),)
    assert scanner.scan(TWO + "qreg r[5]; qreg q[3]; creg d[2]; creg c[1];" + body).measured == ((5, 2),)
    with pytest.raises(CircuitError):
        scanner.scan(TWO + "qreg q[2]; creg c[1];" + body)


def test_a_gate_with_the_name_of_a_declaration_is_no_declaration():
    found = Scanner().scan("OPENQASM 2.0; gate bit a { U(0,0,0) a; } qreg q[1]; bit q[0]; CX q[0],q[0];"[:-14])
    assert Feature.CLIFFORD not in found.features


def test_the_limit_of_operations_counts_repeated_statements():
    scanner = Scanner()
    start = "OPENQASM 2.0;\nqreg q[10000];\n"
    assert scanner.scan(start + "U(0,0,0) q;\n" * 100).qubits == 10_000
    with pytest.raises(CircuitError, match="operations"):
        scanner.scan(start + "U(0,0,0) q;\n" * 101)


def test_shapes_are_forgotten_in_order_of_use(monkeypatch):
    monkeypatch.setattr(Shapes, "_MAX_BYTES", 3 * Shapes._ENTRY_BYTES + 500)
    shapes = Shapes()
    texts = [TWO + f"qreg q[{size}];" for size in range(1, 6)]
    for text in texts[:3]:
        shapes.put(text, outline_of(facts_of(read(text)), text))
    assert shapes.get(texts[0]) is not None
    shapes.put(texts[3], outline_of(facts_of(read(texts[3])), texts[3]))
    assert [shapes.get(text) is not None for text in texts] == [True, False, True, True, False]


def test_results_do_not_share_their_text():
    scanner = Scanner()
    texts = [CIRCUITS[0].replace("0.25", f"{number}.5") for number in (1, 22, 333)]
    for first, second in pairwise(map(scanner.scan, texts)):
        assert first.text != second.text
        assert first.measures_from + 1 == second.measures_from
