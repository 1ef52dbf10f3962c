"""Batches in MessagePack: the same documents as in JSON, for programs that send much. Texts travel as they are.

What a body holds is counted by the heads of its maps and arrays before any of it is decoded.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import msgspec

from farshot.errors import WireError
from farshot.wire.documents import JobRequest, PartRequest, TemplateDocument
from farshot.wire.numbers import plain_number
from farshot.wire.piecewise import MAX_MEMBERS, MAX_NUMBERS, too_many
from farshot.wire.texts import MAX_TEXT, too_long

if TYPE_CHECKING:
    from collections.abc import Iterator


PACKED = "application/vnd.msgpack"
PACKED_KINDS: tuple[type[msgspec.Struct], ...] = (JobRequest, PartRequest)

_Document = TypeVar("_Document", bound=msgspec.Struct)
pack = msgspec.msgpack.Encoder(enc_hook=plain_number).encode


class _Head(NamedTuple):
    """What a value of MessagePack begins with: whether it is a map, and how many members it says it has."""

    is_map: bool
    size: int


def read_packed(data: bytes, kind: type[_Document]) -> _Document:
    """Return the batch in a body; raises `WireError` where it is not exactly one, `BatchError` for a text too long."""
    try:
        members = _members(data, kind)
        for name, raw in members.items():
            _check_size(name, raw)
        document = msgspec.msgpack.decode(data, type=kind)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        message = f"the body cannot be read: {error}"
        raise WireError(message) from error
    for name, raw in members.items():
        _check_doubles(name, raw, getattr(document, name))
    _check_texts(document)
    return document


def map_head(size: int) -> bytes:
    """Return what a map of so many members begins with.

    >>> msgspec.msgpack.decode(map_head(1) + pack("a") + pack(2))
    {'a': 2}
    """
    return b"\xdf" + size.to_bytes(4, "big")


def _members(data: bytes, kind: type[msgspec.Struct]) -> dict[str, memoryview]:
    """Return the members that a body has; one that `kind` does not know, or has twice, is refused."""
    outline = msgspec.msgpack.decode(data, type=_outline(kind))
    raws = {name: raw for name, raw in msgspec.structs.asdict(outline).items() if raw is not None}
    if _size(memoryview(data)) != len(raws):
        message = "the body has a member twice"
        raise WireError(message)
    return {name: memoryview(raw) for name, raw in raws.items()}


@cache
def _outline(kind: type[msgspec.Struct]) -> type[msgspec.Struct]:
    members = [(field.name, msgspec.Raw, None) for field in msgspec.structs.fields(kind)]
    return msgspec.defstruct(kind.__name__, members, forbid_unknown_fields=True)


def _head(value: memoryview) -> _Head | None:
    """Return the head of a map or an array; None where a value is neither (MessagePack specification, Formats)."""
    first = value[0]
    if 0x80 <= first <= 0x9F:
        return _Head(first < 0x90, first & 0x0F)
    if 0xDC <= first <= 0xDF:
        return _Head(first >= 0xDE, int.from_bytes(value[1 : 3 if first % 2 == 0 else 5], "big"))
    return None


def _size(value: memoryview) -> int:
    head = _head(value)
    return 0 if head is None else head.size


def _check_size(name: str, raw: memoryview) -> None:
    """Refuse a member that would take long to decode. What has fewer bytes than it may have values needs no count."""
    if _size(raw) > MAX_MEMBERS:
        raise too_many(name)
    if name in {"rows", "circuit_ham_map", "shot_groups"}:
        if len(raw) > MAX_NUMBERS and sum(map(_size, _inner(raw))) > MAX_NUMBERS:
            raise too_many(name, MAX_NUMBERS, "numbers")
    elif name == "template":
        if len(raw) > MAX_MEMBERS and any(_size(value) > MAX_MEMBERS for value in _inner(raw)):
            raise too_many(name)
    elif name != "circuits" and _head(raw) is not None:
        message = f"{name} is neither an object nor an array"
        raise WireError(message)


def _inner(raw: memoryview) -> Iterator[memoryview]:
    """Yield the values of a map or an array as they are."""
    head = _head(raw)
    if head is None:
        return
    found: Any = msgspec.msgpack.decode(raw, type=dict[str, msgspec.Raw] if head.is_map else list[msgspec.Raw])
    for value in found.values() if head.is_map else found:
        yield memoryview(value)


def _check_doubles(name: str, raw: memoryview, value: object) -> None:
    """Refuse an object that said more members than were read of it."""
    if isinstance(value, dict | TemplateDocument):
        read = len(value) if isinstance(value, dict) else len(value.__struct_fields__)
        if _size(raw) != read:
            message = f"{name} has a label or a member twice"
            raise WireError(message)


def _check_texts(document: msgspec.Struct) -> None:
    for label, text in (getattr(document, "circuits", None) or {}).items():
        if len(text) > MAX_TEXT:
            name = f"circuit {label!r:.80}"
            raise too_long(name, len(text))
    template, name = getattr(document, "template", None), "the source of the template"
    if template is not None and len(template.source) > MAX_TEXT:
        raise too_long(name, len(template.source))
