"""The routes about the service itself: its health, work, targets, metrics, and the user of a token."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
from starlette.responses import PlainTextResponse, Response

from farshot.accounts import in_force
from farshot.errors import ForbiddenError, NotReadyError
from farshot.service.context import in_thread
from farshot.service.documents import quota_document
from farshot.service.jobs import answer
from farshot.service.metrics import METRICS_TYPE
from farshot.wire import MeDocument, TargetsDocument, WorkDocument

if TYPE_CHECKING:
    from starlette.requests import Request

    from farshot.service.context import Call, Service


_PROBE_SECONDS = 2.0


async def health(_service: Service, _request: Request) -> Response:
    """Answer, to show that the process does."""
    return PlainTextResponse("ok\n")


async def readiness(service: Service, _request: Request) -> Response:
    """Answer if jobs are taken and worked on, with the store and the dispatcher running; else `NotReadyError`."""
    troubles = {"stop": "the service stops"} if service.feed.is_closed else dict(service.parts.work.troubles())
    if not troubles and not await _is_store_answering(service):
        troubles["store"] = f"it has not answered within {_PROBE_SECONDS:g} s"
    if troubles:
        raise NotReadyError("; ".join(f"{part}: {reason}" for part, reason in troubles.items()))
    return PlainTextResponse("ready\n")


async def _is_store_answering(service: Service) -> bool:
    """Return whether the store answers in time; an unanswered query is abandoned and keeps others from being sent."""
    with anyio.move_on_after(_PROBE_SECONDS):
        await anyio.to_thread.run_sync(service.parts.jobs.changes, limiter=service.probes, abandon_on_cancel=True)
        return True
    return False


async def drain(call: Call) -> Response:
    """Take no new shards, for an admin; what runs ends, what is accepted waits until the service resumes."""
    _check_admin(call, "stop work from being begun")
    call.parts.work.hold()
    return _describe_work(call)


async def resume(call: Call) -> Response:
    """Take shards again, for an admin."""
    _check_admin(call, "have work begun")
    call.parts.work.resume()
    return _describe_work(call)


def _describe_work(call: Call) -> Response:
    work = call.parts.work
    return answer(WorkDocument(dict(work.troubles()), work.held()))


def _check_admin(call: Call, action: str) -> None:
    if call.visible_owner is not None:
        message = f"only an admin may {action}"
        raise ForbiddenError(message)


async def get_targets(call: Call) -> Response:
    """List the targets and their limits."""
    return answer(TargetsDocument(list(await in_thread(call.service, call.parts.targets))))


async def get_metrics(call: Call) -> Response:
    """Give an admin what the service counts, in the text format of Prometheus."""
    _check_admin(call, "read the metrics")
    jobs = call.parts.jobs
    backlog, usages = await in_thread(call.service, lambda: (jobs.backlog(), jobs.usages()))
    page = call.service.metrics.page(backlog, call.parts.work, usages)
    return Response(page, media_type=METRICS_TYPE)


async def get_me(call: Call) -> Response:
    """Tell who the token is of, what that user has and may have."""
    usage = await in_thread(call.service, lambda: call.parts.jobs.usage(call.user.name))
    quota = in_force(call.user.quota, call.parts.limits.quota)
    return answer(MeDocument(call.user.name, call.user.role.value, quota_document(usage), quota_document(quota)))
