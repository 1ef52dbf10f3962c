"""From the answers of the service to the exceptions of `farshot.errors`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farshot.errors import (
    AccessError,
    BatchError,
    FarshotError,
    KeyConflictError,
    OptionError,
    QuotaError,
    ServiceError,
    StoreFullError,
    TargetError,
    UnknownAccountError,
    UnknownJobError,
    UploadError,
    WireError,
)
from farshot.wire import PROBLEM, Problem, read_answer

if TYPE_CHECKING:
    from httpx2 import Response


_ERRORS: dict[str, type[FarshotError]] = {
    "forbidden": AccessError,
    "not-found": UnknownJobError,
    "account": UnknownAccountError,
    "batch": BatchError,
    "option": OptionError,
    "target": TargetError,
    "too-large": BatchError,
    "key-conflict": KeyConflictError,
    "store-full": StoreFullError,
    "upload": UploadError,
    "ended": UploadError,
    "body": WireError,
    "media-type": WireError,
    "parameter": WireError,
}
"""By the last word of a problem's `type`; `quota` and `unauthorized` say more, all others are a `ServiceError`."""
_OF_STATUS: dict[int, type[FarshotError]] = {401: AccessError, 403: AccessError}


def problem_in(response: Response) -> Problem | None:
    """Return the problem document of an answer that was read; None where it holds none."""
    if response.headers.get("content-type", "").partition(";")[0].strip() != PROBLEM:
        return None
    try:
        return read_answer(response.content, Problem)
    except WireError:
        return None


def error_of(response: Response, way: str = "") -> FarshotError:
    """Return the exception that an answer of 300 or more stands for; `way` says what it came through."""
    problem = problem_in(response)
    if problem is None:
        kind = _OF_STATUS.get(response.status_code, ServiceError)
        answer = f"was answered {response.status_code} {response.reason_phrase}{way}"
        return kind(f"{_asked(response)} {answer}{_elsewhere(response)}")
    name = problem.type.rpartition("/")[2]
    if name == "quota":
        return QuotaError(problem.detail, problem.retry_after)
    if name == "unauthorized":
        return AccessError(f"{_service(response)} did not take the token: {problem.detail}")
    return _ERRORS.get(name, ServiceError)(problem.detail)


def _service(response: Response) -> str:
    url = response.request.url
    return f"the service at {url.scheme}://{url.netloc.decode('ascii')}"


def _asked(response: Response) -> str:
    return f"{response.request.method} {response.request.url}"


def _elsewhere(response: Response) -> str:
    location = response.headers.get("location")
    return f", which points to {location}: give that address" if location else ": is this a Farshot service?"


def retry_after(response: Response) -> float:
    """Return how many seconds the service wants to be left alone; 0 where it does not say."""
    text = response.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() else 0.0
