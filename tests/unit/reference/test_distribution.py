import math

import pytest

from farshot.testing.circuits import Condition, Definition, Gate, If, Measure, Program, Register, Reset, Spread
from reference import distribution


def program(qubits, bits, *operations, definitions=()):
    registers = (Register("q", qubits, classical=False), Register("c", bits, classical=True))
    return Program(3, registers, operations, definitions)


def gate(name, *qubits, angles=(), modifiers=()):
    return Gate(name, qubits, angles, modifiers)


def bits_are(value, *bits):
    return Condition(bits, value, whole=False)


def test_the_rightmost_character_is_bit_zero():
    circuit = program(3, 3, gate("x", 0), Measure(0, 0), Measure(1, 1), Measure(2, 2))
    assert distribution(circuit) == {"001": 1.0}


def test_a_measurement_writes_the_bit_it_names():
    assert distribution(program(2, 3, gate("x", 1), Measure(1, 2))) == {"100": 1.0}


def test_the_last_write_of_a_bit_wins():
    circuit = program(2, 1, gate("x", 0), Measure(0, 0), Measure(1, 0))
    assert distribution(circuit) == {"0": 1.0}


def test_an_entangled_pair_gives_equal_bits():
    circuit = program(2, 2, gate("h", 0), gate("cx", 0, 1), Measure(0, 0), Measure(1, 1))
    assert distribution(circuit) == pytest.approx({"00": 0.5, "11": 0.5})


def test_a_rotation_by_theta_gives_one_with_sin_squared_of_its_half():
    circuit = program(1, 1, gate("ry", 0, angles=("2*pi/3",)), Measure(0, 0))
    assert distribution(circuit) == pytest.approx({"0": 0.25, "1": 0.75})


def test_a_measurement_collapses():
    twice = (gate("h", 0), Measure(0, 0), Measure(0, 1))
    assert distribution(program(1, 2, *twice)) == pytest.approx({"00": 0.5, "11": 0.5})


def test_a_qubit_measured_and_turned_again_is_even():
    circuit = program(1, 2, gate("h", 0), Measure(0, 0), gate("h", 0), Measure(0, 1))
    assert distribution(circuit) == pytest.approx(dict.fromkeys(["00", "01", "10", "11"], 0.25))


def test_a_reset_breaks_a_pair_and_leaves_its_other_half_mixed():
    circuit = program(2, 2, gate("h", 0), gate("cx", 0, 1), Reset(0), Measure(0, 0), Measure(1, 1))
    assert distribution(circuit) == pytest.approx({"00": 0.5, "10": 0.5})


def test_a_condition_is_looked_at_once():
    first = If(bits_are(0, 0), (gate("x", 0), Measure(0, 0), gate("x", 1)), (gate("h", 1),))
    assert distribution(program(2, 2, first, Measure(1, 1))) == {"11": 1.0}


def test_otherwise_is_what_happens_else():
    choice = If(bits_are(1, 0), (gate("x", 1),), (gate("x", 2),))
    circuit = program(3, 3, gate("h", 0), Measure(0, 0), choice, Measure(1, 1), Measure(2, 2))
    assert distribution(circuit) == pytest.approx({"011": 0.5, "100": 0.5})


def test_a_condition_reads_its_lowest_bit_first():
    circuit = program(2, 3, gate("x", 0), Measure(0, 1), If(bits_are(2, 0, 1), (gate("x", 1),)), Measure(1, 2))
    assert distribution(circuit) == {"110": 1.0}


def test_a_condition_on_a_number_beyond_the_bits_never_holds():
    circuit = program(1, 2, If(bits_are(4, 0, 1), (gate("x", 0),)), Measure(0, 0))
    assert distribution(circuit) == {"00": 1.0}


def test_a_spread_statement_is_all_its_operations():
    circuit = program(2, 2, Spread((gate("x", 0), gate("x", 1)), (True,)), Measure(0, 0), Measure(1, 1))
    assert distribution(circuit) == {"11": 1.0}


def test_a_defined_gate_turns_by_the_angle_it_is_given():
    inner = Definition("inner", ("a",), ("s",), (Gate("ry", (0,), ("2*a",)),))
    outer = Definition("outer", ("b",), ("s", "t"), (Gate("inner", (1,), ("b/2",)), Gate("cx", (1, 0))))
    circuit = program(2, 2, gate("outer", 0, 1, angles=("pi/3",)), Measure(0, 0), definitions=(inner, outer))
    assert distribution(circuit) == pytest.approx({"00": 0.75, "01": 0.25})


@pytest.mark.parametrize(
    ("modifiers", "start", "outcome"),
    [(("ctrl",), 0, "0"), (("ctrl",), 1, "1"), (("negctrl",), 0, "1"), (("negctrl",), 1, "0")],
)
def test_a_control_acts_on_its_value(modifiers, start, outcome):
    prepared = [gate("x", 0)] * start
    circuit = program(2, 1, *prepared, gate("x", 0, 1, modifiers=modifiers), Measure(1, 0))
    assert distribution(circuit) == {outcome: 1.0}


def test_an_inverse_undoes():
    angles = ("0.3", "0.4", "0.5")
    circuit = program(1, 1, gate("U", 0, angles=angles), gate("U", 0, angles=angles, modifiers=("inv",)), Measure(0, 0))
    assert distribution(circuit) == pytest.approx({"0": 1.0})


def test_a_teleported_state_arrives():
    circuit = program(
        3,
        3,
        gate("ry", 0, angles=("pi/3",)),
        gate("h", 1),
        gate("cx", 1, 2),
        gate("cx", 0, 1),
        gate("h", 0),
        Measure(0, 0),
        Measure(1, 1),
        If(bits_are(1, 1), (gate("x", 2),)),
        If(bits_are(1, 0), (gate("z", 2),)),
        Measure(2, 2),
    )
    arrived = distribution(circuit)
    assert sum(p for key, p in arrived.items() if key[0] == "1") == pytest.approx(0.25)
    assert len(arrived) == 8


def test_more_bits_than_a_machine_word():
    circuit = program(
        2, 130, gate("x", 0), Measure(0, 129), Measure(1, 0), If(bits_are(1, 129), (gate("h", 1),)), Measure(1, 1)
    )
    high = "1" + "0" * 127
    assert distribution(circuit) == pytest.approx({high + "00": 0.5, high + "10": 0.5})


def test_many_resets_of_entangled_qubits_stay_small_and_exact():
    again = [step for _ in range(12) for step in (gate("h", 0), gate("cx", 0, 1), gate("cx", 1, 2), Reset(0))]
    outcomes = distribution(program(3, 3, *again, Measure(0, 0), Measure(1, 1), Measure(2, 2)))
    assert sum(outcomes.values()) == pytest.approx(1.0)
    assert set(outcomes) == {"000", "010", "100", "110"}
    assert all(math.isclose(p, 0.25) for p in outcomes.values())
