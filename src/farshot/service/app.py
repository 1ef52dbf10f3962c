"""`build_app`: the HTTP API over the stores. It knows protocols; what is behind them is chosen by the caller."""

from __future__ import annotations

import asyncio
import gc
import logging
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from traceback import clear_frames
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect
from starlette.routing import Route as Path

from farshot import __version__
from farshot.errors import QuotaError
from farshot.service import information
from farshot.service.access import Access
from farshot.service.allocator import keep_little
from farshot.service.api_page import PAGE, show_page, show_way
from farshot.service.context import Call, Service, ask_as, in_thread
from farshot.service.divi_api import DIVI_ROUTES
from farshot.service.feed import Feed
from farshot.service.loader import Loader
from farshot.service.logs import log_ended, tell
from farshot.service.metrics import Metrics
from farshot.service.middleware import ResponseMiddleware
from farshot.service.openapi import DOCUMENT, show_document
from farshot.service.problems import BusyError, problem_response
from farshot.service.request_bodies import is_read_here
from farshot.service.routes import ROUTES
from farshot.service.token_watch import TokenWatch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from starlette.requests import Request
    from starlette.responses import Response

    from farshot.accounts import User
    from farshot.model import JobRecord
    from farshot.service.context import Context
    from farshot.service.routes import Route


_log = logging.getLogger("farshot.service")

_WATCH_EVERY = 1.0
_LOADER_AFTER = 10.0
_TOO_MUCH = frozenset({429, 503})


def build_app(parts: Context) -> Starlette:
    """Return the application. Its state has the `feed`; closing that lets everybody who waits go."""
    service = _service(parts)
    feed = service.feed

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        feed.start()
        keep_little()
        gc.collect()
        gc.freeze()  # what is there from the start is never garbage: looking for some would hold up every request
        tell(_log, logging.INFO, "service-started", version=__version__)
        tasks = [asyncio.create_task(task) for task in (service.vigil.keep(), _watch(parts), _start_loader(service))]
        yield
        for task in tasks:
            task.cancel()
        feed.close()
        if service.loader is not None:
            await service.loader.close()
        tell(_log, logging.INFO, "service-stopped")

    app = Starlette(
        routes=[*_open_paths(service), *_guarded_paths(service)],
        lifespan=lifespan,
        middleware=[Middleware(ResponseMiddleware, service.metrics)],
        exception_handlers={HTTPException: problem_response},
    )
    app.router.redirect_slashes = False
    app.state.feed = feed
    return app


def build_loader(parts: Context) -> Starlette:
    """Return the application of the loader: the same routes, for requests that were let in.

    They are counted, logged and held back where they came from.
    """
    app = Starlette(
        routes=list(_guarded_paths(replace(_service(parts), brake=None))),
        exception_handlers={HTTPException: problem_response},
    )
    app.router.redirect_slashes = False
    return app


def _service(parts: Context) -> Service:
    metrics = Metrics()
    feed = Feed(parts.jobs, parts.changes, partial(_note, metrics))
    access = Access(parts.accounts)
    vigil = TokenWatch(lambda header: in_thread(service, lambda: access.user(header)))
    loader = None if parts.plan is None else Loader(parts.plan, parts.wake)
    service = Service(parts, access, feed, metrics, vigil, loader)
    return service


async def _watch(parts: Context) -> None:
    """Look whether the work goes on: a store that is silent is noticed from outside only."""
    while True:
        await asyncio.sleep(_WATCH_EVERY)
        parts.work.troubles()


async def _start_loader(service: Service) -> None:
    """Have the loader started, where no large request did so before: the first one shall not wait for it."""
    await asyncio.sleep(_LOADER_AFTER)
    if service.loader is not None:
        service.loader.serves()


def _note(metrics: Metrics, record: JobRecord) -> None:
    """Count and log a job that ended. Its last change is its end, so that it is seen here once."""
    if record.status.is_terminal and not record.uploading:
        metrics.count_ended(record)
        log_ended(record)


def _open_paths(service: Service) -> list[Path]:
    """Return what needs no token: whether the service is well, and what it understands."""
    return [
        _path("/healthz", ["GET"], partial(information.health, service)),
        _path("/readyz", ["GET"], partial(information.readiness, service)),
        _path(DOCUMENT, ["GET"], partial(show_document, service)),
        _path(PAGE, ["GET"], partial(show_page, service)),
        _path("/", ["GET"], partial(show_way, service)),
    ]


def _guarded_paths(service: Service) -> Iterator[Path]:
    """Yield what needs a token: one path for all its methods, so that the answer to another names them all."""
    paths: dict[str, dict[str, Route]] = {}
    for route in (*ROUTES, *DIVI_ROUTES):
        paths.setdefault(route.path, {})[route.method] = route
    for path, routes in paths.items():
        yield _path(path, list(routes), partial(_guarded, service, routes))


async def _guarded(service: Service, routes: dict[str, Route], request: Request) -> Response:
    user = await _user(service, request)
    request.state.user = user.name
    ask_as(user.name)
    try:
        response = await _answered(service, routes, request, user)
    except (BusyError, QuotaError):
        await _hold_back(service, request, user)
        raise
    if response.status_code in _TOO_MUCH:  # of the loader
        await _hold_back(service, request, user)
    return response


async def _hold_back(service: Service, request: Request, user: User) -> None:
    """Keep a user who is refused again and again waiting for it; whoever wants the connection meanwhile may have it."""
    delay = 0.0 if service.brake is None else service.brake.delay(user.name)
    if delay:
        request.state.give_way()
        with suppress(TimeoutError):
            await asyncio.wait_for(request.state.stopping.wait(), delay)


async def _answered(service: Service, routes: dict[str, Route], request: Request, user: User) -> Response:
    route = routes["GET" if request.method == "HEAD" else request.method]
    call = Call(service, request, user)
    if not (route.body and call.is_large):
        return await route.handler(call)
    async with service.turn_of(user.name):
        if service.loader is None or is_read_here(call, route.body) or not service.loader.serves():
            return await route.handler(call)
        return await service.loader.answer(request)


def _path(path: str, methods: list[str], handle: Callable[[Request], Awaitable[Response]]) -> Path:
    async def endpoint(request: Request) -> Response:
        request.state.route = path
        try:
            return await handle(request)
        except ClientDisconnect:  # nobody is there to be answered
            raise
        except Exception as error:  # noqa: BLE001 -- whatever it is becomes the answer, and a defect is logged there
            response = problem_response(request, error)
            _let_go(error)
            return response

    return Path(path, endpoint, methods=methods)


def _let_go(error: BaseException | None) -> None:
    """Free what the frames of an error hold, such as a large body; it would stay until garbage is looked for."""
    while error is not None:
        clear_frames(error.__traceback__)
        error = error.__cause__


async def _user(service: Service, request: Request) -> User:
    header = request.headers.get("authorization")
    if service.access.is_known(header):
        return service.access.user(header)
    return await service.user_looks.share(header, lambda: in_thread(service, lambda: service.access.user(header)))
