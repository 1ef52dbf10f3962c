"""CRC-32 of what is stored, with the place it is stored at: no flipped bit passes, nor a row at another one's place."""

from __future__ import annotations

from zlib import crc32

import msgspec

UNREADABLE = (msgspec.MsgspecError, ValueError, TypeError)
"""What decoding raises where something is damaged and has no checksum."""


def checksum(data: bytes, *place: object) -> int:
    """Return the checksum of `data` at `place`.

    >>> checksum(b"counts", "job", 4) == checksum(b"counts", "job", 4) != checksum(b"counts", "job", 5)
    True
    """
    return crc32(data, crc32(repr(place).encode()))


def is_whole(kept: object, data: object, *place: object) -> bool:
    """Whether `data` at `place` are the bytes they were when the checksum `kept` was made; without one, who knows: yes.

    A damaged row may hold values of any type.
    """
    return isinstance(data, bytes) and (kept is None or kept == checksum(data, *place))
