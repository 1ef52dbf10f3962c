"""The feed of all jobs of a user: those that changed since a cursor, at once or as soon as one does."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from farshot.errors import ParameterError
from farshot.service.context import in_thread
from farshot.service.documents import job_document
from farshot.service.jobs import WaitQuery, answer
from farshot.service.request_bodies import parameters_in
from farshot.wire import EventsDocument

if TYPE_CHECKING:
    from starlette.responses import Response

    from farshot.model import JobRecord
    from farshot.service.context import Call


_MAX_EVENTS = 200
_LINGER_SECONDS = 0.01
"""The wait of progress for more of it; the end of a job, and earlier changes, are sent at once."""


async def get_events(call: Call) -> Response:
    """Give the user's jobs that changed since `after`; without it, the cursor from which to follow."""
    query = parameters_in(call, WaitQuery)
    if query.after is None:
        return answer(EventsDocument([], str(call.service.feed.position)))
    await _check_cursor(call, query.after)
    if not query.wait:
        return _build_answer(await _read_from_store(call, query.after), query.after)
    with call.service.feed.waiting_slot(call.user.name):
        async with call.while_permitted():
            return _build_answer(await _wait_for_changes(call, query.after, query.wait), query.after)


def _build_answer(found: list[JobRecord], after: int) -> Response:
    cursor = found[-1].changed if found else after
    return answer(EventsDocument([job_document(record) for record in found], str(cursor)))


async def _wait_for_changes(call: Call, after: int, wait: float) -> list[JobRecord]:
    feed, owner, clock = call.service.feed, call.user.name, asyncio.get_running_loop().time
    latest, found = feed.latest(owner), await _read_changes(call, after)
    deadline = clock() + wait
    while not found and not feed.is_closed and (left := deadline - clock()) > 0:
        await feed.wait(owner, latest, left)
        latest, found = feed.latest(owner), await _read_changes(call, after)
        if found and not any(record.status.is_terminal for record in found):
            await feed.wait(owner, latest, _LINGER_SECONDS)
            found = await _read_changes(call, after)
    return found


async def _check_cursor(call: Call, after: int) -> None:
    """Refuse a cursor of another store: it would hide all changes until the count of changes gets there."""
    if after > call.service.feed.position and after > await in_thread(call.service, call.parts.jobs.changes):
        message = "the cursor is none that this service gave: ask without one to begin anew"
        raise ParameterError(message)


async def _read_changes(call: Call, after: int) -> list[JobRecord]:
    """Return the changed jobs, from the feed if it still has them, else from the store."""
    recent = call.service.feed.recent(call.user.name, after)
    return await _read_from_store(call, after) if recent is None else recent


async def _read_from_store(call: Call, after: int) -> list[JobRecord]:
    return await in_thread(call.service, lambda: call.parts.jobs.events(call.user.name, after, _MAX_EVENTS))
