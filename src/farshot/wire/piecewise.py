"""Large objects and arrays are decoded piece by piece: a decoder lets no other thread run before it is done."""

from __future__ import annotations

import re
import types
from typing import TYPE_CHECKING, Any, NamedTuple, get_args, get_origin

import msgspec

from farshot.errors import WireError
from farshot.wire.numbers import Position
from farshot.wire.strings import quotes_in, string_end, unescaped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sized


PIECE = 2**16
MAX_MEMBERS = 250_000
MAX_NUMBERS = 1_200_000


class Form(NamedTuple):
    """How an object or array is cut: at commas behind `mark`, or at any where its members are strings."""

    mark: bytes
    sign: re.Pattern[bytes]
    longest: int | None
    """Bytes that one member may have, where what a member holds is short."""


_STRINGS = Form(b"", re.compile(rb'[",]'), None)
_ROWS = Form(b"]", re.compile(rb'["\]]'), None)
_RANGES = Form(b"]", re.compile(rb'["\]]'), 2 * PIECE)
_OBJECTS = Form(b"}", re.compile(rb'["}]'), None)


def form_of(kind: object) -> Form | None:
    """Return how a value of this type is cut; None for what is no object or array of many members."""
    if isinstance(kind, types.UnionType):
        return next((form for form in map(form_of, get_args(kind)) if form), None)
    if get_origin(kind) not in {dict, list}:
        return None
    member = get_args(kind)[-1]
    if member is str:
        return _STRINGS
    if get_origin(member) is list:
        return _RANGES if get_args(member) == (Position,) else _ROWS
    return _OBJECTS if isinstance(member, type) and issubclass(member, msgspec.Struct) else None


def too_many(name: str, most: int = MAX_MEMBERS, what: str = "members") -> WireError:
    """Return the refusal of a member that holds more than one request may."""
    return WireError(f"{name} may hold {most:,} {what} in one request: send a large job in parts")


def decode_pieces(name: str, text: bytes, kind: Any, form: Form) -> Any:  # noqa: ANN401 -- an object or an array
    """Return the value of a text, of which the grammar is known to be right; raises `WireError` where it is large."""
    decode = msgspec.json.Decoder(kind).decode
    opening, closing = text[:1], text[-1:]
    if opening + closing not in {b"{}", b"[]"}:
        return decode(text)
    whole = decode(opening + closing)
    add, numbers = whole.update if isinstance(whole, dict) else whole.extend, 0
    for piece in _pieces(text, form):
        _check_piece(name, piece, form)
        found = decode(opening + piece + closing)
        add(found)
        numbers += _numbers(found) if form.mark else 0
        if len(whole) > MAX_MEMBERS:
            raise too_many(name)
        if numbers > MAX_NUMBERS:
            raise too_many(name, MAX_NUMBERS, "numbers")
    return whole


def _check_piece(name: str, piece: bytes, form: Form) -> None:
    """Refuse a member that would take long to decode by itself."""
    if len(piece) <= 2 * PIECE:
        return
    if form.longest is not None and len(piece) > form.longest:
        message = f"{name} holds an array that is too long"
        raise WireError(message)
    if form.mark and piece.count(b",") > MAX_NUMBERS:
        raise too_many(name, MAX_NUMBERS, "numbers")


def _numbers(found: dict[str, Sized] | list[Any]) -> int:
    if isinstance(found, dict):
        return sum(map(len, found.values()))
    return sum(len(value) for member in found for value in _values(member) if isinstance(value, list))


def _values(member: Any) -> tuple[object, ...]:  # noqa: ANN401 -- what an array holds
    return msgspec.structs.astuple(member) if isinstance(member, msgspec.Struct) else (member,)


def _pieces(text: bytes, form: Form) -> Iterator[bytes]:
    """Cut what an object or array holds at commas between its members."""
    start = 1
    while start < len(text):
        end = _comma(text, _outside(text, start), form)
        yield text[start : min(end, len(text) - 1)]
        start = end + 1


def _outside(text: bytes, start: int) -> int:
    """Return a position some way behind `start` that is in no string, where `start` is in none."""
    end = unescaped(text, start, PIECE)
    return string_end(text, end) if quotes_in(text[start:end]) % 2 else end


def _comma(text: bytes, position: int, form: Form) -> int:
    """Return the position of the next comma between members, or the end."""
    while position < len(text):
        found = form.sign.search(text, position, position + PIECE)
        position = found.end() if found else position + PIECE
        if found and found[0] == b'"':
            position = string_end(text, position)
        elif found and form.mark:
            comma = text.find(b",", position)
            return len(text) if comma < 0 else comma
        elif found:
            return position - 1
    return len(text)
