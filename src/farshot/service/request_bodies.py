"""The body and the query parameters of a request.

A body is capped before and after it is unpacked; a large one is decoded in a thread.
"""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING, TypeVar

import msgspec

from farshot.errors import MediaTypeError, ParameterError, TooLargeError, WireError
from farshot.service.context import decode_in_thread
from farshot.wire import JSON, PACKED, PACKED_KINDS, JobRequest, read_packed, read_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from farshot.service.context import Call


_Document = TypeVar("_Document", bound=msgspec.Struct)
_MAX_INLINE_BYTES = 4 * 1024
"""Bytes that are decoded in less time than a thread would need to begin."""
_MAX_LOCAL_BYTES = 4 * 2**20
"""Bytes of MessagePack that are decoded without a noticeable delay for others."""
_GZIP = 16 + zlib.MAX_WBITS
_CHARSET = re.compile(r"\bcharset\s*=\s*\"?([^\s\";]*)")


def is_read_here(call: Call, kind: type[msgspec.Struct] | None) -> bool:
    """Return whether this process, not the loader, reads a large body: a batch in plain MessagePack of moderate size.

    Only its contents say whether the rest of the work is quick too.
    """
    headers = call.request.headers
    return (
        kind is JobRequest
        and _media_type(call.request) == PACKED
        and "content-encoding" not in headers
        and int(headers.get("content-length", _MAX_LOCAL_BYTES + 1)) <= _MAX_LOCAL_BYTES
    )


async def document_in(call: Call, kind: type[_Document], *, may_be_empty: bool = False) -> _Document:
    """Return the document in the body; an empty one may stand for `{}`.

    Raises `WireError` if it is malformed, `TooLargeError`, and `MediaTypeError` for a type or coding not understood.
    """
    limit = call.parts.limits.body_bytes
    pieces = await _receive_body(call.request, limit)
    if may_be_empty and not pieces:
        return read_request(b"{}", kind)
    decode = _decoder_for(call.request, kind)
    coding = ",".join(call.request.headers.getlist("content-encoding")).strip().lower() or "identity"
    if coding == "identity" and sum(map(len, pieces)) <= _MAX_INLINE_BYTES:
        return decode(b"".join(pieces), kind)
    return await decode_in_thread(call, lambda: decode(_unpack(_join(pieces), coding, limit), kind))


def _decoder_for(request: Request, kind: type[msgspec.Struct]) -> Callable[[bytes, type[_Document]], _Document]:
    media_type = _media_type(request)
    charset = _CHARSET.search(request.headers.get("content-type", "").lower())
    if media_type == PACKED and kind in PACKED_KINDS:
        return read_packed
    if media_type == JSON and (charset is None or charset[1] == "utf-8"):
        return read_request
    also = f", or {PACKED}" if kind in PACKED_KINDS else ""
    message = f"the body must be {JSON}, in UTF-8{also}"
    raise MediaTypeError(message)


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").lower().partition(";")[0].strip()


async def _receive_body(request: Request, limit: int) -> list[bytes]:
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size > limit:
            raise _too_large(limit)
        if piece:
            pieces.append(piece)
    return pieces


def _join(pieces: list[bytes]) -> bytes:
    """Return the pieces as one and empty the list, which would keep them in memory."""
    data = b"".join(pieces)
    pieces.clear()
    return data


def _unpack(data: bytes, coding: str, limit: int) -> bytes:
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
        raise WireError(message) from None
    if len(plain) > limit:
        raise _too_large(limit)
    if not unpacker.eof:
        message = "the gzip body ends early"
        raise WireError(message)
    if unpacker.unused_data:
        message = "the gzip body goes on behind its end"
        raise WireError(message)
    return plain


def _too_large(limit: int) -> TooLargeError:
    message = f"a body may have {limit:,} bytes, unpacked: send a large job in parts"
    return TooLargeError(message)


def parameters_in(call: Call, kind: type[_Document]) -> _Document:
    """Return the query parameters; raises `ParameterError` if one is unknown, wrong, or given twice."""
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
