"""What each operation does to an ensemble."""

import numpy as np

from farshot.testing.circuits import Barrier, Gate, If, Measure, Reset, Spread

from . import ensemble as e
from .angles import angle
from .gates import X, anticontrolled, controlled, library_matrix


def matrix_of(gate, definitions, names=None):
    angles = tuple(angle(text, names) for text in gate.angles)
    defined = definitions.get(gate.name)
    matrix = library_matrix(gate.name, angles) if defined is None else _defined_matrix(defined, angles, definitions)
    for modifier in reversed(gate.modifiers):
        matrix = _modified(matrix, modifier)
    return matrix


def _modified(matrix, modifier):
    match modifier:
        case "inv":
            return matrix.conj().T
        case "ctrl":
            return controlled(matrix)
        case "negctrl":
            return anticontrolled(matrix)
    raise ValueError(modifier)


def _defined_matrix(defined, angles, definitions):
    """Run the body on every basis state at once: row i starts as |i>, so the rows end as columns."""
    names = dict(zip(defined.angles, angles, strict=True))
    size = 2 ** len(defined.qubits)
    live = tuple(range(len(defined.qubits)))
    rows = e.Ensemble(np.zeros(size, dtype=np.int64), np.eye(size, dtype=complex), live)
    for gate in defined.body:
        rows = e.turn(rows, matrix_of(gate, definitions, names), gate.qubits)
    return rows.states.T


def touched(operation):
    """Return the qubits of an operation."""
    match operation:
        case Gate(qubits=qubits):
            return set(qubits)
        case Measure(qubit=qubit) | Reset(qubit=qubit):
            return {qubit}
        case Barrier():
            return set()
        case Spread(operations=parts):
            return set().union(*map(touched, parts))
        case If(body=body, otherwise=otherwise):
            return set().union(*map(touched, body + otherwise))
    raise TypeError(operation)


def perform(operation, state, definitions):
    match operation:
        case Gate(qubits=qubits):
            return e.turn(state, matrix_of(operation, definitions), qubits)
        case Measure(qubit=qubit, bit=bit):
            return _measure(state, qubit, bit)
        case Reset(qubit=qubit):
            return _reset(state, qubit)
        case Barrier():
            return state
        case Spread(operations=parts):
            return _perform_all(parts, state, definitions)
        case If():
            return _branch(operation, state, definitions)
    raise TypeError(operation)


def _measure(state, qubit, bit):
    halves = [e.project(state, qubit, value) for value in (0, 1)]
    return e.join([e.write(half, bit, value) for value, half in enumerate(halves)])


def _reset(state, qubit):
    zero, one = (e.project(state, qubit, value) for value in (0, 1))
    return e.join([zero, e.turn(one, X, (qubit,))])


def _branch(operation, state, definitions):
    rows = e.holds(state, operation.condition.bits, operation.condition.value)
    taken = _perform_all(operation.body, e.select(state, rows), definitions)
    other = _perform_all(operation.otherwise, e.select(state, ~rows), definitions)
    return e.join([taken, other])


def _perform_all(operations, state, definitions):
    for operation in operations:
        if len(state.words):
            state = perform(operation, state, definitions)
    return state
