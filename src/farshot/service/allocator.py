"""What the C library keeps of memory that is free again."""

from __future__ import annotations

import ctypes

_MMAP_THRESHOLD, _ARENA_MAX = -3, -8
_LARGE_BLOCK = 2**20
_ARENAS = 2


def keep_little() -> None:
    """Have large blocks, such as bodies, given back to the system as soon as they are free.

    By itself glibc takes the size of the largest one that was freed for usual, and keeps as much in each of many
    arenas: a few bodies of 16 MiB would cost hundreds for good. Other C libraries need not be told.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _LARGE_BLOCK)
        mallopt(_ARENA_MAX, _ARENAS)
