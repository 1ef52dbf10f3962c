"""Packed results as a stream of frames. A frame is its length in four bytes (little-endian) and MessagePack."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from farshot.contract import JobStatus
from farshot.errors import WireError
from farshot.model import Fault, Observables

if TYPE_CHECKING:
    from collections.abc import Iterator


FRAMES = "application/vnd.farshot.results.v1"
_MAX_FRAME_BYTES = 256 * 2**20

_LENGTH = struct.Struct("<I")
_PIECE_BYTES = 64 * 1024
_EMPTY_BYTES = b"\xc4\0"
"""An empty byte string in MessagePack."""
_BYTES_HEAD = struct.Struct(">BI")
_BIN_32 = 0xC6


class HeadFrame(msgspec.Struct, frozen=True, array_like=True, tag="head"):
    """The first frame of a stream, with the observables that name the terms of values."""

    observables: Observables | None


class PartFrame(msgspec.Struct, frozen=True, array_like=True, tag="part"):
    """Results of the circuits `labels` from position `first` on, as the encoded list of `CircuitResult`."""

    first: int
    attempt: int
    labels: tuple[str, ...]
    results: bytes


class GapFrame(msgspec.Struct, frozen=True, array_like=True, tag="gap"):
    """Circuits from position `first` on that will never run, and the reason."""

    first: int
    labels: tuple[str, ...]
    fault: Fault


class TailFrame(msgspec.Struct, frozen=True, array_like=True, tag="tail"):
    """The last frame of a complete stream, with the status of the job."""

    status: JobStatus


Frame: TypeAlias = HeadFrame | PartFrame | GapFrame | TailFrame

_encode = msgspec.msgpack.Encoder().encode
_decoder: Any = msgspec.msgpack.Decoder(HeadFrame | PartFrame | GapFrame | TailFrame)


def encode_frame(frame: Frame) -> bytes:
    """Return a frame preceded by its length."""
    body = _encode(frame)
    return _LENGTH.pack(len(body)) + body


def frame_pieces(frame: Frame) -> Iterator[bytes]:
    """Yield a frame in pieces, so that a large one is in memory only once."""
    if not isinstance(frame, PartFrame) or len(frame.results) <= _PIECE_BYTES:
        yield encode_frame(frame)
        return
    results = frame.results
    empty = _encode(PartFrame(frame.first, frame.attempt, frame.labels, b""))
    head = empty.removesuffix(_EMPTY_BYTES) + _BYTES_HEAD.pack(_BIN_32, len(results))
    yield _LENGTH.pack(len(head) + len(results)) + head
    for start in range(0, len(results), _PIECE_BYTES):
        yield results[start : start + _PIECE_BYTES]


class FrameReader:
    """Decodes the frames of a stream of bytes. Raises `WireError` if the stream holds anything else."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Add the next bytes and yield the frames that they complete."""
        self._buffer += data
        while len(self._buffer) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer)
            if length > _MAX_FRAME_BYTES:
                message = f"a frame of {length:,} bytes is beyond the limit of {_MAX_FRAME_BYTES:,}"
                raise WireError(message)
            end = _LENGTH.size + length
            if len(self._buffer) < end:
                return
            yield _decode(bytes(self._buffer[_LENGTH.size : end]))
            del self._buffer[:end]


def _decode(body: bytes) -> Frame:
    try:
        return _decoder.decode(body)  # type: ignore[no-any-return]  # the decoder of a union is untyped
    except msgspec.MsgspecError as error:
        message = f"the stream of results cannot be read: {error}"
        raise WireError(message) from error
