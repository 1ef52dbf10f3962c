"""The upload of a batch: in one request, or in numbered parts if it is large."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

import msgspec

from farshot.backends.http.records import job_path
from farshot.backends.http.transport import ApiRequest
from farshot.backends.job_inputs import observables_options
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

    from farshot.backends.http.transport import Transport
    from farshot.submission import Batch


_MAX_WHOLE_BYTES = 8 * 2**20
_MAX_CIRCUITS = 20_000
_MAX_PART_BYTES = 4 * 2**20
_KEY_CHARACTERS = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) != "%")
_MAX_FRAME_BYTES = 64
"""The most bytes of a body around its circuits."""


@dataclass(slots=True)
class Upload:
    """The progress of a submission, written by the thread that sends and read by the one that waits."""

    key: str = ""
    total: int = 0
    """The number of circuits of the batch."""
    is_ours: bool = False
    """True if the job can only be this submission's: the key was made for it, or the service created the job for it."""
    sent: int = 0
    """The number of circuits that the service has."""
    job_id: str | None = None
    """The id of the job, once the service has answered with it."""

    @property
    def header(self) -> str:
        """The key for a header, which percent-encodes the characters that a header cannot have."""
        return quote(self.key, safe=_KEY_CHARACTERS)


class UploadBody(NamedTuple):
    """The encoded circuits of one part and their number."""

    circuits: int
    body: bytes


def job_request(batch: Batch, *, shot_groups: bool, seed: bool, priority: int) -> JobRequest:
    """Return the document of a batch without its circuits; `shot_groups` and `seed` are whether those were given."""
    spec, template = batch.spec, batch.spec.template
    groups = spec.shots.groups if spec.shots else ()
    return JobRequest(
        template=TemplateDocument(replace_surrogates(template.text), list(template.names)) if template else None,
        target=spec.target,
        shots=None if shot_groups or not groups else groups[0].shots,
        seed=spec.seed if seed else None,
        default_seed=None if seed else spec.seed,
        **observables_options(spec.observables),
        shot_groups=[[group.start, group.end, group.shots] for group in groups] if shot_groups else None,
        tag=batch.tag,
        priority=priority,
        timeout=None if spec.timeout == math.inf else spec.timeout,
    )


def replace_surrogates(text: str) -> str:
    """Return a text that UTF-8 can encode: a lone surrogate becomes U+FFFD, which the scan refuses as well."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return "".join("\ufffd" if "\ud800" <= letter <= "\udfff" else letter for letter in text)
    return text


def send(
    transport: Transport, batch: Batch, document: JobRequest, upload: Upload, stop: threading.Event
) -> JobDocument:
    """Send a batch and return the document of its job; `stop` ends the upload between two requests."""
    body = _encode_whole(batch, document)
    if body is None:
        return _send_parts(transport, batch, document, upload, stop)
    job = _post(transport, body, upload, stop)
    upload.sent = upload.total
    return job


def _encode_whole(batch: Batch, document: JobRequest) -> bytes | None:
    """Return the encoded document with its circuits; None if that would be large."""
    if len(batch.labels) > _MAX_CIRCUITS or sum(map(len, batch.sources)) > _MAX_WHOLE_BYTES:
        return None
    members = dict(zip(batch.labels, _values(batch), strict=True))
    body = pack(msgspec.structs.replace(document, **{_member(batch): members}))
    return body if len(body) <= _MAX_WHOLE_BYTES else None


def _member(batch: Batch) -> str:
    """Return the name of the member with the circuits."""
    return "rows" if batch.spec.template else "circuits"


def _values(batch: Batch) -> Iterator[str | tuple[float, ...]]:
    """Yield each circuit or row as a value that can be encoded."""
    template = batch.spec.template
    unpack = struct.Struct(f"<{len(template.names) if template else 0}d").unpack
    sources: Iterable[str | bytes] = batch.sources
    return (unpack(source) if isinstance(source, bytes) else replace_surrogates(source) for source in sources)


def _encode_members(batch: Batch) -> Iterator[bytes]:
    """Yield each circuit or row as an encoded member of a map; raises `BatchError` for one too large to send."""
    for label, value in zip(batch.labels, _values(batch), strict=True):
        piece = pack(label) + pack(value)
        if len(piece) > MAX_BODY - _MAX_FRAME_BYTES:
            message = f"circuit {label!r:.80} has {len(piece):,} bytes; {MAX_BODY - _MAX_FRAME_BYTES:,} can be sent"
            raise BatchError(message)
        yield piece


def _cut(batch: Batch) -> Iterator[UploadBody]:
    """Cut a batch into parts, at the same places every time."""
    pieces: list[bytes] = []
    size = 0
    for piece in _encode_members(batch):
        if pieces and (size + len(piece) > _MAX_PART_BYTES or len(pieces) >= _MAX_CIRCUITS):
            yield _encode_part(batch, pieces)
            pieces, size = [], 0
        pieces.append(piece)
        size += len(piece)
    yield _encode_part(batch, pieces)


def _encode_part(batch: Batch, pieces: list[bytes]) -> UploadBody:
    return UploadBody(len(pieces), b"".join([map_head(1), pack(_member(batch)), map_head(len(pieces)), *pieces]))


def _send_parts(
    transport: Transport, batch: Batch, document: JobRequest, upload: Upload, stop: threading.Event
) -> JobDocument:
    opening = msgspec.structs.replace(document, upload=True, digest=batch.digest.hex())
    job = _post(transport, pack(opening), upload, stop)
    if job.uploading:
        arrived = {part.number: part.circuits for part in job.parts or ()}
        for number, part in enumerate(_cut(batch)):
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
