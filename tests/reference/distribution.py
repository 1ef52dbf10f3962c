"""The exact distribution of a circuit over all its classical bits."""

import numpy as np

from . import ensemble as e
from .evolution import perform, touched


def _last_uses(operations):
    return {qubit: index for index, operation in enumerate(operations) for qubit in touched(operation)}


def _outcomes(program):
    state = e.start(program.bits)
    definitions = {definition.name: definition for definition in program.definitions}
    last_uses = _last_uses(program.operations)
    for index, operation in enumerate(program.operations):
        qubits = sorted(touched(operation))
        for qubit in qubits:
            state = e.awaken(state, qubit)
        state = perform(operation, state, definitions)
        for qubit in qubits:
            state = e.forget(state, qubit) if last_uses[qubit] == index else state
    return state


def distribution(program):
    """Return the probability of each outcome that is possible; bit 0 of the first register is rightmost."""
    outcomes = _outcomes(program)
    words, groups = np.unique(outcomes.words, return_inverse=True)
    weights = np.bincount(groups, e.weights(outcomes))
    return {f"{word:0{program.bits}b}": float(weight) for word, weight in zip(words, weights, strict=True)}
