"""The numbers that requests hold, each with its bounds: one beyond them is refused as it is decoded."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec

from farshot.model import MAX_CIRCUITS, MAX_PRIORITY, MAX_SECONDS, MAX_SEED, MAX_SHOTS

_DIGITS = len(str(MAX_SEED))

Position: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=MAX_SHOTS)]
"""A position in a batch, or beside two of them a number of shots, in a range."""
Priority: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=MAX_PRIORITY)]
Seconds: TypeAlias = Annotated[float, msgspec.Meta(gt=0, le=MAX_SECONDS)]
Seed: TypeAlias = (
    Annotated[int, msgspec.Meta(ge=0, le=MAX_SEED)] | Annotated[str, msgspec.Meta(pattern=f"^[0-9]{{1,{_DIGITS}}}$")]
)
"""A seed, or its digits as text: many readers of JSON round what is beyond 2**53."""
Shots: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=MAX_SHOTS)]
Size: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=MAX_CIRCUITS)]
"""How many circuits."""


def plain_number(value: object) -> float:
    """Return a number whose class adds a meaning, such as seconds, as what it is."""
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    raise NotImplementedError


def read_seed(given: int | str | None) -> int | None:
    """Return a seed of a document as a number, which may still be beyond the last one.

    >>> read_seed("9223372036854775807") == read_seed(2**63 - 1)
    True
    """
    return None if given is None else int(given)
