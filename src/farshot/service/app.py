"""`build_app`: the HTTP API over the stores. It knows protocols; what is behind them is chosen by the caller."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from anyio import CapacityLimiter
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect
from starlette.routing import Route as Path

from farshot import __version__
from farshot.service import about
from farshot.service.access import Access
from farshot.service.edge import Edge
from farshot.service.feed import Feed
from farshot.service.logs import log_ended, tell
from farshot.service.metrics import Metrics
from farshot.service.openapi import DOCUMENT, PAGE, show_document, show_page
from farshot.service.parts import Call, Service, in_thread
from farshot.service.problems import problem_response
from farshot.service.routes import ROUTES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from farshot.accounts import User
    from farshot.model import JobRecord
    from farshot.service.parts import Parts
    from farshot.service.routes import Route

__all__ = ["build_app"]

_log = logging.getLogger("farshot.service")
_THREADS = 16


def build_app(parts: Parts) -> Starlette:
    """Return the application. Its state has the `feed`; closing that lets everybody who waits go."""
    metrics = Metrics()
    feed = Feed(parts.jobs, parts.changes, partial(_note, metrics))
    service = Service(parts, Access(parts.accounts), feed, metrics, CapacityLimiter(_THREADS))

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        feed.start()
        tell(_log, logging.INFO, "service-started", version=__version__)
        yield
        feed.close()
        tell(_log, logging.INFO, "service-stopped")

    app = Starlette(
        routes=[*_open_paths(service), *(_guarded_path(service, route) for route in ROUTES)],
        lifespan=lifespan,
        middleware=[Middleware(Edge, metrics)],
        exception_handlers={HTTPException: problem_response},
    )
    app.state.feed = feed
    return app


def _note(metrics: Metrics, record: JobRecord) -> None:
    """Count and log a job that ended. Its last change is its end, so that it is seen here once."""
    if record.status.is_terminal and not record.uploading:
        metrics.count_ended(record)
        log_ended(record)


def _open_paths(service: Service) -> list[Path]:
    """Return what needs no token: whether the service is well, and what it understands."""
    return [
        _path("/healthz", "GET", partial(about.health, service)),
        _path("/readyz", "GET", partial(about.readiness, service)),
        _path(DOCUMENT, "GET", partial(show_document, service)),
        _path(PAGE, "GET", partial(show_page, service)),
    ]


def _guarded_path(service: Service, route: Route) -> Path:
    """Return what needs a token."""

    async def handle(request: Request) -> Response:
        user = await _user(service, request)
        request.state.user = user.name
        return await route.handler(Call(service, request, user))

    return _path(route.path, route.method, handle)


def _path(path: str, method: str, handle: Callable[[Request], Awaitable[Response]]) -> Path:
    async def endpoint(request: Request) -> Response:
        request.state.route = path
        try:
            return await handle(request)
        except ClientDisconnect:  # nobody is there to be answered
            raise
        except Exception as error:  # noqa: BLE001 -- whatever it is becomes the answer, and a defect is logged there
            return problem_response(request, error)

    return Path(path, endpoint, methods=[method])


async def _user(service: Service, request: Request) -> User:
    header = request.headers.get("authorization")
    if service.access.is_known(header):
        return service.access.user(header)
    return await in_thread(service, lambda: service.access.user(header))
