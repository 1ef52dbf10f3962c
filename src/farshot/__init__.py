"""Batches of quantum circuits as asynchronous jobs: submit, poll, fetch, cancel.

>>> import farshot
>>> "LocalBackend" in dir(farshot)
True
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from farshot.contract import AsyncJobBackend, ExecutionResult, JobStatus
from farshot.errors import (
    BatchError,
    CircuitError,
    CircuitsInvalidError,
    ExecutionCancelledError,
    ExecutorError,
    FarshotError,
    FaultCode,
    HandleError,
    JobNotCompletedError,
    KeyConflictError,
    MissingExtraError,
    OptionError,
    PollingTimeoutError,
    StoreError,
    TargetError,
    UnknownJobError,
)

if TYPE_CHECKING:
    from farshot.admission.template import Template
    from farshot.backends.jobs import Job
    from farshot.backends.local import LocalBackend

__all__ = [
    "AsyncJobBackend",
    "BatchError",
    "CircuitError",
    "CircuitsInvalidError",
    "ExecutionCancelledError",
    "ExecutionResult",
    "ExecutorError",
    "FarshotError",
    "FaultCode",
    "HandleError",
    "Job",
    "JobNotCompletedError",
    "JobStatus",
    "KeyConflictError",
    "LocalBackend",
    "MissingExtraError",
    "OptionError",
    "PollingTimeoutError",
    "StoreError",
    "TargetError",
    "Template",
    "UnknownJobError",
    "__version__",
]

__version__ = "0.1.0"

_LATE = {
    "Job": "farshot.backends.jobs",
    "LocalBackend": "farshot.backends.local",
    "Template": "farshot.admission.template",
}


def __getattr__(name: str) -> object:
    """Import what is heavy when it is first used."""
    if name not in _LATE:
        message = f"module 'farshot' has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(importlib.import_module(_LATE[name]), name)


def __dir__() -> list[str]:
    return __all__
