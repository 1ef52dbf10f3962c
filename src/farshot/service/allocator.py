"""What the C library keeps of memory that is free again."""

from __future__ import annotations

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_LARGE_BLOCK = 4 * 2**20
_KEPT = 16 * 2**20
"""Bytes that an arena keeps for the next batch: to get them from the system anew takes as long as to decode one."""
_ARENAS = 2


def keep_little() -> None:
    """Have large blocks, such as bodies, given back to the system as soon as they are free.

    By itself glibc takes the size of the largest one that was freed for usual, and keeps as much in each of many
    arenas: a few bodies of 16 MiB would cost hundreds for good. Other C libraries need not be told.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_TRIM_THRESHOLD, _KEPT)
        mallopt(_MMAP_THRESHOLD, _LARGE_BLOCK)
        mallopt(_ARENA_MAX, _ARENAS)
