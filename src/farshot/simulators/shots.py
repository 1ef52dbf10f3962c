"""The number of shots that one circuit may have if a simulator keeps or runs every one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farshot.errors import CircuitError, FaultCode
from farshot.model import Fault
from farshot.openqasm.facts import Feature
from farshot.openqasm.lowering import lower
from farshot.operations.operations import Branch, Gate, Measure, Reset
from farshot.simulators.limits import size_text, worker_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from farshot.openqasm.facts import Scan
    from farshot.operations.operations import Operation


_MANY_SHOTS = 1_000_000
"""Fewer shots are not the reason why a circuit is large or takes long."""
_MAX_SECONDS = 600.0
"""The longest that the shots of one circuit may take; several circuits with a part of them each run side by side."""
_SPREADING = frozenset({"h", "sx", "sxdg", "rx", "ry", "U", "rxx", "ryy"})
"""Gates that turn one basis state into several. The others permute them and change their phases."""
_INSTEAD = "ask for fewer, or for several circuits with a part of them each"


def check_room(shots: int, size: float) -> None:
    """Raise the fault `admission` if the worker has no room for so many shots of `size` bytes."""
    if size * shots > worker_memory():
        limit = f"a worker with {size_text(worker_memory())} holds {int(worker_memory() / size):,} of this circuit"
        message = f"{shots:,} shots take {size_text(int(size * shots))}, {limit}: {_INSTEAD}"
        raise CircuitError(FaultCode.ADMISSION, message)


def check_time(shots: int, seconds: Callable[[], float]) -> None:
    """Raise the fault `admission` if many shots take too long; `seconds` of one shot is called for many only."""
    if shots >= _MANY_SHOTS and (took := shots * seconds()) > _MAX_SECONDS:
        message = f"{shots:,} shots of this circuit take about {duration_text(took)} here, where each is run on its own"
        raise CircuitError(FaultCode.ADMISSION, f"{message}: {_INSTEAD}")


def naming_shots(fault: Fault, shots: int | None) -> Fault:
    """Return the fault with the number of shots if they are many and the circuit took too much memory or time."""
    if shots is None or shots < _MANY_SHOTS or fault.code not in {FaultCode.MEMORY, FaultCode.TIMEOUT}:
        return fault
    hint = f"it has {shots:,} shots: fewer take less, or several circuits with a part of them each"
    return Fault(fault.code, f"{fault.message}; {hint}", fault.line, fault.column)


def distinct_share(scan: Scan, shots: int) -> float:
    """Return how many outcomes a static circuit may have at most for each of its shots: 1 if all may differ."""
    bits = len({bit for _, bit in scan.measured})
    if shots < _MANY_SHOTS or Feature.CLIFFORD not in scan.features:
        return _share(bits, shots)
    return _share(min(bits, _count_spreading(operations_of(scan))), shots)


def path_share(scan: Scan, shots: int) -> float:
    """Return how many paths through a dynamic circuit there are at most for each shot: 1 if all may differ."""
    return _share(_count_forks(operations_of(scan)), shots)


def operations_of(scan: Scan) -> tuple[Operation, ...]:
    """Return the plain operations of a circuit."""
    return (scan.program or lower(scan.text)).operations


def _share(bits: int, shots: int) -> float:
    return 1.0 if bits > shots.bit_length() else min(1.0, 2**bits / shots)


def _count_spreading(operations: Iterable[Operation]) -> int:
    """Return how often the operations may double the number of basis states."""
    found = 0
    for operation in operations:
        if isinstance(operation, Gate) and operation.name in _SPREADING:
            found += len(operation.qubits) - operation.controls
        elif isinstance(operation, Branch):
            found += _count_spreading(operation.body) + _count_spreading(operation.otherwise)
    return found


def _count_forks(operations: Iterable[Operation]) -> int:
    """Return how often a path through the operations may divide in two."""
    found = 0
    for operation in operations:
        found += isinstance(operation, Measure | Reset)
        if isinstance(operation, Branch):
            found += _count_forks(operation.body) + _count_forks(operation.otherwise)
    return found


def duration_text(seconds: float) -> str:
    """Return a number of seconds as text, in minutes or hours."""
    return f"{seconds / 60:,.0f} min" if seconds < 2 * 3600 else f"{seconds / 3600:,.0f} h"
