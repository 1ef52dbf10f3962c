import pytest

from farshot.operations.deferral import deferred, dephased, without_final_measurements
from farshot.operations.operations import Branch, Condition, Gate, Measure, PlainCircuit, Reset


def gate(name, *qubits, controls=0):
    return Gate(name, (), controls, qubits, 0)


def measure(qubit, bit):
    return Measure(qubit, bit, 0)


def when(bits, value, *body, otherwise=()):
    return Branch(Condition(bits, value), body, otherwise, 0)


def program_of(qubits, *operations):
    return PlainCircuit(qubits, (3,), operations)


def made(qubits, observed, *operations):
    """Return what is made of `operations` as words, and how many qubits that takes."""
    found, _places = deferred(program_of(qubits, *operations), observed)
    return [f"{'c' * each.controls}{each.name} {' '.join(map(str, each.qubits))}" for each in found.operations], (
        found.qubits
    )


X = gate("x", 1)
FIRST = measure(0, 0)


@pytest.mark.parametrize(
    ("operations", "kept"),
    [
        ([FIRST, measure(1, 1)], []),
        ([FIRST, gate("h", 0)], [0, 1]),
        ([FIRST, X], [1]),
        ([FIRST, when((0,), 1, X)], [0, 1]),
        ([FIRST, when((1,), 1, X)], [1]),
        ([FIRST, measure(0, 1), when((1,), 1, X)], [0, 1, 2]),
        ([measure(0, 1), when((0,), 1, when((1,), 1, X))], [0, 1]),
        ([FIRST, when((1,), 1, X, otherwise=(when((0,), 1, X),))], [0, 1]),
        ([FIRST, Reset(0, 0)], [0, 1]),
    ],
)
def test_a_measurement_is_final_where_nothing_follows_on_its_qubit_and_no_condition_reads_its_bit(operations, kept):
    found = without_final_measurements(program_of(2, *operations))
    assert list(found.operations) == [operations[place] for place in kept]


def test_a_qubit_that_changes_later_is_copied():
    assert made(2, {1}, FIRST, gate("h", 0), when((0,), 1, X)) == (["cx 0 2", "h 0", "cx 2 1"], 3)


@pytest.mark.parametrize(("observed", "words"), [({0}, ["cx 0 2", "cx 2 1"]), ({1}, ["cx 0 1"])])
def test_a_qubit_that_is_observed_is_copied(observed, words):
    assert made(2, observed, FIRST, when((0,), 1, X))[0] == words


def test_a_reset_goes_on_with_a_fresh_qubit():
    operations = (FIRST, Reset(0, 0), when((0,), 1, X), gate("h", 0))
    assert made(2, {0}, *operations) == (["cx 0 1", "h 2"], 3)
    assert deferred(program_of(2, *operations), {0})[1] == (2, 1)


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        (when((0,), 0, X), ["x 1"]),
        (when((0,), 1, X), []),
        (when((0,), 1, otherwise=(X,)), ["x 1"]),
        (when((0,), 0, otherwise=(X,)), []),
        (when((0, 1), 4, X), []),
    ],
)
def test_bits_that_nothing_was_measured_into_are_0(operation, words):
    assert made(2, {1}, operation)[0] == words


def test_otherwise_is_controlled_by_0():
    assert made(2, {1}, FIRST, when((0,), 1, otherwise=(X,)))[0] == ["x 0", "cx 0 1", "x 0"]


def test_a_condition_on_several_bits_takes_a_qubit_that_is_idle_again_after_it():
    operations = (FIRST, measure(1, 1), *2 * [when((0, 1), 2, gate("y", 2))])
    flip = ["x 0", "ccx 0 1 3", "x 0"]
    assert made(3, {2}, *operations) == (2 * [*flip, "cy 3 2", *flip], 4)


def test_otherwise_of_several_bits():
    flips = ["ccx 0 1 3", "x 3"]
    operations = (FIRST, measure(1, 1), when((0, 1), 3, otherwise=(gate("y", 2),)))
    assert made(3, {2}, *operations)[0] == [*flips, "cy 3 2", *flips]


def test_what_is_measured_under_a_condition_keeps_the_bit_elsewhere():
    operations = (FIRST, when((0,), 1, measure(1, 1)), when((1,), 1, gate("x", 2)))
    assert made(3, {2}, *operations)[0] == ["ccx 1 0 3", "cx 3 2"]


def test_a_bit_that_is_written_under_its_own_condition():
    operations = (FIRST, when((0,), 0, measure(1, 0)), when((0,), 1, gate("x", 2)))
    assert made(3, {2}, *operations)[0] == ["x 0", "ccx 1 0 3", "x 0", "cx 0 3", "cx 3 2"]


def test_a_condition_inside_that_contradicts_the_one_around_is_never_met():
    assert made(2, {1}, FIRST, when((0,), 1, when((0,), 0, X)))[0] == ["cx 2 1"]


def test_a_reset_under_a_condition_swaps():
    words, width = made(2, {1}, FIRST, when((0,), 1, Reset(1, 0)))
    assert (words, width) == (["cx 2 1", "ccx 0 1 2", "cx 2 1"], 3)


def test_an_outcome_that_nobody_reads_is_copied_to_one_qubit_and_lost():
    found = dephased(program_of(2, FIRST, X, measure(1, 0)))
    lost = Reset(2, 0)
    assert found.operations == (gate("x", 0, 2, controls=1), lost, X, gate("x", 1, 2, controls=1), lost)
    assert found.qubits == 3
