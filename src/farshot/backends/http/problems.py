"""The exceptions of `farshot.errors` for the answers of a service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farshot.errors import AccessError, FarshotError, QuotaError, ServiceError, WireError, errors_by_code
from farshot.wire import PROBLEM, Problem, read_answer

if TYPE_CHECKING:
    from httpx2 import Response


_ERRORS = errors_by_code()
_OF_THE_SERVICE = frozenset({"internal", "store", "not-completed"})
"""Problems that are the service's, whatever error is behind them there."""
_ERRORS_BY_STATUS: dict[int, type[FarshotError]] = {401: AccessError, 403: AccessError}


def problem_in(response: Response) -> Problem | None:
    """Return the problem document of an answer that was read; None if there is none."""
    if response.headers.get("content-type", "").partition(";")[0].strip() != PROBLEM:
        return None
    try:
        return read_answer(response.content, Problem)
    except WireError:
        return None


def error_of(response: Response, way: str = "") -> FarshotError:
    """Return the exception for an answer of 300 or more; `way` names the proxy that it came through."""
    problem = problem_in(response)
    if problem is None:
        kind = _ERRORS_BY_STATUS.get(response.status_code, ServiceError)
        location = response.headers.get("location")
        advice = f", which points to {location}: give that address" if location else ": is this a Farshot service?"
        asked = f"{response.request.method} {response.request.url}"
        return kind(f"{asked} was answered {response.status_code} {response.reason_phrase}{way}{advice}")
    name = problem.type.rpartition("/")[2]
    if name == "quota":
        return QuotaError(problem.detail, problem.retry_after)
    if name == "unauthorized":
        url = response.request.url
        service = f"the service at {url.scheme}://{url.netloc.decode('ascii')}"
        return AccessError(f"{service} did not take the token: {problem.detail}")
    return ServiceError(problem.detail) if name in _OF_THE_SERVICE else _ERRORS.get(name, ServiceError)(problem.detail)


def retry_after(response: Response) -> float:
    """Return the seconds that the service asks to wait before the next request; 0 if it does not."""
    text = response.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() else 0.0
