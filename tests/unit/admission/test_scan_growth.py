"""The scan takes steps in proportion to the text, or counts what it does beyond that. Steps are calls, not time."""

import sys

import pytest

from farshot.errors import CircuitError, FaultCode
from farshot.openqasm.grammar import read
from farshot.openqasm.scanner import Scanner

TWO = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'
THREE = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'
FEW = f"{THREE}qubit[4] q;\nbit[4] c;\n"


def lines(number, line):
    return "".join(line.replace("#", str(place)) + "\n" for place in range(number))


def listed(number, word="#"):
    return ",".join(word.replace("#", str(place)) for place in range(number))


def with_constants(line):
    return lambda n: FEW + lines(n, "const int n# = #;") + lines(n, line)


GROWING = {
    "gates": lambda n: f"{TWO}qreg q[4];" + lines(n, "rx(0.5+#) q[1];"),
    "gates of openqasm 3": lambda n: FEW + lines(n, "rx(#) q[1];"),
    "constants": with_constants(""),
    "constants and conditions": with_constants("if (c[0]) x q[0];"),
    "constants and blocks": with_constants("if (c == 1) { x q[0]; }"),
    "constants and loops": with_constants("for int i in [0:0] { x q[0]; }"),
    "constants and a set": lambda n: with_constants("")(n) + f"for int i in {{{listed(n)}}} {{ x q[0]; }}",
    "constants and switches": with_constants("switch (c) { case 0 { x q[0]; } }"),
    "constants and gates": with_constants("gate g# a { x a; }"),
    "numbers in blocks": lambda n: FEW + lines(n, "if (c[0]) { int m = #; x q[0]; }"),
    "definitions": lambda n: TWO + lines(n, "gate g# a { x a; }") + "qreg q[1]; g0 q[0];",
    "definitions that are used": lambda n: TWO + lines(n, "gate g# a { x a; }") + "qreg q[1];" + lines(n, "g# q[0];"),
    "definitions with parameters": lambda n: (
        TWO + lines(n, "gate g#(t) a { rx(t) a; ry(1) a; }") + "qreg q[1]; x q[0];"
    ),
    "a definition with many statements": lambda n: (
        f"{TWO}gate g(t) a {{ {'rx(t) a; ry(1) a; ' * n} }} qreg q[1]; g(1) q[0];"
    ),
    "a definition with many parameters": lambda n: (
        f"{TWO}gate g({listed(n, 't#')}) a {{ {lines(n, 'rx(t#) a;')} }} qreg q[1]; g({listed(n)}) q[0];"
    ),
    "a gate on many qubits": lambda n: (
        f"{TWO}gate g {listed(n, 'a#')} {{ x a0; }} gate f {listed(n, 'a#')} {{ g {listed(n, 'a#')}; }}"
        f"qreg q[{n}]; f {listed(n, 'q[#]')};"
    ),
    "a formula": lambda n: f"{FEW}rx({'+'.join(['1'] * n)}) q[0];",
    "switch cases": lambda n: f"{THREE}qubit q; bit[32] c; switch (c) {{ {lines(n, 'case # { x q; }')} }}",
    "index sets": lambda n: f"{THREE}qubit[{n}] q; x q[{{{listed(n)}}}];",
    "an alias of many": lambda n: (
        THREE + lines(n, "qubit[1] r#;") + f"let a = {' ++ '.join(f'r{k}' for k in range(n))}; x a;"
    ),
    "barriers": lambda n: f"{TWO}qreg q[{n}];" + lines(n, "barrier q; // #"),
    "measurements": lambda n: f"{TWO}qreg q[1]; creg c[{n}];" + lines(n, "measure q[0] -> c[#];"),
    "physical qubits": lambda n: THREE + lines(n, "x $#;"),
    "registers": lambda n: TWO + lines(n, "qreg q#[1];") + "x q0[0];",
    "comments": lambda n: FEW + "x q[0]; // a\n" * n,
    "modifiers": lambda n: FEW + lines(n, "ctrl @ inv @ pow(2) @ x q[0], q[1];"),
    "rounds of a loop": lambda n: f"{FEW}for int i in [1:{n}] {{ x q[0]; }}",
}
"""Texts that are to cost four times as much where they are four times as long."""

COUNTED = {
    "aliases of aliases": f"{THREE}qubit[1000] q; let a0 = q;" + lines(100, "let b# = a0;"),
    "slices of slices": f"{THREE}qubit[1000] q;" + lines(100, "x q[0:999][0:0];"),
    "conditions on wide registers": f"{THREE}qubit q; bit[4096] c;" + lines(100, "if (c == 0) x q;"),
    "conditions of openqasm 2": f"{TWO}qreg q[1]; creg c[4096];" + lines(100, "if (c == #) x q[0];"),
    "a long formula in a gate": (
        f"{TWO}gate g(t) a {{ rx({'+'.join(['t'] * 400)}) a; }} qreg q[1];" + lines(300, "g(#) q[0];")
    ),
    "a gate of many parameters in a gate": (
        f"{TWO}gate f({listed(400, 't#')}) a {{ rx(t0) a; }} gate g(t) a {{ f({listed(400, 't')}) a; }} qreg q[1];"
        + lines(300, "g(#) q[0];")
    ),
    "a wide gate in a gate": (
        f"{TWO}gate f {listed(50, 'a#')} {{ x a0; }}"
        f"gate g {listed(50, 'a#')} {{ {('f ' + listed(50, 'a#') + ';') * 120} }}"
        + lines(50, "qreg r#[1];")
        + f"g {listed(50, 'r#')};" * 300
    ),
    "barriers in a gate": f"{TWO}gate g a {{ x a; {'barrier a; ' * 300} }} qreg q[1];" + lines(300, "g q[0];"),
    "a long gate under many controls": (
        f"{THREE}gate g a {{ {'x a; ' * 400} }} qubit[641] q;" + f"{'ctrl(64) @ ' * 10} g {listed(641, 'q[#]')};" * 2
    ),
    "a loop over a comment": f"{FEW}for int i in [1:100] {{ /* {'x' * 1_000} */ x q[0]; }}",
    "a loop over space": f"{FEW}for int i in [1:100] {{ {' ' * 1_000} x q[0]; }}",
    "a loop before a comment": f"{FEW}for int i in [1:100] x q[0]; // {'x' * 1_000}",
    "a loop over a formula": f"{FEW}for int i in [1:20] {{ rx({'+'.join(['i'] * 200)}) q[0]; }}",
    "a loop over a barrier": f"{FEW}for int i in [1:20] {{ barrier {listed(200, 'q[0]')}; }}",
    "a loop over a loop that never runs": (
        f"{FEW}for int i in [1:20] {{ for int j in [1:0] {{ {'x q[0]; ' * 200} }} }}"
    ),
    "a wide gate on registers": (
        f"{TWO}gate g {listed(50, 'a#')} {{ x a0; }}" + lines(50, "qreg r#[200];") + f"g {listed(50, 'r#')}; " * 4
    ),
}
"""Texts whose cost their length does not show."""


def test_an_operand_that_is_named_again_is_found_at_once():
    operands = [f"q[{place % 9_000}]" for place in range(12_000)]
    text = f"{TWO}gate g {listed(12_000, 'a#')} {{ x a0; }} qreg q[9000]; g {','.join(operands)};"
    with pytest.raises(CircuitError, match="one qubit twice") as raised:
        Scanner().scan(text)
    assert raised.value.column == text.splitlines()[2].index("q[0]", text.splitlines()[2].index("q[8999]")) + 1


def calls(text):
    """Return how many functions are called and left while `text` is scanned."""
    counted = 0

    def count(_frame, _event, _argument):
        nonlocal counted
        counted += 1

    scanner = Scanner()
    sys.setprofile(count)
    try:
        scanner.scan(text)
    finally:
        sys.setprofile(None)
    return counted


@pytest.mark.parametrize("kind", GROWING)
def test_four_times_the_text_takes_four_times_the_steps(kind):
    assert calls(GROWING[kind](160)) < 5 * calls(GROWING[kind](40))


@pytest.mark.parametrize("kind", COUNTED)
def test_what_the_length_does_not_show_is_counted(kind):
    assert read(COUNTED[kind]).effects.worked > 10 * len(COUNTED[kind])


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        (f"{TWO}qreg q[1]; creg c[65536];" + lines(200, "if (c == #) x q[0];"), "more than 10,000,000 steps"),
        (f"{TWO}qreg q[1]; creg c[65536];" + "if (c == 1) x q[0];" * 200, "more than 10,000,000 steps"),
        (f"{TWO}gate g(t) a {{ rx({'+'.join(['t'] * 4_000)}) a; }} qreg q[1];" + lines(4_000, "g(#) q[0];"), "steps"),
        (f"{TWO}qreg q[9000];" + "".join(f"x{' ' * k}q;" for k in range(1, 200)), "more than 1,000,000 operations"),
        (f"{FEW}pow(0) @ pow(1e7) @ U(0, 0, 0) q[0];", "more than 1,000,000 operations"),
    ],
)
def test_what_differs_from_statement_to_statement_is_counted_together(text, refusal):
    scanner = Scanner()
    for _ in range(3):  # what it has met by then changes nothing
        with pytest.raises(CircuitError, match=refusal):
            scanner.scan(text)


def test_more_than_the_limit_is_refused_at_its_place():
    with pytest.raises(CircuitError, match="more than 10,000,000 steps to work out: write less of them") as raised:
        Scanner().scan(f"{THREE}qubit q; bit[65536] c;\n" + lines(200, "if (c == 0) x q;"))
    assert (raised.value.code, raised.value.line) == (FaultCode.ADMISSION, 156)


def test_numbers_end_with_their_block_and_show_again_what_they_hid():
    body = "const int i = 3; for int i in [0:1] { int m = i; x q[m]; } x q[i];"
    assert Scanner().scan(FEW + body).qubits == 4
    with pytest.raises(CircuitError, match="`m` is not a number"):
        Scanner().scan(f"{FEW}for int i in [0:1] {{ int m = i; }} x q[m];")
