"""What the service is, apart from jobs: its health, its targets, who asks, its description."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse, Response

from farshot.service.documents import quota_document
from farshot.service.jobs import answer
from farshot.service.metrics import METRICS_TYPE
from farshot.service.parts import in_thread
from farshot.service.problems import ForbiddenError, NotReadyError
from farshot.service.quotas import quota_of
from farshot.wire import MeDocument, TargetsDocument

if TYPE_CHECKING:
    from starlette.requests import Request

    from farshot.service.parts import Call, Service

__all__ = ["get_me", "get_metrics", "get_targets", "health", "readiness"]


async def health(_service: Service, _request: Request) -> Response:
    """Say that the process answers."""
    return PlainTextResponse("ok\n")


async def readiness(service: Service, _request: Request) -> Response:
    """Say whether jobs are taken and worked on: the store answers and the dispatcher runs."""
    await in_thread(service, service.parts.jobs.changes)
    reason = "the service stops" if service.feed.is_closed else service.parts.ready()
    if reason:
        raise NotReadyError(reason)
    return PlainTextResponse("ready\n")


async def get_targets(call: Call) -> Response:
    """List the targets and their limits."""
    return answer(TargetsDocument(list(await in_thread(call.service, call.parts.targets))))


async def get_metrics(call: Call) -> Response:
    """Give an admin what the service counts, in the text format of Prometheus."""
    if call.sees is not None:
        message = "only an admin may read the metrics"
        raise ForbiddenError(message)
    backlog = await in_thread(call.service, call.parts.jobs.backlog)
    page = call.service.metrics.page(backlog, call.parts.restarts())
    return Response(page, media_type=METRICS_TYPE)


async def get_me(call: Call) -> Response:
    """Tell who the token is of, what that user has and may have."""
    usage = await in_thread(call.service, lambda: call.parts.jobs.usage(call.user.name))
    quota = quota_of(call.user, call.parts.limits.quota)
    return answer(MeDocument(call.user.name, call.user.role.value, quota_document(usage), quota_document(quota)))
