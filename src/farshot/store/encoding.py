"""Stored values as bytes: MessagePack, with a CRC-32 of the data and of the place where it is stored.

So neither a flipped bit passes nor a row at the place of another one.
"""

from __future__ import annotations

from zlib import crc32

import msgspec

from farshot.model import CircuitResult, Fault, Forecast, JobSpec, TemplateSource

UNREADABLE = (msgspec.MsgspecError, ValueError, TypeError)
"""The errors that decoding raises if something is damaged and has no checksum."""

encode = msgspec.msgpack.Encoder().encode
decode_fault = msgspec.msgpack.Decoder(Fault).decode
decode_forecast = msgspec.msgpack.Decoder(Forecast).decode
decode_labels = msgspec.msgpack.Decoder(tuple[str, ...]).decode
decode_results = msgspec.msgpack.Decoder(list[CircuitResult]).decode
decode_sources = msgspec.msgpack.Decoder(tuple[bytes, ...]).decode
decode_spec = msgspec.msgpack.Decoder(JobSpec).decode
decode_template = msgspec.msgpack.Decoder(TemplateSource).decode


def checksum(data: bytes, *place: object) -> int:
    """Return the checksum of `data` at `place`.

    >>> checksum(b"counts", "job", 4) == checksum(b"counts", "job", 4) != checksum(b"counts", "job", 5)
    True
    """
    return crc32(data, crc32(repr(place).encode()))


def is_intact(stored: object, data: object, *place: object) -> bool:
    """Return whether `data` at `place` agrees with the checksum `stored`; without a checksum, any bytes do.

    A damaged row may hold values of any type.
    """
    return isinstance(data, bytes) and (stored is None or stored == checksum(data, *place))
