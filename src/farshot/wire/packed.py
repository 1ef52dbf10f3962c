"""Batches in MessagePack: the same documents as in JSON, for programs that send much. Texts are sent unescaped.

The members of a body are counted by the heads of its maps and arrays before anything is decoded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import msgspec

from farshot.errors import WireError
from farshot.wire.documents import (
    JobRequest,
    PartRequest,
    TemplateDocument,
    given_members,
    outline_of,
    to_plain_number,
)
from farshot.wire.piecewise import MAX_MEMBERS, MAX_NUMBERS, MAX_TEXT_LENGTH, too_long, too_many

if TYPE_CHECKING:
    from collections.abc import Iterator


PACKED = "application/vnd.msgpack"
PACKED_KINDS: tuple[type[msgspec.Struct], ...] = (JobRequest, PartRequest)

_MAX_BRIEF_CIRCUITS = 2_000
_MAX_BRIEF_OTHER_BYTES = 64 * 1024

_Document = TypeVar("_Document", bound=msgspec.Struct)
pack = msgspec.msgpack.Encoder(enc_hook=to_plain_number).encode


class _Head(NamedTuple):
    """The head of a map or array in MessagePack, with the number of members that it announces."""

    is_map: bool
    size: int


def read_packed(data: bytes, kind: type[_Document]) -> _Document:
    """Return the batch in a body; raises `WireError` if it is not exactly one, `BatchError` if a text is too long."""
    try:
        members = _members(data, kind)
        for name, raw in members.items():
            _check_size(name, raw)
        document = msgspec.msgpack.decode(data, type=kind)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        message = f"the body cannot be read: {error}"
        raise WireError(message) from error
    for name, raw in members.items():
        _check_duplicates(name, raw, getattr(document, name))
    _check_texts(document)
    return document


def is_brief(data: bytes) -> bool:
    """Return whether a batch is made a job in tens of milliseconds: it has at most 2,000 circuits, and little else.

    Nothing is decoded for it but the heads. A body that cannot be read is refused as fast.
    """
    try:
        circuits = _members(data, JobRequest).get("circuits", memoryview(b"\x80"))
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError, WireError):
        return True
    return _size(circuits) <= _MAX_BRIEF_CIRCUITS and len(data) - len(circuits) <= _MAX_BRIEF_OTHER_BYTES


def map_head(size: int) -> bytes:
    """Return the head of a map with `size` members.

    >>> msgspec.msgpack.decode(map_head(1) + pack("a") + pack(2))
    {'a': 2}
    """
    return b"\xdf" + size.to_bytes(4, "big")


def _members(data: bytes, kind: type[msgspec.Struct]) -> dict[str, memoryview]:
    """Return the members of a body; raises an error if one is not in `kind` or is given twice."""
    raws = given_members(msgspec.msgpack.decode(data, type=outline_of(kind)))
    if _size(memoryview(data)) != len(raws):
        message = "the body has a member twice"
        raise WireError(message)
    return {name: memoryview(raw) for name, raw in raws.items()}


def _head(value: memoryview) -> _Head | None:
    """Return the head of a map or array; None if the value is neither (MessagePack specification, Formats)."""
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
    """Raise `WireError` if a member would take long to decode.

    A member with fewer bytes than the limit of its values needs no count.
    """
    if _size(raw) > MAX_MEMBERS:
        raise too_many(name)
    if name in {"rows", "circuit_ham_map", "shot_groups"}:
        if len(raw) > MAX_NUMBERS and sum(map(_size, _values_of(raw))) > MAX_NUMBERS:
            raise too_many(name, MAX_NUMBERS, "numbers")
    elif name == "template":
        if len(raw) > MAX_MEMBERS and any(_size(value) > MAX_MEMBERS for value in _values_of(raw)):
            raise too_many(name)
    elif name != "circuits" and _head(raw) is not None:
        message = f"{name} is neither an object nor an array"
        raise WireError(message)


def _values_of(raw: memoryview) -> Iterator[memoryview]:
    """Yield the values of a map or array, not decoded."""
    head = _head(raw)
    if head is None:
        return
    found: Any = msgspec.msgpack.decode(raw, type=dict[str, msgspec.Raw] if head.is_map else list[msgspec.Raw])
    for value in found.values() if head.is_map else found:
        yield memoryview(value)


def _check_duplicates(name: str, raw: memoryview, value: object) -> None:
    """Raise `WireError` if an object announces more members than were decoded from it."""
    if isinstance(value, dict | TemplateDocument):
        decoded = len(value) if isinstance(value, dict) else len(value.__struct_fields__)
        if _size(raw) != decoded:
            message = f"{name} has a label or a member twice"
            raise WireError(message)


def _check_texts(document: msgspec.Struct) -> None:
    for label, text in (getattr(document, "circuits", None) or {}).items():
        if len(text) > MAX_TEXT_LENGTH:
            name = f"circuit {label!r:.80}"
            raise too_long(name, len(text))
    template, name = getattr(document, "template", None), "the source of the template"
    if template is not None and len(template.source) > MAX_TEXT_LENGTH:
        raise too_long(name, len(template.source))
