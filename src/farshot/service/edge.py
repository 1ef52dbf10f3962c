"""What every answer has, and the one line that is logged of it."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Edge"]

_log = logging.getLogger("farshot.requests")

_SAFE = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
)


class Edge:
    """Adds the headers that keep a browser from harm, and logs each request when it is done."""

    def __init__(self, app: ASGIApp) -> None:
        """Stand around `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.monotonic(), 0

        async def send_safely(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *_SAFE]
            await send(message)

        try:
            await self._app(scope, receive, send_safely)
        finally:
            _log.info("request", extra={"request": _facts(scope, status, time.monotonic() - began)})


def _facts(scope: Scope, status: int, seconds: float) -> dict[str, object]:
    """Return what is logged; the path is shortened and escaped by whoever writes the line."""
    state = scope.get("state", {})
    facts = {
        "method": scope["method"],
        "path": scope["path"][:200],
        "status": status,
        "ms": round(seconds * 1000, 1),
        "user": state.get("user"),
        "problem": state.get("problem"),
    }
    return {name: fact for name, fact in facts.items() if fact is not None}
