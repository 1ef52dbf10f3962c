"""Templates are run with a plan of their fused gates, which only circuits of ten qubits and more have."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prism_q import PrismError, parse_qasm, simulate

from farshot.simulators.draws import draw
from farshot.simulators.prism_circuits import BoundCircuit, ParsedTemplate, slot_names

HEAD = 'OPENQASM 2.0;\ninclude "qelib1.inc";'
DECLARED = "\nqreg q[10];\n"
UNIFORM = "h q;\n"
STATEMENTS = [
    "rx(@) q;\n",
    "ry(@) q[0];\nrz(@) q[0];\n",
    "cx q[0],q[1];\nrz(@) q[1];\ncx q[0],q[1];\n",
    "cx q[0],q[1];\ncx q[0],q[1];rz(@) q[1];cx q[0], q[1];rz(@) q[1];cx q[0],q[1];\n",
    "cx q[3],q[2];\nrz(@) q[3];\ncx q[3],q[2];\n",
    "cx q[3],q[2];\nrz(@) q[2];\ncx q[2],q[3];\n",
    "cx q[4],q[5];\nbarrier q;\nrz(@) q[5];\ncx q[4],q[5];\n",
    "rzz(@) q[1],q[2];\nrxx(@) q[2],q[3];\n",
    "p(@) q[7];\nswap q[7],q[8];\ncz q[8],q[9];\n",
    "h q[1];\nt q[1];\nry(@) q[1];\n",
    "cx q[6],q[9];\n",
]
ANGLES = st.one_of(st.floats(-10, 10), st.sampled_from([0.0, math.pi, -math.pi / 2, math.pi / 4, 1e-9, 1e-16]))


def named(body):
    pieces = body.split("@")
    names = iter(slot_names(len(pieces) - 1))
    return HEAD + DECLARED + pieces[0] + "".join(next(names) + piece for piece in pieces[1:]), len(pieces) - 1


def written(body, angles):
    first, *others = body.split("@")
    return HEAD + DECLARED + first + "".join(repr(angle) + piece for angle, piece in zip(angles, others, strict=True))


def template_of(body):
    text, angles = named(body)
    return ParsedTemplate(text, len(HEAD), angles)


def often(template, angles):
    """Run as often as a plan takes to be worth it; return the last outcome."""
    for _ in range(40):
        outcome = BoundCircuit(template, angles).run()
    return outcome


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(STATEMENTS), min_size=1, max_size=12).map("".join), st.data())
def test_a_plan_changes_no_counts(body, data):
    template = template_of(UNIFORM + body)
    number = body.count("@")
    for seed in range(3):
        angles = data.draw(st.lists(ANGLES, min_size=number, max_size=number))
        found, expected = often(template, angles), simulate(parse_qasm(written(UNIFORM + body, angles))).run()
        assert repr(found.metadata) == repr(expected.metadata)
        np.testing.assert_allclose(found.probabilities, expected.probabilities, rtol=0, atol=1e-13)
        for mine, theirs in zip(
            draw(found.probabilities, 1000, seed), draw(expected.probabilities, 1000, seed), strict=True
        ):
            np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize(
    "body",
    [
        "ry(@) q;\nrz(@) q;\ncx q[0],q[1];\n",
        "h q;\ncx q[0],q[1];\nrz(@) q[1];\ncx q[0],q[1];\nrx(@) q[0];\n",
        "h q;\ncx q[0], q[1]; rz(@) q[1]; cx q[0], q[1];\nrx(@) q[1];\n",
    ],
)
def test_rotations_and_phases_of_pairs_have_a_plan(body):
    template = template_of(body)
    assert template.planned.reuses_fusion_plan


@pytest.mark.parametrize(
    "body",
    [
        "h q;\n// cx q[0],q[1];\nrz(@) q[1];\ncx q[0],q[1];\nry(@) q[1];\n",
        "h q;\n/* cx q[0],q[1]; */ rz(@) q[1];\ncx q[0],q[1];\nry(@) q[1];\n",
    ],
)
def test_what_stands_in_a_comment_is_no_gate(body):
    angles = [0.7, 1.1]
    template = template_of(body)
    expected = simulate(parse_qasm(written(body, angles))).run().probabilities
    np.testing.assert_allclose(often(template, angles).probabilities, expected, rtol=0, atol=1e-13)


def test_a_register_may_be_called_as_a_gate_that_is_put_in():
    body = "h rzz;\ncx rzz[0],rzz[1];\nrz(@) rzz[1];\ncx rzz[0],rzz[1];\nrx(@) rzz;\n"
    angles = [0.7, 1.1]
    text, number = named(body)
    template = ParsedTemplate(text.replace("qreg q", "qreg rzz"), len(HEAD), number)
    expected = simulate(parse_qasm(written(body, angles).replace("qreg q", "qreg rzz"))).run().probabilities
    np.testing.assert_allclose(often(template, angles).probabilities, expected, rtol=0, atol=1e-13)


def test_what_cannot_be_bound_is_refused_at_once():
    with pytest.raises(PrismError):
        template_of("u3(@,0,0) q[0];\n")
