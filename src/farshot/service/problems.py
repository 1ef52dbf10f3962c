"""Errors as RFC 9457 problem documents: a stable `type`, the reason, and nothing about the inside of the server."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.responses import Response

from farshot import errors
from farshot.contract import JobStatus
from farshot.wire import PROBLEM, Problem, encode

if TYPE_CHECKING:
    from starlette.requests import Request


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

_OTHER_KINDS = {"handle": "parameter"}
"""The problem of a code that has none of its own."""
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
    ended = error if isinstance(error, errors.EndedError) else None
    return Problem(
        type=kind.uri,
        title=kind.title,
        status=kind.status,
        detail=detail,
        job_id=ended.job_id if ended else None,
        job_status=JobStatus(ended.status) if ended and ended.status else None,
        retry_after=error.retry_after if isinstance(error, errors.QuotaError) else _RETRY_SECONDS.get(kind.name),
    )


def _kind_and_detail(error: Exception) -> tuple[Kind, str]:
    if isinstance(error, HTTPException):
        return KINDS[_STATUS_KINDS.get(error.status_code, "internal")], str(error.detail)
    name = _name_of(error)
    detail = _FIXED_DETAILS.get(name) or str(error)
    if len(detail) > _MAX_DETAIL_CHARACTERS:  # it may repeat text of the client
        detail = f"{detail[:_MAX_DETAIL_CHARACTERS]}…"
    return KINDS[name], detail


def _name_of(error: Exception) -> str:
    """Return the name of the problem: the code of the error's class, or of the nearest base that has a problem."""
    if isinstance(error, errors.CircuitError):  # its code is the fault's
        return "batch"
    codes = [kind.code for kind in type(error).__mro__ if issubclass(kind, errors.FarshotError)]
    names = [_OTHER_KINDS.get(code, code) for code in codes]
    return next((name for name in names if name in KINDS), "internal")


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
