"""Long texts are decoded piece by piece, and are put together once they are known not to be too long."""

from __future__ import annotations

from typing import Any

import msgspec

from farshot.errors import BatchError
from farshot.wire.strings import unescaped

LONG = 2**20
"""Bytes from which on a text is decoded in pieces."""
_AT_ONCE = 4 * LONG
"""Bytes of several texts up to which none of them is looked at."""
MAX_TEXT = 8 * 2**20
"""Characters that no text of a circuit may exceed."""
_ESCAPE = 6
"""Bytes of the longest escape."""


def decode_texts(raw: memoryview, kind: Any) -> Any:  # noqa: ANN401 -- what a field holds
    """Return texts by label, of which the grammar is known to be right.

    Raises `BatchError` for a long one that is too long, what a decoder raises where one is no text.
    """
    if raw[0] != ord("{") or len(raw) <= _AT_ONCE:
        return msgspec.json.decode(raw, type=kind)
    members = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    if max(len(memoryview(text)) for text in members.values()) <= LONG:
        return msgspec.json.decode(raw, type=kind)
    return {label: decode_text(memoryview(text), f"circuit {label!r:.80}") for label, text in members.items()}


def decode_text(raw: memoryview, name: str, size: int = LONG) -> str:
    """Return a text of JSON; raises as `decode_texts`, where `name` says what the text is."""
    if len(raw) <= size or raw[0] != ord('"'):
        return msgspec.json.decode(raw, type=str)
    parts, length, start, end = [], 0, 1, len(raw) - 1
    while start < end:
        piece = bytes(raw[start : min(start + size, end)])
        piece = piece if start + len(piece) == end else piece[: _whole(piece)]
        parts.append(msgspec.json.decode(b'"%b"' % piece, type=str))
        length += len(parts[-1])
        start += len(piece)
    if length > MAX_TEXT:
        raise too_long(name, length)
    return "".join(parts)


def too_long(name: str, length: int) -> BatchError:
    """Return the refusal of a text of so many characters."""
    return BatchError(f"{name} has {length:,} characters; the limit is {MAX_TEXT:,}")


def _whole(piece: bytes) -> int:
    """Return how much of a piece can be read by itself: neither a letter nor a pair of surrogates is cut in two."""
    end = unescaped(piece, 0, len(piece))
    while (start := _open_escape(piece, end)) is not None:
        end = start
    letter = end - 1
    while letter > end - 4 and piece[letter] & 0xC0 == 0x80:
        letter -= 1
    return letter if piece[letter] >= 0xC0 and letter + _width(piece[letter]) > end else end


def _open_escape(piece: bytes, end: int) -> int | None:
    """Return where an escape begins that goes on behind `end`, or whose second half may follow there."""
    start = piece.rfind(b"\\", max(end - _ESCAPE, 0), end)
    if start < 0 or unescaped(piece, 0, start) != start or piece[start + 1 : start + 2] != b"u":
        return None
    is_high = piece[start + 2 : start + 3] in b"dD" and piece[start + 3 : start + 4] in b"89abAB"
    return start if start + _ESCAPE > end or (start + _ESCAPE == end and is_high) else None


def _width(first: int) -> int:
    """Return how many bytes of UTF-8 a letter has that begins with this one."""
    return 2 if first < 0xE0 else 3 if first < 0xF0 else 4
