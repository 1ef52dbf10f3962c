"""How a batch travels: in one request, or in numbered parts where it is large."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

import msgspec

from farshot.backends.http.records import job_path
from farshot.backends.http.transport import ApiRequest
from farshot.errors import BatchError
from farshot.wire import (
    MAX_BODY,
    PACKED,
    FinalizeRequest,
    JobDocument,
    JobRequest,
    TemplateDocument,
    encode,
    map_head,
    pack,
    read_answer,
)

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterable, Iterator

    from httpx2 import Response

    from farshot.backends.http.transport import Transport
    from farshot.model import Observables, TemplateSource
    from farshot.submission import Batch


_LARGE = 8 * 2**20
_MANY = 20_000
_PART = 4 * 2**20
_KEY_LETTERS = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) != "%")
_ROOM = 64
"""Bytes of a body around its circuits, at most."""


@dataclass(slots=True)
class Upload:
    """How far a submission is: written by the thread that sends, read by the one that waits."""

    key: str = ""
    total: int = 0
    is_ours: bool = False
    """Whether the job can only be this submission's: nobody else knows the key, or the service made the job for us."""
    sent: int = 0
    job_id: str | None = None

    @property
    def header(self) -> str:
        """The key as it travels: letters that a header cannot carry are percent-encoded."""
        return quote(self.key, safe=_KEY_LETTERS)


class UploadBody(NamedTuple):
    """Some circuits of a batch, encoded."""

    circuits: int
    body: bytes


def job_request(batch: Batch, *, shot_groups: bool, seed: bool, priority: int) -> JobRequest:
    """Return the document of a batch without its circuits; `shot_groups` and `seed` say whether those were given."""
    spec = batch.spec
    groups = spec.shots.groups if spec.shots else ()
    return JobRequest(
        template=_template(spec.template),
        target=spec.target,
        shots=None if shot_groups or not groups else groups[0].shots,
        seed=spec.seed if seed else None,
        default_seed=None if seed else spec.seed,
        ham_ops="|".join(map(";".join, spec.observables.groups)) if spec.observables else None,
        circuit_ham_map=_map(spec.observables),
        shot_groups=[[group.start, group.end, group.shots] for group in groups] if shot_groups else None,
        tag=batch.tag,
        priority=priority,
        timeout=None if spec.timeout == math.inf else spec.timeout,
    )


def _template(template: TemplateSource | None) -> TemplateDocument | None:
    if template is None:
        return None
    return TemplateDocument(travelling(template.text), list(template.names))


def _map(observables: Observables | None) -> list[list[int]] | None:
    """Return the range of each group, in the order of the groups."""
    if observables is None or not observables.ranges:
        return None
    ranges = sorted(observables.ranges, key=lambda chosen: chosen.group)
    return [[chosen.start, chosen.end] for chosen in ranges]


def travelling(text: str) -> str:
    """Return a text as a body can carry it: half of a surrogate pair becomes U+FFFD, which the scan refuses as well."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return "".join("\ufffd" if "\ud800" <= letter <= "\udfff" else letter for letter in text)
    return text


def send(
    transport: Transport, batch: Batch, document: JobRequest, upload: Upload, stop: threading.Event
) -> JobDocument:
    """Make a job of the batch and return what the service says of it; `stop` ends that between two requests."""
    body = _whole(batch, document)
    if body is None:
        return _send_parts(transport, batch, document, upload, stop)
    job = _post(transport, body, upload, stop)
    upload.sent = upload.total
    return job


def _whole(batch: Batch, document: JobRequest) -> bytes | None:
    """Return the document with its circuits; None where that would be large."""
    if len(batch.labels) > _MANY or sum(map(len, batch.sources)) > _LARGE:
        return None
    members = dict(zip(batch.labels, _values(batch), strict=True))
    body = pack(msgspec.structs.replace(document, **{_name(batch): members}))
    return body if len(body) <= _LARGE else None


def _name(batch: Batch) -> str:
    """Return the name of the member that holds circuits."""
    return "rows" if batch.spec.template else "circuits"


def _values(batch: Batch) -> Iterator[str | tuple[float, ...]]:
    """Yield each circuit or row as a body can carry it."""
    template = batch.spec.template
    unpack = struct.Struct(f"<{len(template.names) if template else 0}d").unpack
    sources: Iterable[str | bytes] = batch.sources
    return (unpack(source) if isinstance(source, bytes) else travelling(source) for source in sources)


def _pieces(batch: Batch) -> Iterator[bytes]:
    """Yield each circuit or row as a member of a map."""
    for label, value in zip(batch.labels, _values(batch), strict=True):
        piece = pack(label) + pack(value)
        if len(piece) > MAX_BODY - _ROOM:
            message = f"circuit {label!r:.80} has {len(piece):,} bytes; {MAX_BODY - _ROOM:,} can be sent"
            raise BatchError(message)
        yield piece


def _parts(batch: Batch) -> Iterator[UploadBody]:
    """Cut a batch. The same batch is cut at the same places every time."""
    pieces: list[bytes] = []
    size = 0
    for piece in _pieces(batch):
        if pieces and (size + len(piece) > _PART or len(pieces) >= _MANY):
            yield _part(batch, pieces)
            pieces, size = [], 0
        pieces.append(piece)
        size += len(piece)
    yield _part(batch, pieces)


def _part(batch: Batch, pieces: list[bytes]) -> UploadBody:
    return UploadBody(len(pieces), b"".join([map_head(1), pack(_name(batch)), map_head(len(pieces)), *pieces]))


def _send_parts(
    transport: Transport, batch: Batch, document: JobRequest, upload: Upload, stop: threading.Event
) -> JobDocument:
    opening = msgspec.structs.replace(document, upload=True, digest=batch.digest.hex())
    job = _post(transport, pack(opening), upload, stop)
    if job.uploading:
        arrived = {part.number: part.circuits for part in job.parts or ()}
        for number, part in enumerate(_parts(batch)):
            if arrived.get(number) != part.circuits:
                path = job_path(job.job_id, "parts", str(number))
                transport.ask(ApiRequest(method="PUT", path=path, body=part.body, kind=PACKED), stop)
            upload.sent += part.circuits
        body = encode(FinalizeRequest(upload.total))
        answer = transport.ask(ApiRequest(method="POST", path=job_path(job.job_id, "finalize"), body=body), stop)
        job = read_answer(answer.content, JobDocument)
    upload.sent = upload.total
    return job


def _post(transport: Transport, body: bytes, upload: Upload, stop: threading.Event) -> JobDocument:
    headers = {"Idempotency-Key": upload.header}
    response = transport.ask(ApiRequest(method="POST", path="/v1/jobs", body=body, kind=PACKED, headers=headers), stop)
    job = read_answer(response.content, JobDocument)
    upload.is_ours = upload.is_ours or response.status_code == 201
    upload.job_id = job.job_id
    return job


def withdraw(transport: Transport, job_id: str, seconds: float) -> Response:
    """Cancel a job, be it half made or whole; one that has ended stays as it is, and is answered with 409."""
    ask = ApiRequest(method="POST", path=job_path(job_id, "cancel"), seconds=seconds, also=frozenset({409}))
    return transport.ask(ask)
