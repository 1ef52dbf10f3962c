"""Encoding and decoding of JSON documents. A request must be unambiguous: no member is unknown or given twice.

A decoder silently drops the first of two members of the same name. The text then holds more strings than the document
decoded from it. Counting strings takes a few searches at the speed of C, whereas a decoder with a hook for every object
would run Python code for all of a large body.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from farshot.errors import WireError
from farshot.wire.documents import TemplateDocument, given_members, outline_of, to_plain_number
from farshot.wire.piecewise import (
    MAX_MEMBERS,
    PIECE_BYTES,
    TEXT_PIECE_BYTES,
    decode_pieces,
    decode_text,
    decode_texts,
    form_of,
    too_many,
)
from farshot.wire.strings import MAX_STRINGS_AT_ONCE, StringCount, count_strings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

JSON = "application/json"
NDJSON = "application/x-ndjson"
PROBLEM = "application/problem+json"
MAX_BODY = 16 * 2**20

_Document = TypeVar("_Document", bound=msgspec.Struct)
_MAX_STRINGS = 4 * MAX_MEMBERS
"""The most strings in a valid body: a label and a text for each circuit, and the names of parameters."""
_MAX_OTHER_BYTES = 2**20
"""The largest size of a member that is no text and holds no circuits."""
_STRINGS_PER_ENTRY = {"circuits": 2, "rows": 1, "circuit_ham_map": 0, "shot_groups": 0}
_ESCAPED_QUOTE = re.compile(rb"\\u0022")
"""The only way besides a backslash to write a quotation mark in a string."""

encode = msgspec.json.Encoder(enc_hook=to_plain_number).encode


def read_answer(data: bytes, kind: type[_Document]) -> _Document:
    """Return the document in an answer. Unknown members come from a newer service and are skipped."""
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, RecursionError) as error:
        message = f"the answer cannot be read: {error}"
        raise WireError(message) from error


def read_request(data: bytes, kind: type[_Document]) -> _Document:
    """Return the document in the body of a request; raises `WireError` if it is not exactly one such document.

    Raises `BatchError` if a text is too long. No step blocks other threads for long, whatever the body holds.
    """
    try:
        strings = StringCount.of(data)
        if strings.maximum > _MAX_STRINGS:
            message = f"one request may hold {MAX_MEMBERS:,} circuits or rows: send a large job in parts"
            raise WireError(message)
        members = given_members(msgspec.json.decode(data, type=outline_of(kind)))
        if len(data) <= PIECE_BYTES:
            document = msgspec.json.decode(data, type=kind)
        else:
            document = _decode_members(members, kind, strings)
        _check_duplicates(data, strings, members, document)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        message = f"the body cannot be read: {error}"
        raise WireError(message) from error
    return document


def _decode_members(members: dict[str, msgspec.Raw], kind: type[_Document], strings: StringCount) -> _Document:
    """Decode large members one by one, and all others at once."""
    types = {field.name: field.type for field in msgspec.structs.fields(kind) if not field.required}
    large = {name for name, raw in members.items() if name in types and len(memoryview(raw)) > PIECE_BYTES}
    rest = {name: raw for name, raw in members.items() if name not in large}
    document = msgspec.json.decode(msgspec.json.encode(rest), type=kind)
    found = {name: _decode_member(name, members[name], types[name], strings) for name in members if name in large}
    return msgspec.structs.replace(document, **found)


def _decode_member(name: str, raw: msgspec.Raw, kind: Any, strings: StringCount) -> Any:  # noqa: ANN401 -- the value of a field
    text, form = memoryview(raw), form_of(kind)
    if text[0] == ord('"'):
        return decode_text(text, name) if kind == str | None else msgspec.json.decode(text, type=kind)
    if form is not None and (form.closing or strings.maximum > MAX_STRINGS_AT_ONCE):
        return decode_pieces(name, bytes(raw), kind, form)
    if form is not None:
        return decode_texts(text, kind)
    if name == "template":
        return _decode_template(text, strings)
    if len(text) > _MAX_OTHER_BYTES:
        message = f"{name} may have {_MAX_OTHER_BYTES:,} bytes"
        raise WireError(message)
    return msgspec.json.decode(text, type=kind)


def _decode_template(text: memoryview, strings: StringCount) -> TemplateDocument:
    if strings.maximum > MAX_MEMBERS and count_strings(bytes(text)) > MAX_MEMBERS:
        raise too_many("template")  # noqa: EM101 -- the name of a member
    if len(text) <= TEXT_PIECE_BYTES:
        return msgspec.json.decode(text, type=TemplateDocument)
    members: Any = msgspec.json.decode(text, type=outline_of(TemplateDocument))
    if members.source is None or members.parameters is None:
        return msgspec.json.decode(text, type=TemplateDocument)
    source = decode_text(memoryview(members.source), "the source of the template")
    return TemplateDocument(source, msgspec.json.decode(memoryview(members.parameters), type=list[str]))


def _check_duplicates(
    data: bytes, strings: StringCount, members: Mapping[str, msgspec.Raw], document: msgspec.Struct
) -> None:
    """Raise `WireError` if the body `data`, decoded to `document`, has a member twice."""
    expected = {name: _count_decoded_strings(name, raw, document) for name, raw in members.items()}
    total = len(members) + sum(expected.values())
    if strings.maximum == total or _has_expected_quotes(data, strings, total, members, document):
        return
    if count_strings(data) == total:
        return
    duplicated = [name for name, count in expected.items() if count_strings(bytes(members[name])) != count]
    message = f"{duplicated[0]} has a label or a member twice" if duplicated else "the body has a member twice"
    raise WireError(message)


def _has_expected_quotes(
    data: bytes, strings: StringCount, total: int, members: Iterable[str], document: msgspec.Struct
) -> bool:
    """Return whether the body has two quotation marks for each expected string besides those within strings."""
    if strings.quotes is None:
        return False
    inner = sum(_count_quotes(getattr(document, name)) for name in members)
    return strings.quotes == 2 * total + inner and not _ESCAPED_QUOTE.search(data)


def _count_decoded_strings(name: str, raw: msgspec.Raw, document: msgspec.Struct) -> int:
    """Return how many strings the text of a member holds if nothing in it is duplicated."""
    value = getattr(document, name)
    if value is None or isinstance(value, int | float):
        return 0
    if isinstance(value, str):
        return 1
    if isinstance(value, TemplateDocument):
        return 3 + len(value.parameters)
    if isinstance(value, dict | list) and name in _STRINGS_PER_ENTRY:
        return _STRINGS_PER_ENTRY[name] * len(value)
    return count_strings(bytes(raw))


def _count_quotes(value: object) -> int:
    if isinstance(value, str):
        return value.count('"')
    if isinstance(value, TemplateDocument):
        return _count_quotes(value.source) + _count_quotes(value.parameters)
    if isinstance(value, dict):
        return sum(map(_count_quotes, value)) + sum(map(_count_quotes, value.values()))
    if isinstance(value, list) and value and isinstance(value[0], str):
        return sum(map(_count_quotes, value))
    return 0
