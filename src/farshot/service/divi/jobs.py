"""The jobs of Divi's client: beginning, adding circuits, status, cancelling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio.to_thread
from starlette.responses import Response

from farshot.contract import JobStatus
from farshot.errors import EndedError, FaultCode, NotOfferedError, QuotaError
from farshot.service.context import LARGE_BODY_BYTES, in_thread, write_in_thread
from farshot.service.divi.circuits import add, estimate_size
from farshot.service.divi.documents import AddRequest, InitRequest
from farshot.service.divi.drafts import QUBO_REFUSAL, begin
from farshot.service.request_bodies import document_in
from farshot.wire import JSON, encode

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from farshot.model import JobRecord
    from farshot.service.context import Call


_MAX_PARALLEL_BYTES = 16 * 2**20
"""The most bytes of a call that is unpacked while another one is; larger calls are unpacked one at a time."""


def reply(content: object, status: int = 200) -> Response:
    """Return an answer in JSON."""
    return Response(encode(content), status, media_type=JSON)


def is_newer(call: Call) -> bool:
    """Return whether the client says that it is Divi; older ones name only their HTTP library.

    All other clients are answered like older ones, in a form that both understand.
    """
    return call.request.headers.get("user-agent", "").startswith("divi/")


async def init_job(call: Call) -> Response:
    """Begin a job."""
    document = await document_in(call, InitRequest)
    record = await write_in_thread(call, lambda: begin(call, document))
    return reply({"job_id": record.id}, 201)


async def add_circuits(call: Call) -> Response:
    """Keep some circuits of a job; the last call has it accepted.

    A refused older client is not told when to try again: it would wait that long, several times, without a word.
    """
    document = await document_in(call, AddRequest)
    size = await write_in_thread(call, lambda: estimate_size(document))
    if size <= LARGE_BODY_BYTES:
        return await _answer_added(call, write_in_thread(call, lambda: add(call, document)))
    async with call.large_slot():
        loader = call.service.loader
        if loader is not None and loader.serves():
            return await loader.answer(call.request, encode(document))
        limiter = call.service.large_writers if size <= _MAX_PARALLEL_BYTES else call.service.decoders
        return await _answer_added(call, anyio.to_thread.run_sync(lambda: add(call, document), limiter=limiter))


async def _answer_added(call: Call, adding: Awaitable[JobRecord]) -> Response:
    try:
        record = await adding
    except QuotaError as error:
        if is_newer(call):
            raise
        raise QuotaError(str(error)) from error
    call.parts.wake()
    return reply({"status": "ok", "job_id": record.id, "circuits": record.circuits})


async def get_divi_status(call: Call) -> Response:
    """Answer with the status of a job."""
    record = await in_thread(call.service, call.job)
    timed_out = record.fault is not None and record.fault.code is FaultCode.TIMEOUT and is_newer(call)
    status = "TIMED_OUT" if timed_out else record.status
    document: dict[str, Any] = {"job_id": record.id, "status": status, "run_time": record.run_time}
    if record.fault is not None:
        document["error"] = record.fault.message
    return reply(document)


async def cancel_divi_job(call: Call) -> Response:
    """Cancel a job; a repeated cancel gets the answer of the first one, which may have been lost."""

    def cancel() -> tuple[JobRecord, int | None]:
        call.job()
        return call.parts.jobs.cancel(call.job_id)

    record, stopped = await write_in_thread(call, cancel)
    call.parts.wake()
    if stopped is None and record.status is not JobStatus.CANCELLED:
        message = f"job {record.id} is {record.status} already"
        raise EndedError(message, record.id, record.status)
    return reply({"status": "cancelled", "job_id": record.id, "circuits_cancelled": record.circuits - record.done})


async def submit_qubo(call: Call) -> Response:
    """Refuse a QUBO problem, for which this service has no counterpart."""
    del call
    raise NotOfferedError(QUBO_REFUSAL)
