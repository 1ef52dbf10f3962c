"""The checks of the labels and the size of a batch of circuits or of rows of a template."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from farshot.errors import BatchError, OptionError
from farshot.model import MAX_CIRCUITS

if TYPE_CHECKING:
    from collections.abc import Sized


MAX_LABEL_LENGTH = 1024
MAX_SOURCE_BYTES = 8 * 2**20


def reject(message: str) -> NoReturn:
    """Raise `BatchError`."""
    raise BatchError(message)


def reject_type(message: str) -> NoReturn:
    """Raise `OptionError`."""
    raise OptionError(message)


def check_number(circuits: Sized) -> None:
    """Refuse an empty batch and one of too many circuits."""
    if not circuits:
        reject("the batch is empty: submit at least one circuit")
    if len(circuits) > MAX_CIRCUITS:
        reject(f"the batch holds {len(circuits):,} circuits; the limit is {MAX_CIRCUITS:,}")


def check_label(label: object) -> None:
    """Refuse a label that is not text, empty, too long or not valid Unicode."""
    if not isinstance(label, str):
        reject_type(f"a label must be text, not {type(label).__name__}: {shown(label, 80)}")
    if not 0 < len(label) <= MAX_LABEL_LENGTH:
        reject(f"a label must have 1 to {MAX_LABEL_LENGTH:,} characters, not {len(label):,}: {label[:40]!r}")
    if not label.isascii() and has_surrogate(label):
        reject(f"a label must be valid Unicode: {label[:40]!r}")


def has_surrogate(text: str) -> bool:
    """Return whether `text` holds a surrogate, so that it is not valid Unicode."""
    return any("\ud800" <= character <= "\udfff" for character in text)


def plain(text: str) -> str:
    """Return `text` as `str` itself: a subclass, such as NumPy's, may have no encoding."""
    return text if type(text) is str else str(text)


def shown(value: object, most: int = 40) -> str:
    """Return the first `most` characters of a wrong value for a message; some values have no text.

    >>> shown([1, "two"])
    "[1, 'two']"
    """
    try:
        return repr(value)[:most]
    except (ValueError, RecursionError):
        return f"{type(value).__name__} without a text"
