"""Errors as RFC 9457 problem documents: a stable `type`, the reason, and nothing about the inside of the server."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.responses import Response

from farshot import errors
from farshot.wire import PROBLEM, Problem, encode

if TYPE_CHECKING:
    from starlette.requests import Request

    from farshot.model import JobRecord


_log = logging.getLogger("farshot.service")


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of problem: its name, its HTTP status, and its title."""

    name: str
    status: int
    title: str

    @property
    def uri(self) -> str:
        """The `type` of the documents of this kind."""
        return f"/problems/{self.name}"


class BodyError(errors.FarshotError):
    """The body of a request is malformed."""


class ParameterError(errors.FarshotError):
    """A parameter of a request is unknown or wrong."""


class MediaTypeError(errors.FarshotError):
    """The body of a request is of a type or coding that is not understood."""


class TooLargeError(errors.FarshotError):
    """The body of a request is larger than the limit."""


class ForbiddenError(errors.FarshotError):
    """The user's role does not allow this."""


class EndedError(errors.FarshotError):
    """The job has ended, so that it cannot be cancelled."""

    def __init__(self, record: JobRecord) -> None:
        self.record = record
        super().__init__(f"job {record.id} is {record.status} already")


class BegunError(errors.FarshotError):
    """The job has begun, so that it cannot be changed any more."""


class MissingError(errors.FarshotError):
    """The job has no resource of the requested kind."""


class NotOfferedError(errors.FarshotError):
    """The service does not offer this function."""


class NotReadyError(errors.FarshotError):
    """The service is starting or stopping."""


class BusyError(errors.FarshotError):
    """The service is at its limit for requests of this sort."""


KINDS = {
    kind.name: kind
    for kind in (
        Kind("body", 400, "The body is not what it must be"),
        Kind("parameter", 400, "A parameter of the request is wrong"),
        Kind("batch", 400, "The batch is wrong; nothing was stored"),
        Kind("option", 400, "An option is wrong; nothing was stored"),
        Kind("target", 400, "There is no such target here"),
        Kind("not-completed", 400, "The job is not COMPLETED"),
        Kind("unauthorized", 401, "A valid token is needed"),
        Kind("forbidden", 403, "The user may not do this"),
        Kind("not-found", 404, "There is no such thing"),
        Kind("account", 404, "There is no such user or token"),
        Kind("method", 405, "The method is not allowed here"),
        Kind("timeout", 408, "The request took too long"),
        Kind("key-conflict", 409, "The key was used for another batch"),
        Kind("upload", 409, "The part does not fit the job"),
        Kind("begun", 409, "The job has begun"),
        Kind("ended", 409, "The job has ended"),
        Kind("too-large", 413, "The body is too large"),
        Kind("media-type", 415, "The media type is not understood"),
        Kind("http", 400, "This is not a request of HTTP/1.1"),
        Kind("head-too-large", 431, "The head of the request is too large"),
        Kind("quota", 429, "That would be more than the user may have"),
        Kind("internal", 500, "The service has a defect"),
        Kind("not-offered", 501, "The service has nothing that could do this"),
        Kind("store", 503, "The store cannot be used"),
        Kind("store-full", 507, "The store has no room for more"),
        Kind("not-ready", 503, "The service is not ready"),
        Kind("busy", 503, "The service has too much to do at the moment"),
    )
}

_ERROR_KINDS: tuple[tuple[type[Exception], str], ...] = (
    (errors.WireError, "body"),
    (BodyError, "body"),
    (ParameterError, "parameter"),
    (MediaTypeError, "media-type"),
    (TooLargeError, "too-large"),
    (errors.KeyConflictError, "key-conflict"),
    (errors.MissingExtraError, "target"),
    (errors.TargetError, "target"),
    (errors.OptionError, "option"),
    (errors.BatchError, "batch"),
    (errors.CircuitError, "batch"),
    (errors.HandleError, "parameter"),
    (errors.UnknownJobError, "not-found"),
    (errors.UnknownAccountError, "account"),
    (errors.UploadError, "upload"),
    (MissingError, "not-found"),
    (BegunError, "begun"),
    (EndedError, "ended"),
    (errors.AccessError, "unauthorized"),
    (ForbiddenError, "forbidden"),
    (errors.QuotaError, "quota"),
    (errors.JobNotCompletedError, "not-completed"),
    (NotOfferedError, "not-offered"),
    (NotReadyError, "not-ready"),
    (BusyError, "busy"),
    (errors.StoreFullError, "store-full"),
    (errors.StoreError, "store"),
)
_STATUS_KINDS = {404: "not-found", 405: "method", 400: "body", 413: "too-large"}
_FIXED_DETAILS = {
    "store-full": "the disk of the service is full: nothing was stored; try again when its operator has made room",
    "store": "the store cannot be used now: try again later; the service's log says why",
    "internal": "the request met a defect of the service, whose log says more",
}
"""Details of kinds whose errors could reveal the inside of the server."""
_MAX_DETAIL_CHARACTERS = 1000
_RETRY_SECONDS = {"store": 1.0, "not-ready": 1.0, "busy": 1.0}


def problem_of(error: Exception) -> Problem:
    """Return the problem document for `error`."""
    kind, detail = _kind_and_detail(error)
    return Problem(
        type=kind.uri,
        title=kind.title,
        status=kind.status,
        detail=detail,
        job_id=error.record.id if isinstance(error, EndedError) else None,
        job_status=error.record.status if isinstance(error, EndedError) else None,
        retry_after=error.retry_after if isinstance(error, errors.QuotaError) else _RETRY_SECONDS.get(kind.name),
    )


def _kind_and_detail(error: Exception) -> tuple[Kind, str]:
    if isinstance(error, HTTPException):
        return KINDS[_STATUS_KINDS.get(error.status_code, "internal")], str(error.detail)
    name = next((name for type_, name in _ERROR_KINDS if isinstance(error, type_)), "internal")
    detail = _FIXED_DETAILS.get(name) or str(error)
    if len(detail) > _MAX_DETAIL_CHARACTERS:  # it may repeat text of the client
        detail = f"{detail[:_MAX_DETAIL_CHARACTERS]}…"
    return KINDS[name], detail


def problem_response(request: Request, error: Exception) -> Response:
    """Return the response for `error`; a failure of the service itself is logged."""
    problem = problem_of(error)
    name = request.state.problem = problem.type.rpartition("/")[2]
    if name in {"internal", "store"}:
        _log_failure(request, error, name)
    headers = {}
    if problem.retry_after is not None:
        headers["Retry-After"] = str(max(1, round(problem.retry_after)))
    if problem.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, HTTPException) and error.headers:
        headers |= error.headers
    return Response(encode(problem), problem.status, headers, media_type=PROBLEM)


def _log_failure(request: Request, error: Exception, name: str) -> None:
    """Log a failure of the service: a defect with its traceback, an unreachable store in one line."""
    fields = {"event": "request-failed", "path": request.url.path, "problem": name}
    if name == "internal":
        _log.error("request failed", exc_info=error, extra={"fields": fields})
    else:
        _log.warning("request failed", extra={"fields": {**fields, "reason": str(error)}})
