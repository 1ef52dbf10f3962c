"""The body of a request: capped before and after it is unpacked; what is large is decoded in a thread."""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING, TypeVar

import msgspec

from farshot.service.context import decode_in_thread
from farshot.service.problems import BodyError, MediaTypeError, ParameterError, TooLargeError
from farshot.wire import JSON, PACKED, PACKED_KINDS, JobRequest, read_packed, read_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from farshot.service.context import Call


_Document = TypeVar("_Document", bound=msgspec.Struct)
_SMALL = 4 * 1024
"""Bytes that are decoded in less time than it takes to have a thread do it."""
_READ_HERE = 4 * 2**20
"""Bytes of MessagePack that are decoded before anybody else could notice."""
_GZIP = 16 + zlib.MAX_WBITS
_CHARSET = re.compile(r"\bcharset\s*=\s*\"?([^\s\";]*)")


def is_read_here(call: Call, kind: type[msgspec.Struct] | None) -> bool:
    """Whether a large body is a batch that this process reads itself: plain MessagePack, and not too much of it.

    What is in it says whether the rest is quick, too.
    """
    headers = call.request.headers
    return (
        kind is JobRequest
        and _media_type(call.request) == PACKED
        and "content-encoding" not in headers
        and int(headers.get("content-length", _READ_HERE + 1)) <= _READ_HERE
    )


async def document_in(call: Call, kind: type[_Document], *, may_be_empty: bool = False) -> _Document:
    """Return the document in the body; an empty one may stand for `{}`.

    Raises `WireError` where it is none, `RequestError` where it is too large or of another type.
    """
    limit = call.parts.limits.body_bytes
    pieces = await _body(call.request, limit)
    if may_be_empty and not pieces:
        return read_request(b"{}", kind)
    read = _reader(call.request, kind)
    coding = ",".join(call.request.headers.getlist("content-encoding")).strip().lower() or "identity"
    if coding == "identity" and sum(map(len, pieces)) <= _SMALL:
        return read(_joined(pieces), kind)
    return await decode_in_thread(call, lambda: read(_plain(_joined(pieces), coding, limit), kind))


def _reader(request: Request, kind: type[msgspec.Struct]) -> Callable[[bytes, type[_Document]], _Document]:
    """Return what reads a body of the type that the request says."""
    name = _media_type(request)
    charset = _CHARSET.search(request.headers.get("content-type", "").lower())
    if name == PACKED and kind in PACKED_KINDS:
        return read_packed
    if name == JSON and (charset is None or charset[1] == "utf-8"):
        return read_request
    also = f", or {PACKED}" if kind in PACKED_KINDS else ""
    message = f"the body must be {JSON}, in UTF-8{also}"
    raise MediaTypeError(message)


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").lower().partition(";")[0].strip()


async def _body(request: Request, limit: int) -> list[bytes]:
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size > limit:
            raise _too_large(limit)
        if piece:
            pieces.append(piece)
    return pieces


def _joined(pieces: list[bytes]) -> bytes:
    """Return the pieces as one, and let go of them."""
    data = b"".join(pieces)
    pieces.clear()
    return data


def _plain(data: bytes, coding: str, limit: int) -> bytes:
    if coding == "identity":
        return data
    if coding != "gzip":
        message = "the body may be sent plain or with Content-Encoding gzip"
        raise MediaTypeError(message)
    unpacker = zlib.decompressobj(_GZIP)
    try:
        plain = unpacker.decompress(data, limit + 1)
    except zlib.error:
        message = "the body is not gzip, as its Content-Encoding says"
        raise BodyError(message) from None
    if len(plain) > limit:
        raise _too_large(limit)
    if not unpacker.eof:
        message = "the gzip body ends early"
        raise BodyError(message)
    if unpacker.unused_data:
        message = "the gzip body goes on behind its end"
        raise BodyError(message)
    return plain


def _too_large(limit: int) -> TooLargeError:
    message = f"a body may have {limit:,} bytes, unpacked: send a large job in parts"
    return TooLargeError(message)


def parameters_in(call: Call, kind: type[_Document]) -> _Document:
    """Return the query parameters; raises `RequestError` where one is unknown, wrong, or given twice."""
    query = call.request.query_params
    names = [name for name, _ in query.multi_items()]
    if len(names) != len(set(names)):
        message = "a parameter is given twice"
        raise ParameterError(message)
    if any("\0" in text for item in query.items() for text in item):
        message = "a parameter holds NUL"
        raise ParameterError(message)
    try:
        document = msgspec.convert(dict(query), type=kind, strict=False)
    except msgspec.ValidationError as error:
        raise ParameterError(str(error)) from None
    if any(getattr(document, name) is None for name in names):
        message = "a parameter is null: leave it out"
        raise ParameterError(message)
    return document
