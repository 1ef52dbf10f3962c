"""From bytes to documents and back. A request's JSON must say one thing only."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar

import msgspec

from farshot.errors import WireError
from farshot.wire.documents import TemplateDocument
from farshot.wire.duplicates import check_doubles
from farshot.wire.numbers import plain_number
from farshot.wire.piecewise import MAX_MEMBERS, PIECE, decode_pieces, form_of, too_many
from farshot.wire.strings import FEW, Strings, count_strings
from farshot.wire.texts import LONG, decode_text, decode_texts

JSON = "application/json"
NDJSON = "application/x-ndjson"
PROBLEM = "application/problem+json"
MAX_BODY = 16 * 2**20

_Document = TypeVar("_Document", bound=msgspec.Struct)
_MOST = 4 * MAX_MEMBERS
"""Strings beyond which no body can be right: a label and a text for each circuit, and the names of parameters."""
_LONGEST = 2**20
"""Bytes that a member may have which is no text and holds no circuits."""


encode = msgspec.json.Encoder(enc_hook=plain_number).encode


def read_answer(data: bytes, kind: type[_Document]) -> _Document:
    """Return the document in an answer; members it does not know are from a newer service and are skipped."""
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, RecursionError) as error:
        message = f"the answer cannot be read: {error}"
        raise WireError(message) from error


def read_request(data: bytes, kind: type[_Document]) -> _Document:
    """Return the document in a request's body; raises `WireError` where it is not exactly one such document.

    A long text may be a `BatchError` for its length. No step keeps other threads waiting for long, whatever there is.
    """
    try:
        strings = _strings(data)
        members = _members(data, kind)
        document = msgspec.json.decode(data, type=kind) if len(data) <= PIECE else _joined(members, kind, strings)
        check_doubles(data, strings, members, document)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        message = f"the body cannot be read: {error}"
        raise WireError(message) from error
    return document


def _strings(data: bytes) -> Strings:
    strings = Strings.of(data)
    if strings.most > _MOST:
        message = f"one request may hold {MAX_MEMBERS:,} circuits or rows: send a large job in parts"
        raise WireError(message)
    return strings


def _members(data: bytes, kind: type[msgspec.Struct]) -> dict[str, msgspec.Raw]:
    """Return the members that a body has; one that `kind` does not know ends it at once."""
    outline = msgspec.json.decode(data, type=_outline(kind))
    return {name: raw for name, raw in msgspec.structs.asdict(outline).items() if raw is not None}


@cache
def _outline(kind: type[msgspec.Struct]) -> type[msgspec.Struct]:
    members = [(field.name, msgspec.Raw, None) for field in msgspec.structs.fields(kind)]
    return msgspec.defstruct(kind.__name__, members, forbid_unknown_fields=True)


def _joined(members: dict[str, msgspec.Raw], kind: type[_Document], strings: Strings) -> _Document:
    """Decode what is large member by member, and all the rest at once."""
    types = {field.name: field.type for field in msgspec.structs.fields(kind) if not field.required}
    large = {name for name, raw in members.items() if name in types and len(memoryview(raw)) > PIECE}
    rest = {name: raw for name, raw in members.items() if name not in large}
    document = msgspec.json.decode(msgspec.json.encode(rest), type=kind)
    found = {name: _decoded(name, members[name], types[name], strings) for name in members if name in large}
    return msgspec.structs.replace(document, **found)


def _decoded(name: str, raw: msgspec.Raw, kind: Any, strings: Strings) -> Any:  # noqa: ANN401 -- what a field holds
    text, form = memoryview(raw), form_of(kind)
    if text[0] == ord('"'):
        return decode_text(text, name) if kind == str | None else msgspec.json.decode(text, type=kind)
    if form is not None and (form.mark or strings.most > FEW):
        return decode_pieces(name, bytes(raw), kind, form)
    if form is not None:
        return decode_texts(text, kind)
    if name == "template":
        return _template(text, strings)
    if len(text) > _LONGEST:
        message = f"{name} may have {_LONGEST:,} bytes"
        raise WireError(message)
    return msgspec.json.decode(text, type=kind)


def _template(text: memoryview, strings: Strings) -> TemplateDocument:
    if strings.most > MAX_MEMBERS and count_strings(bytes(text)) > MAX_MEMBERS:
        raise too_many("template")  # noqa: EM101 -- the name of a member
    if len(text) <= LONG:
        return msgspec.json.decode(text, type=TemplateDocument)
    members: Any = msgspec.json.decode(text, type=_outline(TemplateDocument))
    if members.source is None or members.parameters is None:
        return msgspec.json.decode(text, type=TemplateDocument)
    source = decode_text(memoryview(members.source), "the source of the template")
    return TemplateDocument(source, msgspec.json.decode(memoryview(members.parameters), type=list[str]))
