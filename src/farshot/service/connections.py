"""The connections of a service: how many there may be, who has them, and which one goes where another wants in.

A connection that asks for nothing costs its client nothing, so the one that has been idle for longest makes room: first
among those that never sent a request, or to which a refusal is held back. One whose request is being answered is never
ended for another; where all are, the newcomer is refused. Making room and refusing take time that is everybody's, so
both happen a bounded number of times a second; what comes beyond that is closed without a word.
"""

from __future__ import annotations

import ipaddress
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


_NETWORK = 64
"""Bits of an address of version 6 that one client has in common with nobody."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many connections there may be at a time."""

    total: int
    each: int
    """Of one address."""
    waiting: int = 256
    """Beyond the total, accepted and not begun with: each address has its turn."""
    spare: int = 32
    """Beyond the total, for as long as it takes to say why a connection is refused."""
    refusals: int = 32
    """Connections to which it is said in a second; more are closed without a word."""
    turnover: int = 100
    """Connections of one address in a second for which others of that address make room."""
    crowd: int = 256
    """Connections of one address beyond which only so many `arrivals` of it are begun with in a second."""
    arrivals: int = 150


class Seat:
    """The place of one connection. `end` ends it; who sits there replaces it."""

    def __init__(self, connections: Connections, row: _Row, end: Callable[[], object], *, is_spare: bool) -> None:
        """Be one of `connections`, in `row`; a spare one is there to refuse a connection."""
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
        """Note that whoever wants a seat may have this one before any other: a refusal is being held back here."""
        self._move(self.row.busy if self.is_spare else self.row.new)

    def rest(self) -> None:
        """Note that nothing is being answered."""
        self._move(self.row.busy if self.is_spare else self.row.idle)

    def _move(self, group: dict[Seat, None]) -> None:
        if self in self._group:
            del self._group[self]
            self._group = group
            group[self] = None

    def leave(self) -> None:
        """Give the place up, once the connection has ended; may be called again."""
        if self in self._group:
            del self._group[self]
            self._connections.give_back(self)


class _Rate:
    """Lets pass so many a second, and as many at once."""

    def __init__(self, rate: int, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._clock = clock
        self._left = float(rate)
        self._at = clock()

    def lets_pass(self) -> bool:
        now = self._clock()
        self._left = min(self._rate, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class _Row:
    """The seats of one address, each kind in order of time."""

    def __init__(self, network: str, turnover: _Rate, arrivals: _Rate) -> None:
        self.network = network
        self.turnover = turnover
        self.arrivals = arrivals
        self.new: dict[Seat, None] = {}
        self.idle: dict[Seat, None] = {}
        self.busy: dict[Seat, None] = {}

    def __len__(self) -> int:
        return len(self.new) + len(self.idle) + len(self.busy)

    @property
    def yielding(self) -> int:
        """How many seats another connection may have."""
        return len(self.new) + len(self.idle)

    def longest_idle(self) -> Seat | None:
        return next(iter(self.new), None) or next(iter(self.idle), None)


class Connections:
    """Gives seats away. Belongs to one event loop."""

    def __init__(self, bounds: Bounds, clock: Callable[[], float] = time.monotonic) -> None:
        """Give away as many as `bounds` allows, by a clock in seconds."""
        self._bounds = bounds
        self._rows: dict[str, _Row] = {}
        self._taken = 0
        self._spare = 0
        self._clock = clock
        self._refusals = _Rate(bounds.refusals, clock)

    @property
    def most_waiting(self) -> int:
        """How many connections may be accepted that nobody has begun with."""
        return self._bounds.waiting

    def may_begin(self, network: str) -> bool:
        """Whether one more connection of a network may be begun with now: of a crowd, a few at a time."""
        return not self.is_crowd(network) or self._rows[network].arrivals.lets_pass()

    def is_crowd(self, network: str) -> bool:
        """Whether a network has so many connections that further ones are begun with slowly."""
        return network in self._rows and len(self._rows[network]) >= self._bounds.crowd

    def _row(self, network: str) -> _Row:
        rates = (_Rate(rate, self._clock) for rate in (self._bounds.turnover, self._bounds.arrivals))
        return _Row(network, *rates)

    def take(self, address: str, end: Callable[[], object]) -> Seat | None:
        """Return a seat for a connection from `address`; a spare one only to refuse it there, None not even that."""
        network = network_of(address)
        row = self._rows.get(network) or self._row(network)
        is_spare = not self._has_room(row)
        if is_spare and (self._spare == self._bounds.spare or not self._refusals.lets_pass()):
            return None
        self._taken += not is_spare
        self._spare += is_spare
        self._rows[network] = row
        return Seat(self, row, end, is_spare=is_spare)

    def _has_room(self, row: _Row) -> bool:
        if len(row) >= self._bounds.each:
            return row.turnover.lets_pass() and self._vacate(row)
        return self._taken < self._bounds.total or self.shed()

    def shed(self) -> bool:
        """End the connection that has been idle for longest of the address that has most; say whether one was."""
        return bool(self._rows) and self._vacate(max(self._rows.values(), key=lambda row: row.yielding))

    def _vacate(self, row: _Row) -> bool:
        seat = row.longest_idle()
        if seat is None:
            return False
        seat.leave()
        seat.end()
        return True

    def give_back(self, seat: Seat) -> None:
        """Count a seat as free again; `Seat.leave` calls this once."""
        self._taken -= not seat.is_spare
        self._spare -= seat.is_spare
        if not len(seat.row):
            self._rows.pop(seat.row.network, None)


def network_of(address: str) -> str:
    """Return what one client has to itself: an address of version 4, or 64 bits of version 6."""
    if ":" not in address:
        return address
    return str(ipaddress.ip_network((address.partition("%")[0], _NETWORK), strict=False))
