import math

import pytest

from farshot.testing.circuits import Condition, Gate, If, Measure, Program, Register
from reference import expectations


def program(qubits, *operations):
    return Program(2, (Register("q", qubits, classical=False), Register("c", 2, classical=True)), operations)


def test_the_leftmost_letter_is_qubit_zero():
    assert expectations(program(3, Gate("x", (0,))), ["ZII", "IZI", "IIZ"]) == [-1, 1, 1]


def test_a_short_term_acts_on_the_first_qubits():
    assert expectations(program(3, Gate("x", (1,))), ["Z", "IZ", ""]) == pytest.approx([1, -1, 1])


def test_signs_of_y():
    assert expectations(program(1, Gate("h", (0,)), Gate("s", (0,))), ["Y"]) == pytest.approx([1])
    assert expectations(program(1, Gate("h", (0,)), Gate("sdg", (0,))), ["Y"]) == pytest.approx([-1])


def test_a_pair():
    pair = program(2, Gate("h", (0,)), Gate("cx", (0, 1)))
    assert expectations(pair, ["XX", "YY", "ZZ", "XY", "ZI"]) == pytest.approx([1, -1, 1, 0, 0])


def test_final_measurements_change_no_value():
    turned = Gate("ry", (0,), ("pi/3",))
    assert expectations(program(1, turned, Measure(0, 1)), ["X"]) == pytest.approx([math.sin(math.pi / 3)])


def test_earlier_measurements_do():
    measured = program(1, Gate("h", (0,)), Measure(0, 0), Gate("z", (0,)))
    assert expectations(measured, ["X", "Z"]) == pytest.approx([0, 0])


def test_what_does_nothing_is_nothing_that_follows():
    measured = program(1, Gate("h", (0,)), Measure(0, 0), Gate("id", (0,)))
    assert expectations(measured, ["X", "Z"]) == pytest.approx([1, 0])


def test_a_measurement_that_a_later_condition_reads_is_not_final():
    flipped = If(Condition((0,), 1, whole=False), (Gate("x", (1,)),))
    values = expectations(program(2, Gate("h", (0,)), Measure(0, 0), flipped), ["ZZ", "XX", "IZ"])
    assert values == pytest.approx([1, 0, 0], abs=1e-12)
