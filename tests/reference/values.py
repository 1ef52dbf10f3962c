"""Expectation values of Pauli terms in the state before the final measurements."""

import numpy as np

from farshot.testing.circuits import Gate, If, Measure, Spread

from . import ensemble as e
from .evolution import perform, touched
from .gates import X, Y, Z

PAULIS = {"X": X, "Y": Y, "Z": Z}


def _flat(operations):
    for operation in operations:
        yield from operation.operations if isinstance(operation, Spread) else [operation]


def _is_nothing(operation, definitions):
    """Whether an operation is a gate that does nothing, and so nothing that follows a measurement."""
    if not isinstance(operation, Gate):
        return False
    if operation.name in definitions:
        return all(_is_nothing(each, definitions) for each in definitions[operation.name].body)
    return operation.name == "id"


def _without_final_measurements(operations, definitions):
    """Leave out each measurement of a qubit that only measurements follow, and whose bit no later condition reads."""
    kept, used, read = [], set(), set()
    for operation in reversed([each for each in _flat(operations) if not _is_nothing(each, definitions)]):
        if isinstance(operation, Measure) and operation.qubit not in used and operation.bit not in read:
            continue
        kept.append(operation)
        used |= touched(operation)
        read |= _read(operation)
    return kept[::-1]


def _read(operation):
    """Return the bits that the conditions of an operation read."""
    if not isinstance(operation, If):
        return set()
    return set(operation.condition.bits).union(*map(_read, operation.body + operation.otherwise))


def _final(program):
    state = e.start(program.bits)
    definitions = {definition.name: definition for definition in program.definitions}
    for qubit in range(program.qubits):
        state = e.awaken(state, qubit)
    for operation in _without_final_measurements(program.operations, definitions):
        state = perform(operation, state, definitions)
    return state


def _value(state, term):
    turned = state
    for qubit, letter in enumerate(term):
        turned = turned if letter == "I" else e.turn(turned, PAULIS[letter], (qubit,))
    return float(np.vdot(state.states, turned.states).real)


def expectations(program, terms):
    """Return the value of each term; its leftmost letter acts on qubit 0."""
    state = _final(program)
    return [_value(state, term) for term in terms]
