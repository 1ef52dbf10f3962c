"""`build_app`: the HTTP API over the stores. It knows protocols; what is behind them is chosen by the caller."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from anyio import CapacityLimiter
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Route as Path

from farshot.service import about
from farshot.service.access import Access
from farshot.service.edge import Edge
from farshot.service.feed import Feed
from farshot.service.openapi import DOCUMENT, PAGE, show_document, show_page
from farshot.service.parts import Call, Service, in_thread
from farshot.service.problems import problem_response
from farshot.service.routes import ROUTES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from farshot.accounts import User
    from farshot.service.parts import Parts
    from farshot.service.routes import Route

__all__ = ["build_app"]

_THREADS = 16


def build_app(parts: Parts) -> Starlette:
    """Return the application. Its state has the `feed`; closing that lets everybody who waits go."""
    feed = Feed(parts.jobs, parts.changes)
    service = Service(parts, Access(parts.accounts), feed, CapacityLimiter(_THREADS))

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        feed.start()
        yield
        feed.close()

    app = Starlette(
        routes=[*_open_paths(service), *(_path(service, route) for route in ROUTES)],
        lifespan=lifespan,
        middleware=[Middleware(Edge)],
        exception_handlers={HTTPException: problem_response},
    )
    app.state.feed = feed
    return app


def _open_paths(service: Service) -> list[Path]:
    """Return what needs no token: whether the service is well, and what it understands."""
    return [
        Path("/healthz", _open(service, about.health)),
        Path("/readyz", _open(service, about.readiness)),
        Path(DOCUMENT, _open(service, show_document)),
        Path(PAGE, _open(service, show_page)),
    ]


def _open(
    service: Service, handler: Callable[[Service, Request], Awaitable[Response]]
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            return await handler(service, request)
        except Exception as error:  # noqa: BLE001 -- whatever it is becomes the answer, and a defect is logged there
            return problem_response(request, error)

    return endpoint


def _path(service: Service, route: Route) -> Path:
    async def endpoint(request: Request) -> Response:
        try:
            user = await _user(service, request)
            request.state.user = user.name
            return await route.handler(Call(service, request, user))
        except Exception as error:  # noqa: BLE001 -- whatever it is becomes the answer, and a defect is logged there
            return problem_response(request, error)

    return Path(route.path, endpoint, methods=[route.method])


async def _user(service: Service, request: Request) -> User:
    header = request.headers.get("authorization")
    if service.access.is_known(header):
        return service.access.user(header)
    return await in_thread(service, lambda: service.access.user(header))
