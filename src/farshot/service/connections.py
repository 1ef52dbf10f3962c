"""The connections of a service: how many there may be, which client has them, and which one makes room for another.

An idle connection costs its client nothing, so the one that has been idle for longest makes room: first among those
that never sent a request, or to which a refusal is held back. A connection whose request is being answered is never
ended for another; if all are busy, the newcomer is refused. Making room and refusing take time that all clients share,
so both happen a bounded number of times a second; further connections are closed without a word.
"""

from __future__ import annotations

import ipaddress
import resource
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


_IPV6_PREFIX_BITS = 64
"""The part of an IPv6 address that one client shares with no other."""
_MAX_DESCRIPTORS = 16_384
"""The most file descriptors that the service needs."""
_MAX_CONNECTIONS = 4096
"""The most that memory bears: a connection with TLS takes up to 100 KB."""
_RESERVED_DESCRIPTORS = 512
"""Descriptors for workers, the store, files and refusals."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most connections at a time; those of one IPv6 network count as of one address."""

    total: int
    each: int
    """Connections of one address."""
    waiting: int = 256
    """Connections beyond the total that are accepted and wait to be started, each address in turn."""
    spare: int = 32
    """Connections beyond the total that are kept for as long as it takes to refuse them with a reason."""
    refusals: int = 32
    """Connections refused with a reason in a second; more are closed without a word."""
    turnover: int = 100
    """Connections of one address in a second for which others of that address make room."""
    crowd: int = 256
    """Connections of one address beyond which only `arrivals` more are started in a second."""
    arrivals: int = 150
    """Connections of a crowd started in a second."""


def raise_limit() -> int:
    """Raise this process's limit of descriptors as far as the system permits and the service needs; return it."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft, hard = (
        _MAX_DESCRIPTORS if limit == resource.RLIM_INFINITY else min(limit, _MAX_DESCRIPTORS) for limit in limits
    )
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, limits[1]))
    return max(soft, hard)


def bounds_within(limit: int) -> Bounds:
    """Return how many connections fit in `limit` descriptors, beside what the service itself needs.

    >>> bounds_within(1024).total, bounds_within(1024).each
    (512, 256)
    """
    total = min(_MAX_CONNECTIONS, limit - min(_RESERVED_DESCRIPTORS, limit // 2))
    waiting = min(_MAX_CONNECTIONS, max((limit - total) // 4, limit - total - _RESERVED_DESCRIPTORS))
    return Bounds(total, max(1, total // 2), waiting)


class Seat:
    """The place of one connection among those there may be."""

    def __init__(self, connections: Connections, row: _Row, end: Callable[[], object], *, is_spare: bool) -> None:
        """Take a place in `row`, a spare one only to refuse a connection; `end`, which may be replaced, ends it."""
        self.end = end
        self.is_spare = is_spare
        self.row = row
        self._connections = connections
        self._group = row.busy if is_spare else row.new
        self._group[self] = None

    def work(self) -> None:
        """Note that a request is being answered."""
        self._move(self.row.busy)

    def give_way(self) -> None:
        """Note that a refusal is being held back here: another connection takes this seat before any other."""
        self._move(self.row.new)

    def rest(self) -> None:
        """Note that nothing is being answered."""
        self._move(self.row.idle)

    def _move(self, group: dict[Seat, None]) -> None:
        if self in self._group and not self.is_spare:
            del self._group[self]
            self._group = group
            group[self] = None

    def leave(self) -> None:
        """Give the place up, once the connection has ended; may be called again."""
        if self in self._group:
            del self._group[self]
            self._connections.give_back(self)


class _RateLimit:
    """Permits `rate` events a second, and as many at once."""

    def __init__(self, rate: int, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._clock = clock
        self._left = float(rate)
        self._updated = clock()

    def permits(self) -> bool:
        """Return whether another event may happen now, and count it if so."""
        now = self._clock()
        self._left = min(self._rate, self._left + (now - self._updated) * self._rate)
        self._updated = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class _Row:
    """The seats of one address, each kind ordered by time."""

    def __init__(self, network: str, turnover: _RateLimit, arrivals: _RateLimit) -> None:
        self.network = network
        self.turnover = turnover
        self.arrivals = arrivals
        self.new: dict[Seat, None] = {}
        self.idle: dict[Seat, None] = {}
        self.busy: dict[Seat, None] = {}

    def __len__(self) -> int:
        return len(self.new) + len(self.idle) + len(self.busy)

    def end_longest_idle(self) -> bool:
        """End the first connection that may make room; return whether there was one."""
        seat = next(iter(self.new), None) or next(iter(self.idle), None)
        if seat is None:
            return False
        seat.leave()
        seat.end()
        return True


class Connections:
    """Assigns seats to connections. Belongs to one event loop."""

    def __init__(self, bounds: Bounds, clock: Callable[[], float] = time.monotonic) -> None:
        """Assign as many seats as `bounds` allows; `clock` counts seconds."""
        self._bounds = bounds
        self._rows: dict[str, _Row] = {}
        self._taken = 0
        self._spare = 0
        self._clock = clock
        self._refusals = _RateLimit(bounds.refusals, clock)

    @property
    def max_waiting(self) -> int:
        """The most connections that may be accepted and not started."""
        return self._bounds.waiting

    def may_begin(self, network: str) -> bool:
        """Return whether one more connection of a network may be started now, and count it: of a crowd, few may."""
        return not self.is_crowd(network) or self._rows[network].arrivals.permits()

    def is_crowd(self, network: str) -> bool:
        """Return whether a network has so many connections that further ones are started slowly."""
        return network in self._rows and len(self._rows[network]) >= self._bounds.crowd

    def take(self, address: str, end: Callable[[], object]) -> Seat | None:
        """Return a seat for a connection from `address`: a spare one to refuse it, None to close it without a word."""
        network = network_of(address)
        row = self._rows.get(network) or _Row(
            network, _RateLimit(self._bounds.turnover, self._clock), _RateLimit(self._bounds.arrivals, self._clock)
        )
        is_spare = not self._has_room(row)
        if is_spare and (self._spare == self._bounds.spare or not self._refusals.permits()):
            return None
        self._taken += not is_spare
        self._spare += is_spare
        self._rows[network] = row
        return Seat(self, row, end, is_spare=is_spare)

    def _has_room(self, row: _Row) -> bool:
        if len(row) >= self._bounds.each:
            return row.turnover.permits() and row.end_longest_idle()
        return self._taken < self._bounds.total or self.shed()

    def shed(self) -> bool:
        """End the longest idle connection of the address that has most of them; return whether there was one."""
        row = max(self._rows.values(), key=lambda row: len(row.new) + len(row.idle), default=None)
        return row is not None and row.end_longest_idle()

    def give_back(self, seat: Seat) -> None:
        """Count a seat as free again; `Seat.leave` calls this once."""
        self._taken -= not seat.is_spare
        self._spare -= seat.is_spare
        if not len(seat.row):
            self._rows.pop(seat.row.network, None)


def network_of(address: str) -> str:
    """Return the network that counts as one client: an IPv4 address, or the first 64 bits of an IPv6 address."""
    if ":" not in address:
        return address
    return str(ipaddress.ip_network((address.partition("%")[0], _IPV6_PREFIX_BITS), strict=False))
