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
    AccessError,
    AmbiguousJobError,
    BatchError,
    BegunError,
    BusyError,
    CircuitError,
    CircuitsInvalidError,
    ConfigError,
    EndedError,
    ExecutionCancelledError,
    ExecutorError,
    FarshotError,
    FaultCode,
    ForbiddenError,
    HandleError,
    JobNotCompletedError,
    KeyConflictError,
    MediaTypeError,
    MissingExtraError,
    NotOfferedError,
    NotReadyError,
    OptionError,
    ParameterError,
    PollingTimeoutError,
    QuotaError,
    ResultError,
    ServiceError,
    StoreCorruptError,
    StoreError,
    StoreFullError,
    StoreHostError,
    StoreVersionError,
    SubmissionError,
    TargetError,
    TooLargeError,
    UnknownAccountError,
    UnknownJobError,
    UpgradedError,
    UploadError,
    WireError,
)
from farshot.version import __version__

if TYPE_CHECKING:
    from farshot.backends.group_wait import as_completed, gather
    from farshot.backends.jobs import Job
    from farshot.backends.local import LocalBackend
    from farshot.backends.remote import RemoteBackend
    from farshot.backends.results import JobResult
    from farshot.backends.shared import run
    from farshot.templates.template import Template

__all__ = [
    "AccessError",
    "AmbiguousJobError",
    "AsyncJobBackend",
    "BatchError",
    "BegunError",
    "BusyError",
    "CircuitError",
    "CircuitsInvalidError",
    "ConfigError",
    "EndedError",
    "ExecutionCancelledError",
    "ExecutionResult",
    "ExecutorError",
    "FarshotError",
    "FaultCode",
    "ForbiddenError",
    "HandleError",
    "Job",
    "JobNotCompletedError",
    "JobResult",
    "JobStatus",
    "KeyConflictError",
    "LocalBackend",
    "MediaTypeError",
    "MissingExtraError",
    "NotOfferedError",
    "NotReadyError",
    "OptionError",
    "ParameterError",
    "PollingTimeoutError",
    "QuotaError",
    "RemoteBackend",
    "ResultError",
    "ServiceError",
    "StoreCorruptError",
    "StoreError",
    "StoreFullError",
    "StoreHostError",
    "StoreVersionError",
    "SubmissionError",
    "TargetError",
    "Template",
    "TooLargeError",
    "UnknownAccountError",
    "UnknownJobError",
    "UpgradedError",
    "UploadError",
    "WireError",
    "__version__",
    "as_completed",
    "gather",
    "run",
]

_LAZY_MODULES = {
    "Job": "farshot.backends.jobs",
    "JobResult": "farshot.backends.results",
    "LocalBackend": "farshot.backends.local",
    "RemoteBackend": "farshot.backends.remote",
    "Template": "farshot.templates.template",
    "as_completed": "farshot.backends.group_wait",
    "gather": "farshot.backends.group_wait",
    "run": "farshot.backends.shared",
}


def __getattr__(name: str) -> object:
    """Import a heavy public name when it is first used."""
    if name not in _LAZY_MODULES:
        message = f"module 'farshot' has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(importlib.import_module(_LAZY_MODULES[name]), name)


def __dir__() -> list[str]:
    return __all__
