"""The one codec of the HTTP API: what its documents hold, and how they become bytes.

Documents are JSON. A request's JSON must say one thing only: an unknown member, a member given twice, or nesting
deeper than the document has is refused. Results also travel packed, as a stream of frames, which costs the server
next to nothing: each frame is its length in four bytes (little-endian) and MessagePack.
"""

from __future__ import annotations

import re
import struct
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, get_origin

import msgspec

from farshot.contract import JobStatus
from farshot.errors import WireError
from farshot.model import Fault, Observables

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "FRAMES",
    "JSON",
    "MAX_BODY",
    "MAX_MEMBERS",
    "NDJSON",
    "PROBLEM",
    "EventsDocument",
    "FinalizeRequest",
    "FrameReader",
    "GapFrame",
    "HeadFrame",
    "JobDocument",
    "JobListDocument",
    "JobRequest",
    "MeDocument",
    "PartDocument",
    "PartFrame",
    "PartRequest",
    "Problem",
    "QuotaDocument",
    "Remaining",
    "ResultsDocument",
    "TailFrame",
    "TargetDocument",
    "TargetsDocument",
    "TemplateDocument",
    "encode",
    "encode_frame",
    "read_answer",
    "read_request",
]

JSON = "application/json"
NDJSON = "application/x-ndjson"
PROBLEM = "application/problem+json"
FRAMES = "application/vnd.farshot.results.v1"
MAX_BODY = 16 * 2**20
MAX_MEMBERS = 250_000
MAX_FRAME = 256 * 2**20

_Document = TypeVar("_Document", bound=msgspec.Struct)
_LENGTH = struct.Struct("<I")
_PIECE = 2**16
_LARGE: dict[str, tuple[Any, bytes]] = {
    "circuits": (dict[str, str], b""),
    "rows": (dict[str, list[float]], b"]"),
    "circuit_ham_map": (list[list[int]], b"]"),
    "shot_groups": (list[list[int]], b"]"),
}
_TOO_MANY = f"{{name}} may hold {MAX_MEMBERS:,} members in one request: send a large job in parts"
_BRACKETS = {dict: b"{}", list: b"[]"}
_SIGN = re.compile(rb'[",\]]')
_STRINGS_EACH = {"circuits": 2, "rows": 1}


class TemplateDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One parametric circuit; each of `parameters` stands for a number in its angles."""

    source: str
    parameters: list[str]


class JobRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A batch: `circuits` by label, or a `template` and its `rows` by label. The options are those of
    `submit_circuits`; `default_seed` is taken where there is no `seed` and is no part of what a key stands for.

    With `upload` the circuits or rows follow in parts, and `digest` (32 hexadecimal digits) says which batch it is. A
    null in a row stands for what is not finite, and fails that row.
    """

    circuits: dict[str, str] | None = None
    template: TemplateDocument | None = None
    rows: dict[str, list[float | None]] | None = None
    target: str = "auto"
    shots: int | None = None
    seed: int | None = None
    default_seed: int | None = None
    ham_ops: str | None = None
    circuit_ham_map: list[list[int]] | None = None
    shot_groups: list[list[int]] | None = None
    tag: str | None = None
    priority: int = 0
    timeout: float | None = None
    upload: bool = False
    digest: str | None = None


class PartRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One part of an upload: circuits, or rows where the job has a template."""

    circuits: dict[str, str] | None = None
    rows: dict[str, list[float | None]] | None = None


class FinalizeRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The end of an upload. `circuits` is how many the job must hold by now; null: whatever has arrived."""

    circuits: int | None = None


class FaultDocument(msgspec.Struct, frozen=True):
    """Why a job ended early: one of the fixed codes, and what to do."""

    code: str
    message: str


class Remaining(msgspec.Struct, frozen=True):
    """An estimate of the seconds until a running job ends, and the range that it lies in nine times of ten."""

    seconds: float
    low: float
    high: float


class PartDocument(msgspec.Struct, frozen=True):
    """A part of an upload that has arrived."""

    number: int
    circuits: int


class JobDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Where a job stands. `cursor` names its last change; `run_time` is the seconds of simulation over its circuits.

    `jobs_ahead` counts the jobs that are served before a waiting one; it, `remaining` and `parts` are there where
    one job is asked for. `circuits_cancelled` answers a cancel.
    """

    job_id: str
    status: JobStatus
    uploading: bool
    owner: str
    tag: str | None
    target: str
    priority: int
    circuits: int
    done: int
    failed: int
    cancel_requested: bool
    run_time: float
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    error: FaultDocument | None
    cursor: str
    jobs_ahead: int | None = None
    remaining: Remaining | None = None
    parts: list[PartDocument] | None = None
    circuits_cancelled: int | None = None


class JobListDocument(msgspec.Struct, frozen=True):
    """Jobs, the newest first. `next` is the cursor of the next page; null where this is the last."""

    jobs: list[JobDocument]
    next: str | None


class EventsDocument(msgspec.Struct, frozen=True):
    """The jobs that changed, as they are now, in the order of their last change. `cursor` is for the next call."""

    jobs: list[JobDocument]
    cursor: str


class ResultsDocument(msgspec.Struct, frozen=True):
    """A page of result entries in order of position. `next` is the cursor of the next page; null on the last."""

    job_id: str
    status: JobStatus
    results: list[dict[str, Any]]
    next: str | None


class TargetDocument(msgspec.Struct, frozen=True):
    """A name that circuits can be sent to. `unavailable` says why it cannot be used here; null: it can."""

    name: str
    simulator: str
    method: str | None
    unavailable: str | None
    memory_bytes: int
    circuit_timeout: float


class TargetsDocument(msgspec.Struct, frozen=True):
    """Every target of the service."""

    targets: list[TargetDocument]


class QuotaDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Amounts, used or allowed; null: without a limit."""

    queued_circuits: int | None
    running_shards: int | None
    shots_per_day: int | None
    stored_bytes: int | None


class MeDocument(msgspec.Struct, frozen=True):
    """Who asks, what it has, and what it may have."""

    name: str
    role: str
    usage: QuotaDocument
    quota: QuotaDocument


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An error, as RFC 9457 has it. `type` is stable; `label` names the circuit at fault where there is one."""

    type: str
    title: str
    status: int
    detail: str
    label: str | None = None
    job_id: str | None = None
    job_status: JobStatus | None = None
    retry_after: float | None = None


class HeadFrame(msgspec.Struct, frozen=True, array_like=True, tag="head"):
    """Begins a stream of results: what is needed to name the terms of values."""

    observables: Observables | None


class PartFrame(msgspec.Struct, frozen=True, array_like=True, tag="part"):
    """Results of the circuits `labels` from position `first` on: the encoded list of `CircuitResult`."""

    first: int
    attempt: int
    labels: tuple[str, ...]
    results: bytes


class GapFrame(msgspec.Struct, frozen=True, array_like=True, tag="gap"):
    """Circuits from position `first` on that will never run, and why."""

    first: int
    labels: tuple[str, ...]
    fault: Fault


class TailFrame(msgspec.Struct, frozen=True, array_like=True, tag="tail"):
    """Ends a stream that is whole: where the job stood."""

    status: JobStatus


def _plain_number(value: object) -> float:
    """Return a number whose class adds a meaning, such as seconds, as what it is."""
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    raise NotImplementedError


Frame: TypeAlias = HeadFrame | PartFrame | GapFrame | TailFrame

encode = msgspec.json.Encoder(enc_hook=_plain_number).encode
_encode_frame = msgspec.msgpack.Encoder().encode
_decode_frame: Any = msgspec.msgpack.Decoder(HeadFrame | PartFrame | GapFrame | TailFrame).decode


def encode_frame(frame: Frame) -> bytes:
    """Return one frame with its length before it."""
    body = _encode_frame(frame)
    return _LENGTH.pack(len(body)) + body


class FrameReader:
    """Cuts a stream of bytes into frames. Raises `WireError` where it holds something else."""

    def __init__(self) -> None:
        """Start at the beginning of a stream."""
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Take the next bytes and yield the frames that they complete."""
        self._buffer += data
        while len(self._buffer) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer)
            if length > MAX_FRAME:
                message = f"a frame of {length:,} bytes is beyond the limit of {MAX_FRAME:,}"
                raise WireError(message)
            end = _LENGTH.size + length
            if len(self._buffer) < end:
                return
            yield _frame(bytes(self._buffer[_LENGTH.size : end]))
            del self._buffer[:end]


def _frame(body: bytes) -> Frame:
    try:
        return _decode_frame(body)  # type: ignore[no-any-return]  # the decoder of a union is untyped
    except msgspec.MsgspecError as error:
        message = f"the stream of results cannot be read: {error}"
        raise WireError(message) from error


def read_answer(data: bytes, kind: type[_Document]) -> _Document:
    """Return the document in an answer; members it does not know are from a newer service and are skipped."""
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, RecursionError) as error:
        message = f"the answer cannot be read: {error}"
        raise WireError(message) from error


def read_request(data: bytes, kind: type[_Document]) -> _Document:
    """Return the document in a request's body; raises `WireError` where it is not exactly one such document.

    No step of it keeps other threads waiting for long, whatever the body holds.
    """
    try:
        document = _in_pieces(data, kind) if len(data) > _PIECE else msgspec.json.decode(data, type=kind)
        _check_members(data, document)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        message = f"the body cannot be read: {error}"
        raise WireError(message) from error
    return document


def _in_pieces(data: bytes, kind: type[_Document]) -> _Document:
    """Decode what may have many members piece by piece: a decoder lets no other thread run before it is done."""
    members = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    if _strings(bytes(members.get("template", b""))) > MAX_MEMBERS:
        raise WireError(_TOO_MANY.format(name="template"))
    large = {name: bytes(raw) for name, raw in members.items() if name in _LARGE and len(memoryview(raw)) > _PIECE}
    rest = {name: raw for name, raw in members.items() if name not in large}
    document = msgspec.json.decode(msgspec.json.encode(rest), type=kind)
    fields = {field.name for field in msgspec.structs.fields(kind)}
    if not fields.issuperset(large):
        return msgspec.json.decode(data, type=kind)
    return msgspec.structs.replace(document, **{name: _decoded(name, text) for name, text in large.items()})


def _decoded(name: str, text: bytes) -> Any:  # noqa: ANN401 -- of the type that its member has
    kind, mark = _LARGE[name]
    decode = msgspec.json.Decoder(kind).decode
    opening, closing = text[:1], text[-1:]
    if opening + closing != _BRACKETS[get_origin(kind)]:
        return decode(text)
    whole = decode(opening + closing)
    add = whole.update if isinstance(whole, dict) else whole.extend
    for piece in _pieces(text, mark):
        add(decode(opening + piece + closing))
        if len(whole) > MAX_MEMBERS:
            raise WireError(_TOO_MANY.format(name=name))
    return whole


def _pieces(text: bytes, mark: bytes) -> Iterator[bytes]:
    """Cut what an object or array holds, of which the grammar is known to be right, at commas between them.

    `mark` is what a comma must follow: nothing where members are strings, `]` where they are arrays of numbers.
    """
    start = 1
    while start < len(text):
        end = _comma(text, _outside(text, start), mark)
        yield text[start : min(end, len(text) - 1)]
        start = end + 1


def _outside(text: bytes, start: int) -> int:
    """Return a position some way behind `start` that is in no string, where `start` is in none."""
    piece = text[start : start + _PIECE]
    if (len(piece) - len(piece.rstrip(b"\\"))) % 2:
        piece = piece[:-1]
    quotes = piece.replace(rb"\\", b"").replace(rb"\"", b"").count(b'"')
    end = start + len(piece)
    return _string_end(text, end) if quotes % 2 else end


def _string_end(text: bytes, inside: int) -> int:
    """Return the position behind the string in which `inside` lies, where what is there is not escaped."""
    end = text.find(b'"', inside)
    while end >= 0:
        before = text[inside:end]
        if (len(before) - len(before.rstrip(b"\\"))) % 2 == 0:
            return end + 1
        inside, end = end + 1, text.find(b'"', end + 1)
    return len(text)


def _comma(text: bytes, position: int, mark: bytes) -> int:
    """Return the position of the next comma between members, or the end."""
    is_behind = not mark
    while found := _SIGN.search(text, position):
        sign, position = found[0], found.end()
        if sign == b'"':
            position = _string_end(text, position)
        elif sign == b"," and is_behind:
            return position - 1
        else:
            is_behind = is_behind or sign == mark
    return len(text)


def _check_members(data: bytes, document: msgspec.Struct) -> None:
    """Refuse an object that has a member twice, of which a decoder would silently drop one.

    A text with a dropped member holds more strings than what was decoded from it. Counting them is a few searches at
    the speed of C, where a decoder with a hook for every object would be in Python for all of a large body.
    """
    members = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    held = {name: _strings_held(name, bytes(raw), document) for name, raw in members.items()}
    if _strings(data) == len(members) + sum(held.values()):
        return
    twice = [name for name, strings in held.items() if _strings(bytes(members[name])) != strings]
    message = f"{twice[0]} has a label or a member twice" if twice else "the body has a member twice"
    raise WireError(message)


def _strings_held(name: str, raw: bytes, document: msgspec.Struct) -> int:
    """Return how many strings a member holds that has nothing twice."""
    value = getattr(document, name)
    if isinstance(value, dict):
        return _STRINGS_EACH[name] * len(value)
    if isinstance(value, TemplateDocument):
        return len(msgspec.json.decode(raw, type=dict[str, msgspec.Raw])) + 1 + len(value.parameters)
    return _strings(raw)


def _strings(data: bytes) -> int:
    r"""Return how many strings a JSON text holds.

    >>> _strings(rb'{"a": "b\\", "c\"": [1, "d"]}')
    4
    """
    if rb"\\" in data:
        data = data.replace(rb"\\", b"")
    return (data.count(b'"') - data.count(rb"\"")) // 2
