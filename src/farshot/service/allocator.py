"""The setting of the C library's memory allocator."""

from __future__ import annotations

import ctypes

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_LARGE_BLOCK_BYTES = 4 * 2**20
_KEPT_BYTES = 16 * 2**20
"""Free memory that an arena keeps for the next batch: getting it anew takes as long as decoding a batch."""
_MAX_ARENAS = 2


def limit_kept_memory() -> None:
    """Return large blocks, such as bodies, to the system as soon as they are free.

    By default glibc takes the size of the largest freed block as usual, and keeps as much in each of many arenas:
    a few bodies of 16 MiB would cost hundreds for good. Other C libraries need no such setting.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BLOCK_BYTES)
        mallopt(_M_ARENA_MAX, _MAX_ARENAS)
