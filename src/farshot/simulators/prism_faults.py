"""Translating the errors of prism-q to faults of circuits."""

from __future__ import annotations

import logging
import re
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from prism_q import PrismError

from farshot.errors import CircuitError, FaultCode
from farshot.simulators.limits import too_wide

if TYPE_CHECKING:
    from collections.abc import Callable


P = ParamSpec("P")
T = TypeVar("T")

_LINE = re.compile(r"^parse error at line (\d+): | at line (\d+)")
_log = logging.getLogger(__name__)

_UNREAD_STATEMENT = "the simulator does not run this statement: write it with other gates or conditions"
_UNREAD_CIRCUIT = "the simulator does not run this circuit with this method: choose another target"
_DEFECT = "the simulator failed on this circuit, which is a defect of it: choose another target"


def translating(function: Callable[P, T]) -> Callable[P, T]:
    """Return `function` such that it raises `CircuitError` for every error of prism-q in it."""

    @wraps(function)
    def translated(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except PrismError as error:
            raise _fault(error) from error
        except BaseException as error:
            # A Rust panic derives from BaseException, its class cannot be imported, and it ends this circuit only.
            if type(error).__name__ != "PanicException":
                raise
            _log.warning("prism-q panicked: %s", error)
            raise CircuitError(FaultCode.INTERNAL, _DEFECT) from error

    return translated


def _fault(error: PrismError) -> CircuitError:
    """Return an error as a fault, and log its text.

    A text that passed the scan is OpenQASM, so a statement that prism-q cannot read is unsupported, not wrong.
    """
    _log.warning("prism-q: %s", error)
    if error.kind == "resource_limit":
        if error.resource == "qubits" and error.required is not None:
            return too_wide(error.required, "statevector")
        needed = f"the circuit needs {error.required} {error.resource}, this worker's memory holds {error.limit}"
        return CircuitError(FaultCode.MEMORY, needed)
    line = _LINE.search(str(error))
    if line is None:
        return CircuitError(FaultCode.UNSUPPORTED, _UNREAD_CIRCUIT)
    return CircuitError(FaultCode.UNSUPPORTED, _UNREAD_STATEMENT, line=int(line[1] or line[2]))
