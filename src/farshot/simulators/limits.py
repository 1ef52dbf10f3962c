"""The memory of a worker, and the dense arrays that fit into it."""

from __future__ import annotations

import math
import os
from functools import cache

from farshot.errors import CircuitError, FaultCode

MEMORY_VARIABLE = "FARSHOT_WORKER_MEMORY"
"""The environment variable with the bytes that a worker may use."""

_DEFAULT_MEMORY_BYTES = 2**31
_AMPLITUDE_BYTES = 16


@cache
def worker_memory() -> int:
    """Return the bytes that this worker may use, which are set once, before it starts; 2 GiB by default."""
    return int(os.environ.get(MEMORY_VARIABLE, _DEFAULT_MEMORY_BYTES))


@cache
def dense_qubits() -> int:
    """Return the qubits of the widest state vector that fits together with a second copy of it."""
    return max(1, int(math.log2(worker_memory() / _AMPLITUDE_BYTES)) - 1)


def check_dense(width: int, method: str) -> None:
    """Raise the fault `memory` if an array of 2**`width` amplitudes does not fit."""
    if width > dense_qubits():
        raise too_wide(width, method)


def too_wide(width: int, method: str) -> CircuitError:
    """Return the fault of a circuit whose 2**`width` amplitudes do not fit."""
    needed, available = size_text(amplitudes_size(width)), size_text(worker_memory())
    message = f"the {method} method needs {needed} and as much again while it works, the worker has {available}"
    return CircuitError(FaultCode.MEMORY, f"{message}; a target with matrix product states (':mps') may need less")


def amplitudes_size(width: int) -> int:
    """Return the bytes of 2**`width` amplitudes."""
    return _AMPLITUDE_BYTES << width


def size_text(size: int) -> str:
    """Return a number of bytes as text, as a power of 2 if no machine has so many.

    >>> size_text(3 * 2**20), size_text(2**31), size_text(2**44), size_text(2**64)
    ('3 MiB', '2 GiB', '16,384 GiB', '2**34 GiB')
    """
    if size < 2**30:
        return f"{size / 2**20:,.3g} MiB"
    if size < 2**40:
        return f"{size / 2**30:.3g} GiB"
    return f"{size / 2**30:,.0f} GiB" if size < 2**50 else f"2**{size.bit_length() - 31} GiB"
