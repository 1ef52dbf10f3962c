"""The packed texts of Divi's client: circuits, and groups of observables. Every size is capped while it is unpacked."""

from __future__ import annotations

import base64
import binascii
import re
import zlib

from farshot.admission.batch import MAX_OBSERVABLES_BYTES
from farshot.admission.labels import MAX_SOURCE_BYTES
from farshot.errors import BatchError

__all__ = ["MAX_CALL_BYTES", "Unpacker", "dense_observables"]

MAX_CALL_BYTES = 256 * 2**20
"""What the circuits of one call may have together, unpacked."""

_GZIP = 16 + zlib.MAX_WBITS
_GROUP = re.compile(r"@gzs([0-9]{1,7}):([A-Za-z0-9+/=]+)")
_FACTOR = re.compile(r"([XYZ])([0-9]{1,7})")
_TERM = re.compile(r"I|(?:[XYZ][0-9]{1,7})+")


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
    unpacker = zlib.decompressobj(_GZIP)
    try:
        data = unpacker.decompress(base64.b64decode(packed, validate=True), limit + 1)
    except (binascii.Error, ValueError, zlib.error):
        message = f"{name} is not base64 of gzip"
        raise BatchError(message) from None
    if len(data) > limit:
        message = f"{name} is too large: {limit:,} bytes are left for it"
        raise BatchError(message)
    if not unpacker.eof:
        message = f"{name} is gzip that ends early"
        raise BatchError(message)
    return data


def dense_observables(packed: str) -> str:
    """Return groups of observables as Farshot writes them, with a letter for every qubit.

    Raises `BatchError` where they are something else.
    """
    left, groups = MAX_OBSERVABLES_BYTES, []
    for number, group in enumerate(packed.split("|"), 1):
        dense = _dense_group(f"group {number} of the observables", group, left)
        left -= len(dense) + 1
        groups.append(dense)
    return "|".join(groups)


def _dense_group(name: str, group: str, limit: int) -> str:
    found = _GROUP.fullmatch(group)
    if found is None:
        message = f"{name} is not of the form @gzs<qubits>:<packed terms>"
        raise BatchError(message)
    width = int(found[1])
    terms = _unpacked(name, found[2], MAX_OBSERVABLES_BYTES).decode("ascii", "replace").split(";")
    if len(terms) * (width + 1) > limit:
        message = f"{name} has {len(terms):,} terms of {width:,} letters: that is more than a job may have"
        raise BatchError(message)
    return ";".join(_dense_term(name, term, width) for term in terms)


def _dense_term(name: str, term: str, width: int) -> str:
    """Return a term with all its letters.

    >>> _dense_term("group 1", "Z0X3", 4)
    'ZIIX'
    """
    if not _TERM.fullmatch(term):
        message = f"{name} holds {term[:40]!r}, which is no term such as Z0X3 or I"
        raise BatchError(message)
    letters = ["I"] * width
    for letter, index in _FACTOR.findall(term):
        place = int(index)
        if place >= width or letters[place] != "I":
            message = f"{name} has {width} qubits, and {term[:40]!r} names one twice or beyond"
            raise BatchError(message)
        letters[place] = letter
    return "".join(letters)
