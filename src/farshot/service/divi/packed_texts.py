"""The packed texts of Divi's client: circuits, and groups of observables. Every size is known before it is unpacked.

A text says in its last bytes how many it has unpacked (RFC 1952). That is added up first, and is all that it gets.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from functools import lru_cache
from typing import TYPE_CHECKING

from farshot.admission.batch import MAX_OBSERVABLES_BYTES, MAX_TERMS
from farshot.errors import BatchError
from farshot.labels import MAX_SOURCE_BYTES
from farshot.openqasm.limits import MAX_QUBITS

if TYPE_CHECKING:
    from collections.abc import Iterable


MAX_CALL_BYTES = 64 * 2**20
"""What the circuits of one call may have together, unpacked."""
MAX_GROUPS = 20_000
"""Groups of observables of a job."""

_GZIP = 16 + zlib.MAX_WBITS
_BEGINNING = "H4sI"
"""How gzip begins, in base64."""
_LAST = 8
"""Characters of base64 that hold the last four bytes, whatever is missing at the end."""
_GROUP = re.compile(r"@gzs([0-9]{1,7}):([A-Za-z0-9+/=]+)")
_FACTOR = re.compile(r"([XYZ])([0-9]{1,7})")
_TERM = re.compile(r"I|(?:[XYZ][0-9]{1,7})++")
_LONGEST_FACTOR = 8


def unpacked_size(packed: Iterable[str]) -> int:
    """Return how many bytes texts say that they have together; what is no packed text counts nothing.

    >>> unpacked_size([base64.b64encode(__import__("gzip").compress(b"abc")).decode(), "?"])
    3
    """
    return sum(map(_declared, packed))


def _declared(packed: str) -> int:
    if not packed.startswith(_BEGINNING):
        return 0
    try:
        return int.from_bytes(base64.b64decode(packed[-_LAST:], validate=True)[-4:], "little")
    except ValueError:
        return 0


def letters_size(observables: str) -> int:
    """Return how many letters packed groups of observables may come to, at most what a job may have.

    >>> letters_size("@gzs100:" + base64.b64encode(__import__("gzip").compress(b"Z0;Z1")).decode())
    300
    """
    groups = map(_GROUP.fullmatch, observables.split("|"))
    most = sum(int(group[1]) * (_declared(group[2]) // 2 + 1) for group in groups if group)
    return min(MAX_OBSERVABLES_BYTES, most)


class Unpacker:
    """Unpacks the texts of one call."""

    def __init__(self, limit: int = MAX_CALL_BYTES) -> None:
        """Allow `limit` bytes together."""
        self._left = limit

    def text(self, name: str, packed: str) -> str:
        """Return a text; raises `BatchError`, which says `name`, where it is not packed or too large."""
        allowed = min(self._left, MAX_SOURCE_BYTES)
        data = _unpacked(name, packed, allowed)
        self._left -= len(data)
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            message = f"{name} is not text in UTF-8"
            raise BatchError(message) from None


def _unpacked(name: str, packed: str, limit: int) -> bytes:
    declared = _declared(packed)
    if declared > limit:
        message = f"{name} is too large: it has {declared:,} bytes, and {limit:,} bytes are left for it"
        raise BatchError(message)
    unpacker = zlib.decompressobj(_GZIP)
    try:
        data = unpacker.decompress(base64.b64decode(packed, validate=True), declared + 1)
    except (binascii.Error, ValueError, zlib.error):
        message = f"{name} is not base64 of gzip"
        raise BatchError(message) from None
    if len(data) > declared or (unpacker.eof and unpacker.unused_data):
        message = f"{name} is gzip that holds more than it says at its end"
        raise BatchError(message)
    if not unpacker.eof:
        message = f"{name} is gzip that ends early"
        raise BatchError(message)
    return data


@lru_cache(maxsize=2)
def group_sizes(packed: str) -> tuple[int, ...]:
    """Return how many terms groups of observables have; raises `BatchError` where they are not packed or too many.

    Every call of a job brings the same observables, so that they are unpacked for it once.

    >>> group_sizes("@gzs9:" + base64.b64encode(__import__("gzip").compress(b"Z0;Z1")).decode())
    (2,)
    """
    room = _Room()
    groups = enumerate(_groups(packed), 1)
    return tuple(len(set(room.unpacked(_name(number), group)[1].split(b";"))) for number, group in groups)


def _groups(packed: str) -> list[str]:
    if packed.count("|") >= MAX_GROUPS:
        message = f"a job may have {MAX_GROUPS:,} groups of observables"
        raise BatchError(message)
    return packed.split("|")


def dense_observables(packed: str) -> str:
    """Return groups of observables as Farshot writes them, with a letter for every qubit.

    Raises `BatchError` where they are something else, or too many.
    """
    room = _Room()
    return "|".join(_dense_group(room, number, group) for number, group in enumerate(_groups(packed), 1))


class _Room:
    """What is left of the bytes, packed or with all letters, and of the terms that observables may have."""

    def __init__(self) -> None:
        self.bytes = MAX_OBSERVABLES_BYTES
        self.letters = MAX_OBSERVABLES_BYTES
        self.terms = MAX_TERMS

    def unpacked(self, name: str, group: str) -> tuple[int, bytes]:
        """Return the qubits and the terms of a group of observables; raises `BatchError` where they are too many."""
        found = _GROUP.fullmatch(group)
        if found is None:
            message = f"{name} is not of the form @gzs<qubits>:<packed terms>"
            raise BatchError(message)
        width = int(found[1])
        if width > MAX_QUBITS:
            message = f"{name} has {width:,} qubits; the limit is {MAX_QUBITS:,}: that is more than a job may have"
            raise BatchError(message)
        data = _unpacked(name, found[2], max(0, self.bytes))
        self._take(name, data, width)
        return width, data

    def _take(self, name: str, data: bytes, width: int) -> None:
        """Take what a group of observables needs; raises `BatchError` before anything is done with it."""
        terms = data.count(b";") + 1
        self.bytes -= len(data) + 1
        self.letters -= terms * (width + 1)
        self.terms -= terms
        if min(self.bytes, self.letters, self.terms) < 0:
            message = f"{name} has {terms:,} terms of {width:,} letters: that is more than a job may have"
            raise BatchError(message)


def _name(number: int) -> str:
    return f"group {number} of the observables"


def _dense_group(room: _Room, number: int, group: str) -> str:
    name = _name(number)
    width, data = room.unpacked(name, group)
    return ";".join(_dense_term(name, term, width) for term in data.decode("ascii", "replace").split(";"))


def _dense_term(name: str, term: str, width: int) -> str:
    """Return a term with all its letters.

    >>> _dense_term("group 1", "Z0X3", 4)
    'ZIIX'
    """
    if len(term) > max(1, width) * _LONGEST_FACTOR or not _TERM.fullmatch(term):
        message = f"{name} holds {term[:40]!r}, which is no term such as Z0X3 or I of {width:,} qubits"
        raise BatchError(message)
    letters = ["I"] * width
    for letter, index in _FACTOR.findall(term):
        place = int(index)
        if place >= width or letters[place] != "I":
            message = f"{name} has {width} qubits, and {term[:40]!r} names one twice or beyond"
            raise BatchError(message)
        letters[place] = letter
    return "".join(letters)
