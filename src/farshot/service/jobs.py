"""The routes of jobs: making one in one request or in parts, reading, listing, cancelling and deleting."""

from __future__ import annotations

import asyncio
import base64
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, TypeAlias

import msgspec
from starlette.responses import Response

from farshot.contract import JobStatus
from farshot.errors import EndedError, ForbiddenError, ParameterError
from farshot.model import JobFilter
from farshot.service.context import in_thread, write_in_thread
from farshot.service.documents import job_document, options_document, without_long_options
from farshot.service.request_bodies import document_in, parameters_in
from farshot.service.submissions import submit
from farshot.wire import JSON, JobDocument, JobListDocument, JobRequest, encode

if TYPE_CHECKING:
    from farshot.model import JobRecord
    from farshot.service.context import Call
    from farshot.submission import PartReceipt


MAX_COUNT = 2**63 - 1
"""The largest number in a store."""
_Moment: TypeAlias = Annotated[str, msgspec.Meta(extra_json_schema={"format": "date-time"})]


class ListQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Selects jobs; times are RFC 3339, `until` is excluded."""

    status: JobStatus | None = None
    tag: str | None = None
    owner: str | None = None
    since: _Moment | None = None
    until: _Moment | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 50
    cursor: str | None = None


class WaitQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Asks for changes since the cursor `after`; the answer waits up to `wait` seconds for one."""

    after: Annotated[int, msgspec.Meta(ge=0, le=MAX_COUNT)] | None = None
    wait: Annotated[float, msgspec.Meta(ge=0, le=30)] = 0.0


def answer(document: msgspec.Struct, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return the response with a document."""
    return Response(encode(document), status, headers, media_type=JSON)


async def create_job(call: Call) -> Response:
    """Make a job of the batch in the body, or begin one that arrives in parts; the same key gives the same job."""
    document = await document_in(call, JobRequest)
    key = _read_key(call)

    def make() -> tuple[JobRecord, bool, list[PartReceipt] | None]:
        record, is_new = submit(call, document, key)
        return record, is_new, _read_receipts(call, record)

    record, is_new, parts = await write_in_thread(call, make)
    location = {"Location": f"/v1/jobs/{record.id}"}
    return answer(job_document(record, parts=parts), 201 if is_new else 200, location)


def _read_key(call: Call) -> str | None:
    given = call.request.headers.getlist("idempotency-key")
    if len(given) > 1 or not all(text.isascii() and text.isprintable() for text in given):
        message = "Idempotency-Key must be given once, in printable characters of ASCII"
        raise ParameterError(message)
    return given[0] if given else None


def _read_receipts(call: Call, record: JobRecord) -> list[PartReceipt] | None:
    return call.parts.uploads.receipts(record.id) if record.uploading else None


async def get_job(call: Call) -> Response:
    """Tell where a job stands, once it has changed since `after` where that is given."""
    query = parameters_in(call, WaitQuery)
    if query.after is None:
        return answer(await in_thread(call.service, lambda: _read_in_full(call)))
    if not query.wait:
        return answer(await in_thread(call.service, lambda: _read_document(call, call.job())))
    with call.service.feed.waiting_slot(call.user.name):
        async with call.while_permitted():
            return answer(await _wait_for_change(call, query.after, query.wait))


def _read_in_full(call: Call) -> JobDocument:
    """Return the document of a job with the options that it was submitted with."""
    record = call.job()
    document = _read_document(call, record)
    if record.uploading:
        return document
    return msgspec.structs.replace(document, options=without_long_options(options_document(call.parts.jobs, record)))


async def _wait_for_change(call: Call, after: int, wait: float) -> JobDocument:
    """Return the job once it has changed since `after`, or as it is at the end of the wait."""
    feed, clock = call.service.feed, asyncio.get_running_loop().time
    deadline = clock() + wait
    owner = call.visible_owner or (await in_thread(call.service, call.job)).owner
    while True:
        latest = feed.latest(owner)
        record = feed.job(owner, call.job_id)
        if record is None:  # read once for all requests that wait for the same change
            key = (call.user.name, call.job_id, feed.position)
            record = await call.service.job_lookups.share(key, lambda: in_thread(call.service, call.job))
        left = deadline - clock()
        is_known = record.changed <= after and not record.status.is_terminal
        if not is_known or feed.is_closed or left <= 0:
            break
        await feed.wait(owner, latest, left, record.id)
    if record.status.is_terminal and not record.uploading:  # needs nothing more from the store
        return job_document(record)
    return await in_thread(call.service, lambda: _read_document(call, record))


def _read_document(call: Call, record: JobRecord) -> JobDocument:
    is_queued = record.status is JobStatus.PENDING and not record.uploading
    return job_document(
        record,
        jobs_ahead=call.parts.jobs.ahead(record.id) if is_queued else None,
        parts=_read_receipts(call, record),
        effort=call.parts.jobs.effort(record.id) if record.status is JobStatus.RUNNING else None,
    )


async def list_jobs(call: Call) -> Response:
    """List jobs, the newest first, page by page."""
    query = parameters_in(call, ListQuery)
    if query.owner is not None and call.visible_owner not in {None, query.owner}:
        message = "only an admin may list the jobs of others"
        raise ForbiddenError(message)
    wanted = JobFilter(
        owner=query.owner or call.visible_owner,
        status=query.status,
        tag=query.tag,
        since=_read_moment(query.since),
        until=_read_moment(query.until),
        before=None if query.cursor is None else _read_cursor(query.cursor),
    )
    found = await in_thread(call.service, lambda: call.parts.jobs.jobs(wanted, query.limit + 1))
    page = found[: query.limit]
    following = _write_cursor(page[-1]) if len(found) > query.limit else None
    return answer(JobListDocument([job_document(record) for record in page], following))


def _read_moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = msgspec.convert(text, type=datetime)
    except msgspec.ValidationError:
        message = f"a time is as in 2026-01-31T12:00:00Z, not {text!r:.40}"
        raise ParameterError(message) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _write_cursor(record: JobRecord) -> str:
    return base64.urlsafe_b64encode(b"%d" % record.seq).decode().rstrip("=")


def _read_cursor(text: str) -> int:
    try:
        number = int(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError:
        number = -1
    if not 0 <= number <= MAX_COUNT:
        message = "the cursor is none that a list of jobs gave"
        raise ParameterError(message)
    return number


async def cancel_job(call: Call) -> Response:
    """Cancel a job and stop what runs of it; what is recorded stays readable."""

    def cancel() -> tuple[JobRecord, int | None]:
        call.job()
        return call.parts.jobs.cancel(call.job_id)

    record, stopped = await write_in_thread(call, cancel)
    call.parts.wake()
    if stopped is None:
        message = f"job {record.id} is {record.status} already"
        raise EndedError(message, record.id, record.status)
    return answer(job_document(record, circuits_cancelled=stopped))


async def delete_job(call: Call) -> Response:
    """Delete a job with its circuits and results; one that runs is stopped."""

    def delete() -> JobRecord:
        record = call.job()
        call.parts.jobs.delete(call.job_id)
        return record

    call.service.feed.forget(await write_in_thread(call, delete))
    call.parts.wake()
    return Response(status_code=204)
