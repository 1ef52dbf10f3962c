"""A row gives what its bound circuit gives, to the last bit, on every simulator and by every way through them."""

import math
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farshot import Template
from farshot.admission.batch import Request, admit
from farshot.model import Fault
from farshot.simulators.router import Router
from farshot.templates.rows import rows_of
from farshot.worker.run import inspect_source, run_source

HEAD = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'
STATIC = HEAD + "qreg q[3];\ncreg c[3];\n{}measure q -> c;\n"
DYNAMIC = (
    HEAD + "qreg q[3];\ncreg c[3];\n{}measure q[0] -> c[0];\nif(c==1) rx(2*a) q[1];\nreset q[0];\n{}measure q -> c;\n"
)
OWN = HEAD + "gate mine(t) x { rz(t/2+b[0]) x; }\nqreg q[3];\ncreg c[3];\n{}mine(a) q[0];\nmeasure q -> c;\n"
MODERN = (
    'OPENQASM 3.0;\ninclude "stdgates.inc";\ninput float a;\nqubit[3] q;\nbit[3] c;\n'
    "{}ctrl @ rx(b[0]**2) q[0], q[1];\nc = measure q;\n"
)
LOOP = "for int i in [0:2] { ry(i*a) q[i]; }\n"
FORMS = [STATIC, DYNAMIC, OWN]
STATEMENTS = [
    "h q;\n",
    "rx(a) q[0];\n",
    "ry(-b[0]) q[1];\ncx q[0],q[1];\n",
    "rz(2*a+b[0]/3) q[1];\nh q[1];\n",
    "rzz(a) q[0],q[2];\nrxx(-2*b[0]) q[1],q[2];\n",
    "p(a) q[2];\nu1(b[0]) q[1];\n",
    "u3(a,0.25,sin(b[0])) q[0];\n",
    "cp(a) q[0],q[1];\nrx(pi/2) q[2];\n",
    "rx(0.125) q[1];\nsx q[0];\n",
]
VALUES = st.one_of(
    st.floats(-10, 10), st.sampled_from([0.0, -0.0, math.pi, math.pi / 2, 1e-07, 1e-300, 999.9, 12345.678])
)
ROUTER = Router()


def outcomes(circuits, target, **options):
    batch = admit(circuits, Request(target=target, default_shots=300, seed=7, **options))
    rows = zip(batch.labels, batch.encoded(slice(None)), strict=True)
    results = [run_source(ROUTER, batch.spec, position, label, row) for position, (label, row) in enumerate(rows)]
    return [(found.outcome, found.simulator, found.method, found.seed, found.shots, found.exact) for found in results]


def compare(text, rows, target, **options):
    template = Template(text, ["a", "b[0]"], rows)
    bound = {label: template.bind(label) for label in rows}
    found = outcomes(template, target, **options)
    assert found == outcomes(bound, target, **options)
    assert not any(isinstance(outcome, Fault) for outcome, *_ in found)


TEXTS = st.builds(
    lambda form, body: form.replace("{}", "".join(body)),
    st.sampled_from(FORMS),
    st.lists(st.sampled_from(STATEMENTS), max_size=6),
)
ROWS = st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=4).map(
    lambda rows: {f"r{n}": row for n, row in enumerate(rows)}
)


@settings(deadline=None)
@given(TEXTS, ROWS, st.sampled_from(["auto", "prism:statevector"]))
def test_counts_are_those_of_the_bound_circuits(text, rows, target):
    compare(text, rows, target)


@settings(deadline=None)
@given(st.lists(st.sampled_from(STATEMENTS), max_size=6), ROWS)
def test_values_are_those_of_the_bound_circuits(body, rows):
    compare(STATIC.replace("{}", "".join(body)), rows, "auto", ham_ops="ZZI;IXY;III;ZII")


@settings(deadline=None, max_examples=15)
@given(TEXTS, ROWS)
def test_aer_counts_are_those_of_the_bound_circuits(text, rows):
    compare(text, rows, "aer")


@pytest.mark.parametrize(("target", "body"), [("auto", LOOP), ("auto", "rx(a) q[2];\n"), ("aer", "rx(a) q[2];\n")])
def test_openqasm_3_is_bound_too(target, body):
    compare(MODERN.replace("{}", body), {"x": [0.25, 3], "y": [-1e-07, 0.5]}, target)


def test_wide_circuits_are_sampled_as_their_bound_circuits_are():
    body = "".join(f"ry(a) q[{i}]; cx q[{i}],q[{i + 1}]; rz(b[0]) q[{i + 1}];\n" for i in range(15))
    compare(f"{HEAD}qreg q[16];\ncreg c[16];\n{body}measure q -> c;", {"x": [0.5, 2], "y": [1e-07, -2]}, "auto")


def test_rows_that_are_regular_are_not_read_again(monkeypatch):
    template = Template(STATIC.replace("{}", "".join(STATEMENTS[:5])), ["a", "b[0]"], {"x": [0.5, 1], "y": [400, -3]})
    batch = admit(template, Request(target="auto", default_shots=1))
    rows = rows_of(batch.spec.template)
    monkeypatch.setattr("farshot.templates.rows.scan", None)
    found = [rows.scan(row) for row in batch.sources]
    assert all(facts.row.regular and not facts.written for facts in found)
    assert [facts.text for facts in found] == [template.bind(label) for label in template.rows]
    with pytest.raises(TypeError):
        rows.scan(struct.pack("<2d", 1e9, 0))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("rx(a) q[7];", "outside"),
        ("nonsense q[0];", "not defined"),
        ("rx(a^2) q[0];", "power"),
        ("rx(a/0) q[0];", "finite"),
    ],
)
def test_every_row_has_its_own_fault_with_its_place_in_the_template(line, message):
    template = Template(
        HEAD + "qreg q[2];\ncreg c[2];\nrx(b[0]+1) q[0]; " + line + "\nmeasure q -> c;",
        ["a", "b[0]"],
        {"x": [0.5, 1], "y": [0.123456, 7]},
    )
    batch = admit(template, Request(target="auto", default_shots=10))
    for position, (label, row) in enumerate(zip(batch.labels, batch.sources, strict=True)):
        fault = run_source(ROUTER, batch.spec, position, label, row).outcome
        assert message in fault.message
        assert fault.line == 5
        assert 18 <= fault.column <= 26
        assert inspect_source(ROUTER, batch.spec, position, row) == fault


def test_a_fault_of_a_simulator_lies_in_the_template():
    text = HEAD + "qreg q[2];\ncreg c[2];\nrx(a) q[0]; u(0,a,0) q[0];\n\nmeasure q -> c;"
    template = Template(text, ["a", "b[0]"], {"x": [0.123456789, 0]})
    batch = admit(template, Request(target="prism:stabilizer", default_shots=10))
    assert "Clifford" in run_source(ROUTER, batch.spec, 0, "x", batch.sources[0]).outcome.message


def test_one_bad_row_fails_alone():
    template = Template(
        STATIC.replace("{}", "rx(a) q[0];"),
        ["a", "b[0]"],
        {"good": [1, 1], "nan": [math.nan, 1], "unused": [1, math.inf], "last": [2, 2]},
    )
    found = [outcome for outcome, *_ in outcomes(template, "auto")]
    assert [isinstance(outcome, Fault) for outcome in found] == [False, True, True, False]
    assert (found[1].line, found[1].column) == (5, 4)
    assert "`b[0]` is inf" in found[2].message
