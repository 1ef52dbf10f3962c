"""Every way a circuit can have gone so far: classical words, each with an unnormalised state vector."""

from dataclasses import dataclass, replace

import numpy as np

NEGLIGIBLE = 1e-15
WORD_BITS = 62
CROWDED = 32


@dataclass(frozen=True)
class Ensemble:
    """Row i of `states` is a state of the qubits `live`, reached with the classical bits `words[i]`.

    The squared norm of a row is its probability. A qubit that is not live is |0>, or gone for good.
    """

    words: np.ndarray
    states: np.ndarray
    live: tuple[int, ...] = ()


def start(bits):
    kind = np.int64 if bits <= WORD_BITS else object
    return Ensemble(np.zeros(1, dtype=kind), np.ones((1, 1), dtype=complex))


def weights(ensemble):
    return (np.abs(ensemble.states) ** 2).sum(axis=1)


def select(ensemble, rows):
    return replace(ensemble, words=ensemble.words[rows], states=ensemble.states[rows])


def join(ensembles):
    words = np.concatenate([ensemble.words for ensemble in ensembles])
    states = np.concatenate([ensemble.states for ensemble in ensembles])
    return thin(Ensemble(words, states, ensembles[0].live))


def thin(ensemble):
    """Drop rows of no weight; where one word has more rows than its states have dimensions, mix them."""
    kept = select(ensemble, weights(ensemble) > NEGLIGIBLE)
    return mix(kept) if len(kept.words) > max(CROWDED, kept.states.shape[1]) else kept


def mix(ensemble):
    """Replace the rows of each word by as few with the same density matrix: V^T V* = R^T R* where V = QR."""
    words, groups = np.unique(ensemble.words, return_inverse=True)
    size = ensemble.states.shape[1]
    if len(words) * size >= len(ensemble.words):
        return ensemble
    rows = [ensemble.states[groups == group] for group in range(len(words))]
    rows = [np.linalg.qr(states, mode="r") if len(states) > size else states for states in rows]
    return replace(ensemble, words=np.repeat(words, [len(states) for states in rows]), states=np.concatenate(rows))


def awaken(ensemble, qubit):
    if qubit in ensemble.live:
        return ensemble
    states = np.stack([ensemble.states, np.zeros_like(ensemble.states)], axis=-1)
    return Ensemble(ensemble.words, states.reshape(len(states), -1), (*ensemble.live, qubit))


def turn(ensemble, matrix, qubits):
    """Apply `matrix`, for which the first of `qubits` is the most significant."""
    axes = [1 + ensemble.live.index(qubit) for qubit in qubits]
    folded = ensemble.states.reshape(-1, *[2] * len(ensemble.live))
    turned = np.zeros_like(folded)
    for row, column in np.argwhere(matrix):
        turned[_slot(axes, row)] += matrix[row, column] * folded[_slot(axes, column)]
    return replace(ensemble, states=turned.reshape(ensemble.states.shape))


def _slot(axes, number):
    """Index the entries whose `axes` read as `number`, the first the most significant."""
    index = [slice(None)] * (1 + max(axes))
    for position, axis in enumerate(reversed(axes)):
        index[axis] = number >> position & 1
    return tuple(index)


def _folded(ensemble, qubit):
    position = ensemble.live.index(qubit)
    return ensemble.states.reshape(len(ensemble.words), 2**position, 2, -1)


def project(ensemble, qubit, value):
    folded = _folded(ensemble, qubit)
    states = np.zeros_like(folded)
    states[:, :, value] = folded[:, :, value]
    return replace(ensemble, states=states.reshape(ensemble.states.shape))


def forget(ensemble, qubit):
    """Trace the qubit out."""
    folded = _folded(ensemble, qubit)
    live = tuple(other for other in ensemble.live if other != qubit)
    return join([Ensemble(ensemble.words, folded[:, :, value].reshape(len(folded), -1), live) for value in (0, 1)])


def write(ensemble, bit, value):
    mask = 1 << bit
    return replace(ensemble, words=ensemble.words & ~mask | value * mask)


def holds(ensemble, bits, value):
    """Say of each row whether its `bits`, the lowest first, are the number `value`."""
    if value >> len(bits):
        return np.zeros(len(ensemble.words), dtype=bool)
    rows = np.ones(len(ensemble.words), dtype=bool)
    for position, bit in enumerate(bits):
        rows &= (ensemble.words >> bit & 1) == (value >> position & 1)
    return rows
