"""What prism-q raises, as faults of circuits."""

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

_STATEMENT = "the simulator does not run this statement: write it with other gates or conditions"
_CIRCUIT = "the simulator does not run this circuit with this method: choose another target"
_DEFECT = "the simulator failed on this circuit, which is a defect of it: choose another target"


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
            _log.warning("prism-q panicked: %s", error)
            raise CircuitError(FaultCode.INTERNAL, _DEFECT) from error

    return translated


def fault_of(error: PrismError) -> CircuitError:
    """Return the fault that `error` is; its own words go to the log.

    A text that the scan admits is OpenQASM, so what prism-q cannot read is prism-q's lack.
    """
    _log.warning("prism-q: %s", error)
    if error.kind == "resource_limit":
        return _resource_fault(error)
    line = _LINE.search(str(error))
    if line is None:
        return CircuitError(FaultCode.UNSUPPORTED, _CIRCUIT)
    return CircuitError(FaultCode.UNSUPPORTED, _STATEMENT, line=int(line[1] or line[2]))


def _resource_fault(error: PrismError) -> CircuitError:
    if error.resource == "qubits" and error.required is not None:
        return too_wide(error.required, "statevector")
    needed = f"the circuit needs {error.required} {error.resource}, this worker's memory holds {error.limit}"
    return CircuitError(FaultCode.MEMORY, needed)
