"""Decoding of large objects, arrays and texts piece by piece, since no other thread runs while a decoder is at work."""

from __future__ import annotations

import re
import types
from typing import TYPE_CHECKING, Any, NamedTuple, get_args, get_origin

import msgspec

from farshot.errors import BatchError, WireError
from farshot.wire.documents import Position
from farshot.wire.strings import quotes_in, string_end, unescaped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sized


PIECE_BYTES = 2**16
MAX_MEMBERS = 250_000
MAX_NUMBERS = 1_200_000
MAX_TEXT_LENGTH = 8 * 2**20
"""The most characters in the text of a circuit."""
TEXT_PIECE_BYTES = 2**20
"""Texts of more bytes are decoded in pieces."""
_MAX_TEXTS_BYTES = 4 * TEXT_PIECE_BYTES
"""Several texts of no more bytes together are decoded at once."""
_MAX_ESCAPE_BYTES = 6


class Form(NamedTuple):
    """The way in which an object or array is cut into pieces."""

    closing: bytes
    """The character after which a comma is a cut. If empty, the members are strings and every comma is one."""
    delimiter: re.Pattern[bytes]
    max_bytes: int | None
    """The largest size of one member, if members of this form are short."""


_STRINGS = Form(b"", re.compile(rb'[",]'), None)
_ROWS = Form(b"]", re.compile(rb'["\]]'), None)
_RANGES = Form(b"]", re.compile(rb'["\]]'), 2 * PIECE_BYTES)
_OBJECTS = Form(b"}", re.compile(rb'["}]'), None)


def form_of(kind: object) -> Form | None:
    """Return the form of a value of this type; None if it is no object or array of many members."""
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


def too_many(name: str, limit: int = MAX_MEMBERS, noun: str = "members") -> WireError:
    """Return the error for a member that holds more than one request may."""
    return WireError(f"{name} may hold {limit:,} {noun} in one request: send a large job in parts")


def too_long(name: str, length: int) -> BatchError:
    """Return the error for a text of `length` characters."""
    return BatchError(f"{name} has {length:,} characters; the limit is {MAX_TEXT_LENGTH:,}")


def decode_pieces(name: str, text: bytes, kind: Any, form: Form) -> Any:  # noqa: ANN401 -- an object or an array
    """Return the value of a text that is known to be valid JSON; raises `WireError` if it holds too much."""
    decode = msgspec.json.Decoder(kind).decode
    opening, closing = text[:1], text[-1:]
    if opening + closing not in {b"{}", b"[]"}:
        return decode(text)
    whole = decode(opening + closing)
    add, numbers = whole.update if isinstance(whole, dict) else whole.extend, 0
    for piece in _cut(text, form):
        _check_piece(name, piece, form)
        found = decode(opening + piece + closing)
        add(found)
        numbers += _count_numbers(found) if form.closing else 0
        if len(whole) > MAX_MEMBERS:
            raise too_many(name)
        if numbers > MAX_NUMBERS:
            raise too_many(name, MAX_NUMBERS, "numbers")
    return whole


def _check_piece(name: str, piece: bytes, form: Form) -> None:
    """Raise `WireError` if a single member would take long to decode."""
    if len(piece) <= 2 * PIECE_BYTES:
        return
    if form.max_bytes is not None and len(piece) > form.max_bytes:
        message = f"{name} holds an array that is too long"
        raise WireError(message)
    if form.closing and piece.count(b",") > MAX_NUMBERS:
        raise too_many(name, MAX_NUMBERS, "numbers")


def _count_numbers(found: dict[str, Sized] | list[Any]) -> int:
    if isinstance(found, dict):
        return sum(map(len, found.values()))
    members = (msgspec.structs.astuple(item) if isinstance(item, msgspec.Struct) else (item,) for item in found)
    return sum(len(value) for values in members for value in values if isinstance(value, list))


def _cut(text: bytes, form: Form) -> Iterator[bytes]:
    """Yield the content of an object or array in pieces, cut at commas between its members."""
    start = 1
    while start < len(text):
        end = _find_comma(text, _skip_piece(text, start), form)
        yield text[start : min(end, len(text) - 1)]
        start = end + 1


def _skip_piece(text: bytes, start: int) -> int:
    """Return a position about one piece after `start` that is in no string. `start` must be in none either."""
    end = unescaped(text, start, PIECE_BYTES)
    return string_end(text, end) if quotes_in(text[start:end]) % 2 else end


def _find_comma(text: bytes, position: int, form: Form) -> int:
    """Return the position of the next comma between members, or the end."""
    while position < len(text):
        found = form.delimiter.search(text, position, position + PIECE_BYTES)
        position = found.end() if found else position + PIECE_BYTES
        if found and found[0] == b'"':
            position = string_end(text, position)
        elif found and form.closing:
            comma = text.find(b",", position)
            return len(text) if comma < 0 else comma
        elif found:
            return position - 1
    return len(text)


def decode_texts(raw: memoryview, kind: Any) -> Any:  # noqa: ANN401 -- the value of a field
    """Return texts by label, decoded from valid JSON.

    Raises `BatchError` if a text is too long, and the error of the decoder if a member is no text.
    """
    if raw[0] != ord("{") or len(raw) <= _MAX_TEXTS_BYTES:
        return msgspec.json.decode(raw, type=kind)
    members = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    if max(len(memoryview(text)) for text in members.values()) <= TEXT_PIECE_BYTES:
        return msgspec.json.decode(raw, type=kind)
    return {label: decode_text(memoryview(text), f"circuit {label!r:.80}") for label, text in members.items()}


def decode_text(raw: memoryview, name: str, size: int = TEXT_PIECE_BYTES) -> str:
    """Return a JSON text, decoded in pieces of `size` bytes. Raises the errors of `decode_texts`, which give `name`."""
    if len(raw) <= size or raw[0] != ord('"'):
        return msgspec.json.decode(raw, type=str)
    parts, length, start, end = [], 0, 1, len(raw) - 1
    while start < end:
        piece = bytes(raw[start : min(start + size, end)])
        piece = piece if start + len(piece) == end else piece[: _complete_size(piece)]
        parts.append(msgspec.json.decode(b'"%b"' % piece, type=str))
        length += len(parts[-1])
        start += len(piece)
    if length > MAX_TEXT_LENGTH:
        raise too_long(name, length)
    return "".join(parts)


def _complete_size(piece: bytes) -> int:
    """Return how many bytes of a piece can be decoded alone, with no letter or surrogate pair cut in two."""
    end = unescaped(piece, 0, len(piece))
    while (start := _find_open_escape(piece, end)) is not None:
        end = start
    letter = end - 1
    while letter > end - 4 and piece[letter] & 0xC0 == 0x80:
        letter -= 1
    size = 2 if piece[letter] < 0xE0 else 3 if piece[letter] < 0xF0 else 4
    return letter if piece[letter] >= 0xC0 and letter + size > end else end


def _find_open_escape(piece: bytes, end: int) -> int | None:
    """Return the start of an escape that continues after `end`, or whose second surrogate may follow there."""
    start = piece.rfind(b"\\", max(end - _MAX_ESCAPE_BYTES, 0), end)
    if start < 0 or unescaped(piece, 0, start) != start or piece[start + 1 : start + 2] != b"u":
        return None
    is_high = piece[start + 2 : start + 3] in b"dD" and piece[start + 3 : start + 4] in b"89abAB"
    escape_end = start + _MAX_ESCAPE_BYTES
    return start if escape_end > end or (escape_end == end and is_high) else None
