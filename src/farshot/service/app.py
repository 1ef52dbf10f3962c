"""The HTTP API as an application over the stores. It knows protocols; the caller chooses what is behind them."""

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
from starlette.requests import ClientDisconnect
from starlette.routing import Route as Path

from farshot import __version__
from farshot.errors import BusyError, QuotaError
from farshot.service import information
from farshot.service.access import Access
from farshot.service.allocator import limit_kept_memory
from farshot.service.api_page import PAGE, redirect_to_page, show_page
from farshot.service.context import Call, Service, in_thread, read_as
from farshot.service.divi_api import DIVI_ROUTES
from farshot.service.feed import Feed
from farshot.service.loader import Loader
from farshot.service.logs import log_ended, log_event
from farshot.service.metrics import Metrics
from farshot.service.middleware import ResponseMiddleware
from farshot.service.openapi import DOCUMENT, show_document
from farshot.service.problems import problem_response
from farshot.service.request_bodies import is_read_here
from farshot.service.routes import ROUTES
from farshot.service.token_watch import TokenWatch
from farshot.wire import is_brief

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import Lifespan

    from farshot.accounts import User
    from farshot.model import JobRecord
    from farshot.service.context import Context
    from farshot.service.routes import Route


_log = logging.getLogger("farshot.service")

_WATCH_SECONDS = 1.0
_LOADER_DELAY_SECONDS = 10.0
_REFUSAL_STATUSES = frozenset({429, 503})


def build_app(parts: Context) -> Starlette:
    """Return the application. Its state has the `feed`; closing that ends all waiting requests."""
    service = _build_service(parts)
    feed = service.feed

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        feed.start()
        limit_kept_memory()
        gc.collect()
        gc.freeze()  # objects made at the start are never garbage: scanning them would hold up every request
        log_event(_log, logging.INFO, "service-started", version=__version__)
        loops = (service.token_watch.keep(), _watch_work(parts), _start_loader(service))
        tasks = [asyncio.create_task(loop) for loop in loops]
        yield
        for task in tasks:
            task.cancel()
        feed.close()
        if service.loader is not None:
            await service.loader.close()
        log_event(_log, logging.INFO, "service-stopped")

    app = _build([*_list_open_paths(service), *_list_guarded_paths(service)], lifespan)
    app.add_middleware(ResponseMiddleware, service.metrics)
    app.state.feed = feed
    return app


def build_loader(parts: Context) -> Starlette:
    """Return the application of the loader: the same routes; the service counts, logs and holds back its answers."""
    return _build(_list_guarded_paths(replace(_build_service(parts), refusal_delay=None)))


def _build(paths: Iterable[Path], lifespan: Lifespan[Starlette] | None = None) -> Starlette:
    app = Starlette(routes=list(paths), lifespan=lifespan, exception_handlers={HTTPException: problem_response})
    app.router.redirect_slashes = False
    return app


def _build_service(parts: Context) -> Service:
    metrics = Metrics()
    feed = Feed(parts.jobs, parts.changes, partial(_report_ended, metrics))
    access = Access(parts.accounts)
    token_watch = TokenWatch(lambda header: in_thread(service, lambda: access.user(header)))
    loader = None if parts.plan is None else Loader(parts.plan, parts.wake)
    service = Service(parts, access, feed, metrics, token_watch, loader)
    return service


async def _watch_work(parts: Context) -> None:
    """Check again and again that the work goes on: a store that hangs is noticed only from outside."""
    while True:
        await asyncio.sleep(_WATCH_SECONDS)
        parts.work.troubles()


async def _start_loader(service: Service) -> None:
    """Start the loader if no large request did so before, so that the first one does not wait for it."""
    await asyncio.sleep(_LOADER_DELAY_SECONDS)
    if service.loader is not None:
        service.loader.serves()


def _report_ended(metrics: Metrics, record: JobRecord) -> None:
    """Count and log a job that ended. Its last change is its end, so it comes here once."""
    if record.status.is_terminal and not record.uploading:
        metrics.count_ended(record)
        log_ended(record)


def _list_open_paths(service: Service) -> list[Path]:
    """Return the paths that need no token: the health of the service and the description of the API."""
    handlers = {
        "/healthz": information.health,
        "/readyz": information.readiness,
        DOCUMENT: show_document,
        PAGE: show_page,
        "/": redirect_to_page,
    }
    return [_make_path(path, ["GET"], partial(handle, service)) for path, handle in handlers.items()]


def _list_guarded_paths(service: Service) -> Iterator[Path]:
    """Yield the paths that need a token: one for all its methods, so that the answer to another names them all."""
    paths: dict[str, dict[str, Route]] = {}
    for route in (*ROUTES, *DIVI_ROUTES):
        paths.setdefault(route.path, {})[route.method] = route
    for path, routes in paths.items():
        yield _make_path(path, list(routes), partial(_handle_guarded, service, routes))


async def _handle_guarded(service: Service, routes: dict[str, Route], request: Request) -> Response:
    user = await _find_user(service, request)
    request.state.user = user.name
    read_as(user.name)
    try:
        response = await _dispatch(service, routes, request, user)
    except (BusyError, QuotaError):
        await _hold_back(service, request, user)
        raise
    if response.status_code in _REFUSAL_STATUSES:  # of the loader
        await _hold_back(service, request, user)
    return response


async def _hold_back(service: Service, request: Request, user: User) -> None:
    """Delay the refusal of a user who is refused again and again; another client may take the connection meanwhile."""
    delay = 0.0 if service.refusal_delay is None else service.refusal_delay.delay(user.name)
    if delay:
        request.state.give_way()
        with suppress(TimeoutError):
            await asyncio.wait_for(request.state.stopping.wait(), delay)


async def _dispatch(service: Service, routes: dict[str, Route], request: Request, user: User) -> Response:
    route = routes["GET" if request.method == "HEAD" else request.method]
    call = Call(service, request, user)
    if not (route.body and call.is_large):
        return await route.handler(call)
    async with service.large_slots[user.name]:
        loader = service.loader
        if loader is None or not loader.serves():
            return await route.handler(call)
        if not is_read_here(call, route.body):
            return await loader.answer(request)
        body = await request.body()
        return await route.handler(call) if is_brief(body) else await loader.answer(request, body)


def _make_path(path: str, methods: list[str], handle: Callable[[Request], Awaitable[Response]]) -> Path:
    async def endpoint(request: Request) -> Response:
        request.state.route = path
        try:
            return await handle(request)
        except ClientDisconnect:  # nobody is left to answer
            raise
        except Exception as error:  # noqa: BLE001 -- any error becomes the answer, and a defect is logged there
            response = problem_response(request, error)
            cause: BaseException | None = error
            while cause is not None:  # its frames would keep a large body until the next garbage collection
                clear_frames(cause.__traceback__)
                cause = cause.__cause__
            return response

    return Path(path, endpoint, methods=methods)


async def _find_user(service: Service, request: Request) -> User:
    header = request.headers.get("authorization")
    if service.access.is_known(header):
        return service.access.user(header)
    return await service.user_lookups.share(header, lambda: in_thread(service, lambda: service.access.user(header)))
