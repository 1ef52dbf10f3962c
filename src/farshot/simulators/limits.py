"""How many qubits a worker's memory holds as a dense array."""

from __future__ import annotations

import os

__all__ = ["DENSE_QUBITS", "dense_qubits"]

DENSE_QUBITS = "PRISM_MAX_SV_QUBITS"
"""Where the worker says how wide a state vector may be; prism-q reads it too."""

_DEFAULT = 26


def dense_qubits() -> int:
    """Return the widest state vector that fits: a GiB where the worker does not say."""
    return int(os.environ.get(DENSE_QUBITS, _DEFAULT))
