"""How many shots one circuit may have where a simulator keeps or follows every one of them."""

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


_MANY = 1_000_000
"""Fewer are not what makes a circuit large or long."""
_LONGEST = 600.0
"""Seconds that the shots of one circuit may take: what takes longer is better asked for in parts, side by side."""
_SPREADING = frozenset({"h", "sx", "sxdg", "rx", "ry", "U", "rxx", "ryy"})
"""Gates that make more basis states of one. The others move them and turn their phases."""
_INSTEAD = "ask for fewer, or for several circuits with a part of them each"


def check_room(shots: int, size: float) -> None:
    """Raise the fault `admission` where the worker has no room for so many shots of `size` bytes."""
    if size * shots > worker_memory():
        most = f"a worker with {size_text(worker_memory())} holds {int(worker_memory() / size):,} of this circuit"
        message = f"{shots:,} shots take {size_text(int(size * shots))}, {most}: {_INSTEAD}"
        raise CircuitError(FaultCode.ADMISSION, message)


def check_time(shots: int, seconds: Callable[[], float]) -> None:
    """Raise the fault `admission` where many shots take too long; only of many is it asked what one takes."""
    if shots >= _MANY and (took := shots * seconds()) > _LONGEST:
        message = f"{shots:,} shots of this circuit take about {_duration(took)} here, where each is run on its own"
        raise CircuitError(FaultCode.ADMISSION, f"{message}: {_INSTEAD}")


def naming_shots(fault: Fault, shots: int | None) -> Fault:
    """Return the fault of a circuit that took too much memory or time; where it has many shots, they are named."""
    if shots is None or shots < _MANY or fault.code not in {FaultCode.MEMORY, FaultCode.TIMEOUT}:
        return fault
    hint = f"it has {shots:,} shots: fewer take less, or several circuits with a part of them each"
    return Fault(fault.code, f"{fault.message}; {hint}", fault.line, fault.column)


def distinct_share(scan: Scan, shots: int) -> float:
    """Return how many outcomes a static circuit may have at most for each of its shots: 1 where all may differ."""
    bits = len({bit for _, bit in scan.measured})
    if shots < _MANY or Feature.CLIFFORD not in scan.features:
        return _share(bits, shots)
    return _share(min(bits, _spread(operations_of(scan))), shots)


def path_share(scan: Scan, shots: int) -> float:
    """Return how many ways through a dynamic circuit there are for each shot, at most: 1 where all may differ."""
    return _share(_forks(operations_of(scan)), shots)


def operations_of(scan: Scan) -> tuple[Operation, ...]:
    """Return what the circuit does, written out."""
    return (scan.program or lower(scan.text)).operations


def _share(bits: int, shots: int) -> float:
    return 1.0 if bits > shots.bit_length() else min(1.0, 2**bits / shots)


def _spread(operations: Iterable[Operation]) -> int:
    """Return a power of 2 that there are no more outcomes than."""
    found = 0
    for operation in operations:
        if isinstance(operation, Gate) and operation.name in _SPREADING:
            found += len(operation.qubits) - operation.controls
        elif isinstance(operation, Branch):
            found += _spread(operation.body) + _spread(operation.otherwise)
    return found


def _forks(operations: Iterable[Operation]) -> int:
    """Return how often a way through the operations may divide in two."""
    found = 0
    for operation in operations:
        found += isinstance(operation, Measure | Reset)
        if isinstance(operation, Branch):
            found += _forks(operation.body) + _forks(operation.otherwise)
    return found


def _duration(seconds: float) -> str:
    return f"{seconds / 60:,.0f} min" if seconds < 2 * 3600 else f"{seconds / 3600:,.0f} h"
