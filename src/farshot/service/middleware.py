"""The middleware around every route: safe headers on each answer, and one metric and one log line for each request."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from farshot.service.logs import tell
from farshot.service.metrics import OTHER

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from farshot.service.metrics import Metrics


_log = logging.getLogger("farshot.requests")

SAFE_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
)
_POLLED_ROUTES = frozenset({"/healthz", "/readyz", "/metrics"})
"""Routes that machines ask again and again; their successes are logged at level DEBUG."""


class ResponseMiddleware:
    """Adds the headers that keep a browser from harm, and counts and logs each request when it is done."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

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
                message["headers"] = [*message.get("headers", ()), *SAFE_HEADERS]
            await send(message)

        try:
            await self._app(scope, receive, send_safely)
        finally:
            self._record(scope, status, time.monotonic() - began)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        """Count and log a request; status 0 means that the client left before there was an answer."""
        state = scope.get("state", {})
        route, problem = state.get("route", OTHER), state.get("problem")
        self._metrics.count_request(scope["method"], route, status, seconds, problem)
        is_refused = status == 401
        is_quiet = route in _POLLED_ROUTES and status == 200
        tell(
            _log,
            logging.WARNING if is_refused else logging.DEBUG if is_quiet else logging.INFO,
            "token-refused" if is_refused else "request",
            method=scope["method"],
            path=scope["path"],
            status=status or None,
            ms=round(seconds * 1000, 1),
            user=state.get("user"),
            problem=problem,
            client=(scope.get("client") or (None,))[0],
        )
