"""The packed texts of Divi's client: circuits, and groups of observables. Every size is known before unpacking.

The last bytes of a text declare its unpacked size (RFC 1952). Sizes are summed first, and no text unpacks to more.
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
    from collections.abc import Iterable, Iterator


MAX_CALL_BYTES = 64 * 2**20
"""The most bytes that the circuits of one call may have together, unpacked."""
_MAX_GROUPS = 20_000
"""The most groups of observables of a job."""

_GZIP = 16 + zlib.MAX_WBITS
_GZIP_PREFIX = "H4sI"
"""The beginning of every gzip text, in base64."""
_SIZE_CHARACTERS = 8
"""Characters of base64 at the end that hold the last four bytes, with any padding."""
_GROUP = re.compile(r"@gzs([0-9]{1,7}):([A-Za-z0-9+/=]+)")
_FACTOR = re.compile(r"([XYZ])([0-9]{1,7})")
_TERM = re.compile(r"I|(?:[XYZ][0-9]{1,7})++")
_MAX_FACTOR_CHARACTERS = 8


def unpacked_size(packed: Iterable[str]) -> int:
    """Return the sum of the declared unpacked sizes of texts, in bytes; a text that is not packed counts as 0.

    >>> unpacked_size([base64.b64encode(__import__("gzip").compress(b"abc")).decode(), "?"])
    3
    """
    return sum(map(_declared_size, packed))


def _declared_size(packed: str) -> int:
    if not packed.startswith(_GZIP_PREFIX):
        return 0
    try:
        return int.from_bytes(base64.b64decode(packed[-_SIZE_CHARACTERS:], validate=True)[-4:], "little")
    except ValueError:
        return 0


def letters_size(observables: str) -> int:
    """Return the most letters that packed groups of observables can unpack to, capped at the limit of a job.

    >>> letters_size("@gzs100:" + base64.b64encode(__import__("gzip").compress(b"Z0;Z1")).decode())
    300
    """
    groups = map(_GROUP.fullmatch, observables.split("|"))
    letters = sum(int(group[1]) * (_declared_size(group[2]) // 2 + 1) for group in groups if group)
    return min(MAX_OBSERVABLES_BYTES, letters)


class Unpacker:
    """Unpacks the texts of one call."""

    def __init__(self, limit: int = MAX_CALL_BYTES) -> None:
        """Allow `limit` unpacked bytes together."""
        self._left = limit

    def text(self, name: str, packed: str) -> str:
        """Return a text unpacked; raises `BatchError` with `name` if it is not packed or too large."""
        data = _unpack(name, packed, min(self._left, MAX_SOURCE_BYTES))
        self._left -= len(data)
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            message = f"{name} is not text in UTF-8"
            raise BatchError(message) from None


def _unpack(name: str, packed: str, limit: int) -> bytes:
    declared = _declared_size(packed)
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
    """Return the number of terms of each group of observables; raises `BatchError` if they are malformed or too many.

    Cached, because every call of a job brings the same observables.

    >>> group_sizes("@gzs9:" + base64.b64encode(__import__("gzip").compress(b"Z0;Z1")).decode())
    (2,)
    """
    return tuple(len(set(data.split(b";"))) for _, _, data in _unpack_groups(packed))


def dense_observables(packed: str) -> str:
    """Return groups of observables in Farshot's form, with a letter for every qubit.

    Raises `BatchError` if they are malformed or too many.
    """
    return "|".join(
        ";".join(_dense_term(name, term, width) for term in data.decode("ascii", "replace").split(";"))
        for name, width, data in _unpack_groups(packed)
    )


def _unpack_groups(packed: str) -> Iterator[tuple[str, int, bytes]]:
    """Yield the name, the number of qubits and the terms of each group."""
    if packed.count("|") >= _MAX_GROUPS:
        message = f"a job may have {_MAX_GROUPS:,} groups of observables"
        raise BatchError(message)
    allowance = _Allowance()
    for number, group in enumerate(packed.split("|"), 1):
        name = f"group {number} of the observables"
        yield name, *allowance.unpack(name, group)


class _Allowance:
    """The bytes, letters and terms that the observables of a job may still have.

    Letters are those of the dense form, with one for every qubit of every term.
    """

    def __init__(self) -> None:
        self._bytes = MAX_OBSERVABLES_BYTES
        self._letters = MAX_OBSERVABLES_BYTES
        self._terms = MAX_TERMS

    def unpack(self, name: str, group: str) -> tuple[int, bytes]:
        """Return the number of qubits and the terms of a group; raises `BatchError` if they are too many."""
        match = _GROUP.fullmatch(group)
        if match is None:
            message = f"{name} is not of the form @gzs<qubits>:<packed terms>"
            raise BatchError(message)
        width = int(match[1])
        if width > MAX_QUBITS:
            message = f"{name} has {width:,} qubits; the limit is {MAX_QUBITS:,}: that is more than a job may have"
            raise BatchError(message)
        data = _unpack(name, match[2], max(0, self._bytes))
        terms = data.count(b";") + 1
        self._bytes -= len(data) + 1
        self._letters -= terms * (width + 1)
        self._terms -= terms
        if min(self._bytes, self._letters, self._terms) < 0:
            message = f"{name} has {terms:,} terms of {width:,} letters: that is more than a job may have"
            raise BatchError(message)
        return width, data


def _dense_term(name: str, term: str, width: int) -> str:
    """Return a term with a letter for every qubit.

    >>> _dense_term("group 1", "Z0X3", 4)
    'ZIIX'
    """
    if len(term) > max(1, width) * _MAX_FACTOR_CHARACTERS or not _TERM.fullmatch(term):
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
