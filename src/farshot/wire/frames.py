"""Results packed, as a stream of frames: each is its length in four bytes (little-endian) and MessagePack."""

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
MAX_FRAME = 256 * 2**20

_LENGTH = struct.Struct("<I")
_PIECE = 64 * 1024
_NO_BYTES = b"\xc4\0"
"""No bytes, as MessagePack has them."""
_BYTES = struct.Struct(">BI")
_BYTES_FOLLOW = 0xC6


class HeadFrame(msgspec.Struct, frozen=True, array_like=True, tag="head"):
    """Begins a stream of results: what is needed to name the terms of values."""

    observables: Observables | None


class PartFrame(msgspec.Struct, frozen=True, array_like=True, tag="part"):
    """Results of the circuits `labels` from position `first` on: the encoded list of `CircuitResult`."""

    first: int
    attempt: int
    labels: tuple[str, ...]
    results: bytes


class GapFrame(msgspec.Struct, frozen=True, array_like=True, tag="gap"):
    """Circuits from position `first` on that will never run, and why."""

    first: int
    labels: tuple[str, ...]
    fault: Fault


class TailFrame(msgspec.Struct, frozen=True, array_like=True, tag="tail"):
    """Ends a stream that is whole: where the job stood."""

    status: JobStatus


Frame: TypeAlias = HeadFrame | PartFrame | GapFrame | TailFrame

_encode_frame = msgspec.msgpack.Encoder().encode
_decode_frame: Any = msgspec.msgpack.Decoder(HeadFrame | PartFrame | GapFrame | TailFrame).decode


def encode_frame(frame: Frame) -> bytes:
    """Return one frame with its length before it."""
    body = _encode_frame(frame)
    return _LENGTH.pack(len(body)) + body


def frame_pieces(frame: Frame) -> Iterator[bytes]:
    """Yield one frame in pieces, so that a large one is in memory once."""
    if not isinstance(frame, PartFrame) or len(frame.results) <= _PIECE:
        yield encode_frame(frame)
        return
    results = frame.results
    empty = _encode_frame(PartFrame(frame.first, frame.attempt, frame.labels, b""))
    head = empty.removesuffix(_NO_BYTES) + _BYTES.pack(_BYTES_FOLLOW, len(results))
    yield _LENGTH.pack(len(head) + len(results)) + head
    for start in range(0, len(results), _PIECE):
        yield results[start : start + _PIECE]


class FrameReader:
    """Cuts a stream of bytes into frames. Raises `WireError` where it holds something else."""

    def __init__(self) -> None:
        """Start at the beginning of a stream."""
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Take the next bytes and yield the frames that they complete."""
        self._buffer += data
        while len(self._buffer) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer)
            if length > MAX_FRAME:
                message = f"a frame of {length:,} bytes is beyond the limit of {MAX_FRAME:,}"
                raise WireError(message)
            end = _LENGTH.size + length
            if len(self._buffer) < end:
                return
            yield _frame(bytes(self._buffer[_LENGTH.size : end]))
            del self._buffer[:end]


def _frame(body: bytes) -> Frame:
    try:
        return _decode_frame(body)  # type: ignore[no-any-return]  # the decoder of a union is untyped
    except msgspec.MsgspecError as error:
        message = f"the stream of results cannot be read: {error}"
        raise WireError(message) from error
