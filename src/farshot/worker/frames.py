"""The messages between the parent and its child, and their framing on a pipe."""

from __future__ import annotations

import struct
from typing import BinaryIO, TypeAlias

import msgspec

from farshot.model import Fault, JobSpec


class Assignment(msgspec.Struct, frozen=True, array_like=True, tag="assignment"):
    """Run these circuits; the first one stands at position `first` of its job.

    The circuit at position `suspect` killed a worker before; where there is a `verdict`, it is not run again.
    """

    spec: JobSpec
    first: int
    labels: tuple[str, ...]
    sources: tuple[bytes, ...]
    suspect: int | None = None
    verdict: Fault | None = None


class Inspection(msgspec.Struct, frozen=True, array_like=True, tag="inspection"):
    """Scan and parse these texts, the first one at position `first` of its batch; run nothing."""

    spec: JobSpec
    first: int
    sources: tuple[bytes, ...]


class Ready(msgspec.Struct, frozen=True, array_like=True, tag="ready"):
    """The child serves. It is of this version of Farshot and speaks this protocol; one that names none is older.

    `missing` names the fences that its system has not.
    """

    version: str = ""
    protocol: int = 0
    missing: tuple[str, ...] = ()


class Report(msgspec.Struct, frozen=True, array_like=True, tag="report"):
    """Results of the circuits from position `first` on, encoded; `last` ends the assignment, whole or not."""

    first: int
    size: int
    failed: int
    seconds: float
    results: bytes
    last: bool


class Verdict(msgspec.Struct, frozen=True, array_like=True, tag="verdict"):
    """What an inspection found of the next text: its fault, or None."""

    fault: Fault | None


PROTOCOL = 3
"""Counts up with every change of these messages, of the arguments of a child, or of what a board holds."""

Message: TypeAlias = Assignment | Inspection | Ready | Report | Verdict

_LENGTH = struct.Struct("<Q")
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Message).decode


def write_frame(stream: BinaryIO, message: Message) -> None:
    """Write one message; raises `OSError` where the other end is gone."""
    body = _encode(message)
    stream.write(_LENGTH.pack(len(body)) + body)
    stream.flush()


def read_frame(stream: BinaryIO) -> Message | None:
    """Read one message; None where the other end is gone, also in the middle of a message."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    body = stream.read(length)
    return None if len(body) < length else _decode(body)
