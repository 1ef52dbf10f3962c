"""What the protocol itself answers to a request that never reaches the application."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from farshot.service.middleware import SAFE_HEADERS
from farshot.service.problems import KINDS
from farshot.wire import PROBLEM, Problem, encode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from farshot.service.problems import Kind


BODY_TOO_LARGE = KINDS["too-large"]
BUSY = KINDS["busy"]
HEAD_TOO_LARGE = KINDS["head-too-large"]
NOT_HTTP = KINDS["http"]
TOO_SLOW = KINDS["timeout"]
_RETRY = 1.0


def refusal(kind: Kind, detail: str, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return a whole response, `headers` included, that closes the connection with a problem document."""
    retry = _RETRY if kind is BUSY else None
    body = encode(Problem(type=kind.uri, title=kind.title, status=kind.status, detail=detail, retry_after=retry))
    own = [
        (b"content-type", PROBLEM.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
        *([] if retry is None else [(b"retry-after", b"%d" % retry)]),
    ]
    status = HTTPStatus(kind.status)
    lines = [b"%b: %b\r\n" % header for header in [*headers, *SAFE_HEADERS, *own]]
    return b"".join([f"HTTP/1.1 {status} {status.phrase}\r\n".encode(), *lines, b"\r\n", body])
