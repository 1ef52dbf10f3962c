"""What prism-q raises, as faults of circuits."""

from __future__ import annotations

import re
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from prism_q import PrismError

from farshot.errors import CircuitError, FaultCode
from farshot.simulators.limits import too_wide

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["fault_of", "translating"]

P = ParamSpec("P")
T = TypeVar("T")

_LINE = re.compile(r"^parse error at line (\d+): | at line (\d+)")
_COLUMN = re.compile(r" at column (\d+)$")


def translating(function: Callable[P, T]) -> Callable[P, T]:
    """Have `function` raise `CircuitError` for whatever prism-q raises in it."""

    @wraps(function)
    def translated(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except PrismError as error:
            raise fault_of(error) from error
        except BaseException as error:
            # A Rust panic derives from BaseException and its class cannot be imported; it ends this circuit only.
            if type(error).__name__ != "PanicException":
                raise
            raise CircuitError(FaultCode.INTERNAL, f"prism-q panicked: {error}") from error

    return translated


def fault_of(error: PrismError) -> CircuitError:
    """Return the fault that `error` is.

    A text that the scan admits is OpenQASM, so what prism-q cannot read is prism-q's lack.
    """
    if error.kind == "resource_limit":
        return _resource_fault(error)
    message = str(error)
    line = _LINE.search(message)
    return CircuitError(
        FaultCode.UNSUPPORTED,
        _COLUMN.sub("", _LINE.sub("", message)),
        line=int(line[1] or line[2]) if line else None,
    )


def _resource_fault(error: PrismError) -> CircuitError:
    if error.resource == "qubits" and error.required is not None:
        return too_wide(error.required, "statevector")
    needed = f"the circuit needs {error.required} {error.resource}, this worker's memory holds {error.limit}"
    return CircuitError(FaultCode.MEMORY, needed)
