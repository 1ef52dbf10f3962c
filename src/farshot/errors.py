"""The exception tree. Everything Farshot raises on purpose derives from `FarshotError`.

Every class has a stable `code`. A service answers with a problem of that name (`service/problems.py`), which a client
raises as that class again (`backends/http/problems.py`). An error that the caller caused is also a `ValueError`,
`TypeError` or `LookupError`, so that it can be caught without naming Farshot.

```text
FarshotError
├── ExecutionCancelledError          the caller's event or Ctrl-C ended the call
├── BatchError (ValueError)          the call is wrong; nothing was stored
│   ├── OptionError (TypeError)      an option is unknown or of the wrong type
│   ├── TargetError                  no such target
│   │   └── MissingExtraError        the target needs an extra that is not installed
│   ├── KeyConflictError             the same key was used for another batch
│   ├── TooLargeError                one request is larger than the service takes
│   └── CircuitsInvalidError         `validate=True` found circuits that cannot run
├── HandleError (ValueError)         the handle carries no job id
├── UnknownJobError (LookupError)    the store holds no such job
│   └── AmbiguousJobError            the id given begins the ids of several jobs
├── UnknownAccountError (LookupError)  the store holds no such user or token
├── JobNotCompletedError             results were requested, but the job is not COMPLETED; carries the faults
├── ResultError (LookupError)        the result holds no such circuit, or it has no outcome of this kind
├── PollingTimeoutError (TimeoutError)  the wait ran out of polls or of time; the job goes on
├── CircuitError                     one circuit cannot be run; becomes that circuit's fault
├── UploadError (ValueError)         a part does not belong to an uploading job, or one is missing
│   ├── EndedError                   the job has ended
│   └── BegunError                   the job has begun
├── ServiceError                     a service cannot be reached, or its answer cannot be used
│   ├── AccessError                  the token is missing, wrong, expired, revoked or not permitted to do this
│   │   └── ForbiddenError           the role of the user does not permit it
│   ├── QuotaError                   a quota is exceeded; `retry_after` says when to try again
│   ├── WireError (ValueError)       a document does not conform to the HTTP API
│   │   ├── ParameterError           a parameter of a request
│   │   └── MediaTypeError           the type or coding of a body
│   ├── NotOfferedError              the service does not offer this
│   ├── NotReadyError                the service starts or stops
│   ├── BusyError                    the service is at its limit
│   └── SubmissionError              it broke off, perhaps after the job was accepted: carries `key`, `job_id`
├── ConfigError (ValueError)         a setting is unknown or wrong: names it and its source
├── StoreError                       the store cannot be used; its files were left as they are
│   ├── StoreCorruptError            its content is damaged
│   ├── StoreFullError               its disk has no room for more
│   ├── StoreRefusalError            it refuses one row; trying again does not help
│   ├── BrokenJobError               the stored data of one job cannot be used: `job_id`
│   ├── StoreVersionError            a newer Farshot wrote it
│   └── StoreHostError               another machine used it last
├── TransitionError                  a state change that the table in `states` does not allow
└── ExecutorError                    workers cannot be started
    └── UpgradedError                the package was upgraded since this process started
```
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class FaultCode(StrEnum):
    """The reason why one circuit has no result. The list is fixed: programs branch on it."""

    PARSE = "parse"
    """The text is not OpenQASM."""
    UNSUPPORTED = "unsupported"
    """The text is OpenQASM that no simulator of the target can run correctly."""
    ADMISSION = "admission"
    """The circuit exceeds a limit, or does not fit its observables or its target."""
    MEMORY = "memory"
    """The simulation needs more memory than its worker has."""
    TIMEOUT = "timeout"
    """The circuit or its job ran out of time."""
    CRASH = "crash"
    """The simulator's process died while it ran this circuit."""
    CANCELLED = "cancelled"
    """The job was cancelled before this circuit ran."""
    INTERNAL = "internal"
    """Farshot or a simulator has a defect."""


class FarshotError(Exception):
    """The base of every error that Farshot raises on purpose."""

    code: str = "internal"
    """The stable name of this kind of error; the last word of the `type` of a problem that a service answers with."""

    def __reduce__(self) -> tuple[object, ...]:
        """Return how an error is copied and pickled: as it is, without calling its constructor again."""
        return _restore, (type(self), self.args, self.__dict__)


def _restore(kind: type[FarshotError], args: tuple[object, ...], state: Mapping[str, object]) -> FarshotError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class ExecutionCancelledError(FarshotError):
    """The call was ended by a cancellation event or by Ctrl-C.

    If the call was a submission, `key` is its key and `job_id` the id of the job that was withdrawn.
    """

    code = "cancelled"

    def __init__(self, *args: object, key: str | None = None, job_id: str | None = None) -> None:
        self.key = key
        self.job_id = job_id
        super().__init__(*args)


class BatchError(FarshotError, ValueError):
    """The submission is wrong as a whole. Nothing was stored."""

    code = "batch"


class OptionError(BatchError, TypeError):
    """An option, a circuit or a label is unknown or of the wrong type. Nothing was stored."""

    code = "option"


class TargetError(BatchError):
    """No target of this name exists."""

    code = "target"


class MissingExtraError(TargetError):
    """The target exists, but the extra that it needs is not installed."""

    code = "missing-extra"


class KeyConflictError(BatchError):
    """The key belongs to a job that was submitted with another body."""

    code = "key-conflict"


class TooLargeError(BatchError):
    """The body of a request is larger than the limit of the service."""

    code = "too-large"


class CircuitsInvalidError(BatchError):
    """`validate=True` found circuits that cannot run. `faults` maps each label to its error."""

    code = "circuits-invalid"

    def __init__(self, faults: Mapping[str, CircuitError]) -> None:
        self.faults = dict(faults)
        lines = [f"  {label!r}: {error}" for label, error in self.faults.items()]
        noun = "circuit" if len(lines) == 1 else "circuits"
        super().__init__("\n".join([f"{len(lines)} {noun} cannot run; nothing was submitted:", *lines]))


class HandleError(FarshotError, ValueError):
    """The handle carries no job id, so it does not name a job."""

    code = "handle"


class UnknownJobError(FarshotError, LookupError):
    """The store holds no job of this id."""

    code = "not-found"


class AmbiguousJobError(UnknownJobError):
    """The given id is a prefix of the ids of several jobs, or too short to be looked up."""

    code = "ambiguous"


class UnknownAccountError(FarshotError, LookupError):
    """The store holds no user of this name, or no token of this id."""

    code = "account"


class JobNotCompletedError(FarshotError):
    """Results were requested, but the job is not COMPLETED.

    `faults` maps the labels of the first hundred circuits that failed to their errors.
    """

    code = "not-completed"

    def __init__(self, message: str, faults: Mapping[str, CircuitError] | None = None) -> None:
        self.faults = dict(faults or {})
        super().__init__(message)


class ResultError(FarshotError, LookupError):
    """The result holds no circuit of this label, or the circuit has no outcome of this kind."""

    code = "result"


class PollingTimeoutError(FarshotError, TimeoutError):
    """The wait ended before the job did. The job goes on."""

    code = "polling-timeout"


class CircuitError(FarshotError):
    """One circuit cannot be run for the reason `code`, at `line` and `column` (from 1) if known."""

    code: FaultCode

    def __init__(self, code: FaultCode, message: str, *, line: int | None = None, column: int | None = None) -> None:
        self.code = code
        self.message = message
        self.line = line
        self.column = column
        place = "" if line is None else f"line {line}: " if column is None else f"line {line}, column {column}: "
        super().__init__(f"{place}{message}")


class UploadError(FarshotError, ValueError):
    """A part does not belong to an uploading job, or a part is missing. Nothing was changed."""

    code = "upload"


class BegunError(UploadError):
    """The job has begun, so that it cannot be changed any more."""

    code = "begun"


class EndedError(UploadError):
    """The job has ended, so that it cannot be cancelled. `job_id` and `status` say which and how, in the service."""

    code = "ended"

    def __init__(self, message: str, job_id: str | None = None, status: str | None = None) -> None:
        self.job_id = job_id
        self.status = status
        super().__init__(message)


class ServiceError(FarshotError):
    """A service cannot be reached, or its answer cannot be used."""

    code = "service"


class AccessError(ServiceError):
    """The token is missing, wrong, expired or revoked, or its user is not permitted to do this."""

    code = "unauthorized"


class ForbiddenError(AccessError):
    """The role of the user does not permit this."""

    code = "forbidden"


class QuotaError(ServiceError):
    """The user would exceed a quota. `retry_after` is in seconds; None: waiting does not help."""

    code = "quota"

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class WireError(ServiceError, ValueError):
    """A document does not conform to the HTTP API."""

    code = "body"


class MediaTypeError(WireError):
    """The body of a request is of a type or coding that is not understood."""

    code = "media-type"


class ParameterError(WireError):
    """A parameter of a request is unknown or wrong."""

    code = "parameter"


class SubmissionError(ServiceError):
    """The submission broke off after the service may have accepted it.

    Submitting the same batch again with `key` returns that job, or makes it. `job_id` is its id, if known.
    """

    code = "submission"

    def __init__(self, message: str, *, key: str, job_id: str | None) -> None:
        self.key = key
        self.job_id = job_id
        super().__init__(message)


class BusyError(ServiceError):
    """The service is at its limit for requests of this sort."""

    code = "busy"


class NotReadyError(ServiceError):
    """The service is starting or stopping."""

    code = "not-ready"


class NotOfferedError(ServiceError):
    """The service does not offer this function."""

    code = "not-offered"


class ConfigError(FarshotError, ValueError):
    """A setting is unknown or has an invalid value."""

    code = "config"


class StoreError(FarshotError):
    """The store cannot be used. Its files were left as they are."""

    code = "store"


class StoreCorruptError(StoreError):
    """The content of the store is damaged."""

    code = "store-corrupt"


class StoreFullError(StoreError):
    """The disk of the store is full. Nothing of the request was stored."""

    code = "store-full"


class StoreRefusalError(StoreError):
    """The store refuses a row that is too large or breaks a constraint. Trying again does not help."""

    code = "store-refusal"


class BrokenJobError(StoreError):
    """The stored data of the job `job_id` cannot be used. The cause of the exception says why."""

    code = "broken-job"

    def __init__(self, job_id: str, reason: str) -> None:
        self.job_id = job_id
        super().__init__(f"job {job_id} cannot be handled as it is stored: {reason}")


class StoreVersionError(StoreError):
    """The store was written by a newer Farshot."""

    code = "store-version"


class StoreHostError(StoreError):
    """The store was last used by another machine."""

    code = "store-host"


class TransitionError(FarshotError):
    """A change of state that the table in `farshot.states` does not allow."""

    code = "transition"


class ExecutorError(FarshotError):
    """Workers cannot be started."""

    code = "executor"


class UpgradedError(ExecutorError):
    """Workers are of another version than the process that starts them: the package was upgraded meanwhile."""

    code = "upgraded"


def errors_by_code() -> dict[str, type[FarshotError]]:
    """Return every class of the tree by its code; that of `CircuitError` is the fault's and is left out."""
    found: dict[str, type[FarshotError]] = {}
    waiting = [FarshotError]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.__module__ == __name__ and kind is not CircuitError:
            found[kind.code] = kind
    return found
