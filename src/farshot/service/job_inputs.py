"""The routes of a job's submission: its options, and its circuits page by page."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from farshot.backends.http.upload import replace_surrogates
from farshot.errors import UploadError
from farshot.service.context import in_thread
from farshot.service.documents import options_document
from farshot.service.jobs import MAX_COUNT, answer
from farshot.service.request_bodies import parameters_in
from farshot.templates.template import unpacked
from farshot.wire import CircuitsDocument, TemplateDocument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.responses import Response

    from farshot.model import TemplateSource
    from farshot.protocols import StoredCircuits
    from farshot.service.context import Call


_PAGE_BYTES = 4 * 2**20
"""The most that a page holds before its last circuit."""


class CircuitsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Selects up to `limit` circuits from `cursor` on, fewer if they are large or another template begins."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100
    cursor: Annotated[int, msgspec.Meta(ge=0, le=MAX_COUNT)] = 0


async def get_options(call: Call) -> Response:
    """Tell what holds for every circuit of a job: target, seed, shots or observables."""

    def read() -> Response:
        record = call.job()
        if record.uploading:
            message = f"job {record.id} is not complete yet: its options are known once it is"
            raise UploadError(message)
        return answer(options_document(call.parts.jobs, record))

    return await in_thread(call.service, read)


async def get_circuits(call: Call) -> Response:
    """Give the circuits of a job as they were submitted, page by page."""
    query = parameters_in(call, CircuitsQuery)
    return await in_thread(call.service, lambda: answer(_read_page(call, query)))


def _read_page(call: Call, query: CircuitsQuery) -> CircuitsDocument:
    record = call.job()
    members: dict[str, Any] = {}
    size, template, following = 0, None, None
    for position, label, source, next_template in _iterate_circuits(call.parts.jobs.circuits(record.id, query.cursor)):
        if position < query.cursor:
            continue
        if members and (next_template != template or len(members) == query.limit or size > _PAGE_BYTES):
            following = str(position)
            break
        template = next_template
        if template:
            members[label] = [number if math.isfinite(number) else None for number in unpacked(source)]
        else:
            members[label] = replace_surrogates(source.decode("utf-8", "surrogatepass"))
        size += len(source) + len(label)
    if template is None:
        return CircuitsDocument(job_id=record.id, first=query.cursor, circuits=members, next=following)
    shape = TemplateDocument(replace_surrogates(template.text), list(template.names))
    return CircuitsDocument(job_id=record.id, first=query.cursor, template=shape, rows=members, next=following)


def _iterate_circuits(stored: Iterator[StoredCircuits]) -> Iterator[tuple[int, str, bytes, TemplateSource | None]]:
    for piece in stored:
        for position, (label, source) in enumerate(zip(piece.labels, piece.sources, strict=True), piece.first):
            yield position, label, source, piece.template
