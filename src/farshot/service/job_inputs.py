"""What a job was submitted as: its options, and its circuits page by page."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from farshot.backends.http.upload import replace_surrogates
from farshot.errors import UploadError
from farshot.service.context import in_thread
from farshot.service.documents import options_document
from farshot.service.jobs import MOST, answer
from farshot.service.request_bodies import parameters_in
from farshot.templates.template import unpacked
from farshot.wire import CircuitsDocument, TemplateDocument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.responses import Response

    from farshot.model import JobRecord, TemplateSource
    from farshot.protocols import StoredCircuits
    from farshot.service.context import Call


_PAGE_BYTES = 4 * 2**20
"""What a page holds before its last circuit, at most."""


class CircuitsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A page holds up to `limit` circuits from `cursor` on, fewer where they are large or another template begins."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100
    cursor: Annotated[int, msgspec.Meta(ge=0, le=MOST)] = 0


async def get_options(call: Call) -> Response:
    """Tell what holds for every circuit of a job: target, seed, shots or observables."""
    return await in_thread(call.service, lambda: answer(options_document(call.parts.jobs, _accepted(call))))


async def get_circuits(call: Call) -> Response:
    """Give the circuits of a job as they were submitted, page by page."""
    query = parameters_in(call, CircuitsQuery)
    return await in_thread(call.service, lambda: answer(_page(call, query)))


def _accepted(call: Call) -> JobRecord:
    record = call.job()
    if record.uploading:
        message = f"job {record.id} is not complete yet: its options are known once it is"
        raise UploadError(message)
    return record


def _page(call: Call, query: CircuitsQuery) -> CircuitsDocument:
    record = call.job()
    members: dict[str, Any] = {}
    size, template = 0, None
    for position, label, source, its_template in _circuits(call.parts.jobs.circuits(record.id, query.cursor)):
        if position < query.cursor:
            continue
        if members and (its_template != template or len(members) == query.limit or size > _PAGE_BYTES):
            return _document(record, query.cursor, template, members, str(position))
        template = its_template
        members[label] = _row(source) if template else replace_surrogates(source.decode("utf-8", "surrogatepass"))
        size += len(source) + len(label)
    return _document(record, query.cursor, template, members, None)


def _circuits(stored: Iterator[StoredCircuits]) -> Iterator[tuple[int, str, bytes, TemplateSource | None]]:
    for piece in stored:
        for position, (label, source) in enumerate(zip(piece.labels, piece.sources, strict=True), piece.first):
            yield position, label, source, piece.template


def _row(source: bytes) -> list[float | None]:
    return [number if math.isfinite(number) else None for number in unpacked(source)]


def _document(
    record: JobRecord, first: int, template: TemplateSource | None, members: dict[str, Any], following: str | None
) -> CircuitsDocument:
    if template is None:
        return CircuitsDocument(job_id=record.id, first=first, circuits=members, next=following)
    shape = TemplateDocument(replace_surrogates(template.text), list(template.names))
    return CircuitsDocument(job_id=record.id, first=first, template=shape, rows=members, next=following)
