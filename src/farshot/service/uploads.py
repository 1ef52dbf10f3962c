"""A job in parts: `PUT` them in any order and as often as needed, then finalize."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from farshot.errors import ParameterError
from farshot.service.context import write_in_thread
from farshot.service.documents import job_document
from farshot.service.jobs import answer
from farshot.service.request_bodies import document_in
from farshot.service.submissions import accept, put
from farshot.wire import FinalizeRequest, PartRequest

if TYPE_CHECKING:
    from starlette.responses import Response

    from farshot.service.context import Call
    from farshot.wire import JobDocument


_MAX_PARTS = 100_000
_NUMBER = re.compile("[0-9]{1,5}")


async def put_part(call: Call) -> Response:
    """Keep one part of a job in the making; the same part again changes nothing."""
    number = call.request.path_params["number"]
    if not _NUMBER.fullmatch(number):
        message = f"a part's number is from 0 to {_MAX_PARTS - 1:,}"
        raise ParameterError(message)
    document = await document_in(call, PartRequest)

    def keep() -> JobDocument:
        record = put(call, int(number), document)
        return job_document(record, parts=call.parts.uploads.receipts(record.id))

    return answer(await write_in_thread(call, keep))


async def finalize_job(call: Call) -> Response:
    """Accept a job whose parts have all arrived; from then on it is worked on."""
    document = await document_in(call, FinalizeRequest, may_be_empty=True)
    record = await write_in_thread(call, lambda: accept(call, document.circuits))
    call.parts.wake()
    return answer(job_document(record))
