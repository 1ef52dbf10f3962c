"""The messages between the parent and its child, and their framing on a pipe."""

from __future__ import annotations

import struct
from typing import BinaryIO, TypeAlias

import msgspec

from farshot.model import Fault, JobSpec


class Assignment(msgspec.Struct, frozen=True, array_like=True, tag="assignment"):
    """The circuits of a shard, which the child is to run."""

    spec: JobSpec
    first: int
    """The position of the first circuit in its job."""
    labels: tuple[str, ...]
    sources: tuple[bytes, ...]
    suspect: int | None = None
    """The position of a circuit that killed a worker before."""
    verdict: Fault | None = None
    """The fault of the suspect, which is then not run again."""


class Inspection(msgspec.Struct, frozen=True, array_like=True, tag="inspection"):
    """Texts that the child is to scan and parse without running them."""

    spec: JobSpec
    first: int
    """The position of the first text in its batch."""
    sources: tuple[bytes, ...]


class Ready(msgspec.Struct, frozen=True, array_like=True, tag="ready"):
    """The first message of a child, once it serves. An older child names no version and no protocol."""

    version: str = ""
    protocol: int = 0
    missing: tuple[str, ...] = ()
    """The names of the fences that the system of the child lacks."""


class Report(msgspec.Struct, frozen=True, array_like=True, tag="report"):
    """Results of consecutive circuits of an assignment."""

    first: int
    """The position of the first of these circuits in its job."""
    size: int
    """The number of these circuits."""
    failed: int
    seconds: float
    """The sum of the seconds of these circuits."""
    results: bytes
    """The results as `encode_results` makes them."""
    last: bool
    """True if the assignment ends here, even if circuits of it were not run."""


class Verdict(msgspec.Struct, frozen=True, array_like=True, tag="verdict"):
    """The fault that an inspection found in the next text, or None."""

    fault: Fault | None


PROTOCOL = 3
"""The number goes up with every change of these messages, of the arguments of a child, or of the board."""

Message: TypeAlias = Assignment | Inspection | Ready | Report | Verdict

_LENGTH = struct.Struct("<Q")
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Message).decode


def write_frame(stream: BinaryIO, message: Message) -> None:
    """Write one message; raises `OSError` if the other end is gone."""
    body = _encode(message)
    stream.write(_LENGTH.pack(len(body)) + body)
    stream.flush()


def read_frame(stream: BinaryIO) -> Message | None:
    """Read one message; None if the other end is gone, even in the middle of a message."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    body = stream.read(length)
    return None if len(body) < length else _decode(body)
