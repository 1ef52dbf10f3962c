"""File descriptors: how many the process may have, and how many of them are for connections."""

from __future__ import annotations

import resource

from farshot.service.connections import Bounds

_ENOUGH = 16_384
_MOST_CONNECTIONS = 4096
"""What memory bears: a connection with TLS takes up to 100 KB."""
_RESERVE = 512
"""For workers, the store, files and refusals."""


def raise_limit() -> int:
    """Raise the limit of this process as far as the system permits and the service needs; return it."""
    soft, hard = (_finite(limit) for limit in resource.getrlimit(resource.RLIMIT_NOFILE))
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    return max(soft, hard)


def _finite(limit: int) -> int:
    return _ENOUGH if limit == resource.RLIM_INFINITY else min(limit, _ENOUGH)


def bounds_within(limit: int) -> Bounds:
    """Return how many connections fit in so many descriptors, beside what the service needs itself.

    >>> bounds_within(1024).total, bounds_within(1024).each
    (512, 256)
    """
    total = min(_MOST_CONNECTIONS, limit - min(_RESERVE, limit // 2))
    waiting = min(_MOST_CONNECTIONS, max((limit - total) // 4, limit - total - _RESERVE))
    return Bounds(total, max(1, total // 2), waiting)
