"""From bytes to documents and back. A request's JSON must say one thing only."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar, get_origin

import msgspec

from farshot.errors import WireError
from farshot.wire.documents import TemplateDocument

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "JSON",
    "MAX_BODY",
    "MAX_MEMBERS",
    "NDJSON",
    "PROBLEM",
    "encode",
    "read_answer",
    "read_request",
]

JSON = "application/json"
NDJSON = "application/x-ndjson"
PROBLEM = "application/problem+json"
MAX_BODY = 16 * 2**20
MAX_MEMBERS = 250_000

_Document = TypeVar("_Document", bound=msgspec.Struct)
_PIECE = 2**16
_LARGE: dict[str, tuple[Any, bytes]] = {
    "circuits": (dict[str, str], b""),
    "rows": (dict[str, list[float | None]], b"]"),
    "circuit_ham_map": (list[list[int]], b"]"),
    "shot_groups": (list[list[int]], b"]"),
}
_TOO_MANY = f"{{name}} may hold {MAX_MEMBERS:,} members in one request: send a large job in parts"
_BRACKETS = {dict: b"{}", list: b"[]"}
_SIGN = re.compile(rb'[",\]]')
_STRINGS_EACH = {"circuits": 2, "rows": 1}


def _plain_number(value: object) -> float:
    """Return a number whose class adds a meaning, such as seconds, as what it is."""
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    raise NotImplementedError


encode = msgspec.json.Encoder(enc_hook=_plain_number).encode


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


def _decoded(name: str, text: bytes) -> Any:  # noqa: ANN401 -- an object or an array
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
    if isinstance(value, dict) and name in _STRINGS_EACH:
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
