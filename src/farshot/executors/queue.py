"""The queue of the shards that wait for a child, with a lane for short ones."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from farshot.model import Lease, Shard


MAX_SHORT_SECONDS = 0.25
"""The longest guess for a shard that may run in the lane for short shards."""

_LANE_DELAY_SECONDS = 0.05
_BARRED_SECONDS = 10.0
"""For this long the lane takes no shard of an owner one of whose shards had to be killed there."""


@dataclass(frozen=True, slots=True)
class _Queued:
    """A shard that has waited for a child since a time of the queue's clock."""

    shard: Shard
    since: float

    @property
    def is_short(self) -> bool:
        """True if it may run in the lane: it is guessed to be short, and no attempt has shown otherwise."""
        shard = self.shard
        return shard.cost <= MAX_SHORT_SECONDS and shard.lease.attempt == 1 and shard.suspect is None


class ShardQueue:
    """The shards that wait for a child, and the number of those that run of each owner.

    A short shard of an owner of whom nothing runs is due for the lane once it has waited for 50 ms, or once all workers
    have been busy with the same shards for that long. Of several due shards the shortest is first.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._idle_workers = 0
        self._busy_since: float | None = clock()
        self._shards: deque[_Queued] = deque()
        self._running = Counter[str]()
        self._barred: dict[str, float] = {}
        lock = threading.RLock()
        self._changed = threading.Condition(lock)
        self._due_changed = threading.Condition(lock)
        self._closed = False

    def put(self, shard: Shard) -> None:
        """Add a shard."""
        with self._changed:
            self._shards.append(_Queued(shard, self._clock()))
            self._changed.notify()
            if not self._idle_workers:
                self._due_changed.notify_all()

    def take(self, hold: Callable[[Shard], None]) -> Shard | None:
        """Block for the next shard and return it; None once closed.

        `hold` is called with it before it leaves the queue, so that at every time the queue or the caller has it.
        """
        with self._changed:
            self._idle_workers += 1
            self._busy_since = None
            self._changed.wait_for(lambda: self._shards or self._closed)
            self._idle_workers -= 1
            if not self._idle_workers:
                self._busy_since = self._clock()
                self._due_changed.notify_all()
            return None if self._closed else self._take(self._shards[0], hold)

    def await_due(self) -> None:
        """Block until a shard is due for the lane, or until closed."""
        with self._changed:
            while not (self._closed or self._next_due()):
                due = min((self._due_time(each) for each in self._lane_shards()), default=None)
                self._due_changed.wait(None if due is None else max(0.0, due - self._clock()))

    def take_due(self, hold: Callable[[Shard], None]) -> Shard | None:
        """Return the shortest shard that is due for the lane; None if there is none. `hold` is as in `take`."""
        with self._changed:
            found = self._next_due()
            return self._take(found, hold) if found else None

    def _take(self, found: _Queued, hold: Callable[[Shard], None]) -> Shard:
        hold(found.shard)
        self._shards.remove(found)
        self._running[found.shard.owner] += 1
        return found.shard

    def _next_due(self) -> _Queued | None:
        now = self._clock()
        due = (each for each in self._lane_shards() if self._due_time(each) <= now)
        return min(due, key=lambda each: each.shard.cost, default=None)

    def _lane_shards(self) -> Iterator[_Queued]:
        """Yield the short shards of owners of whom nothing runs."""
        return (each for each in self._shards if each.is_short and not self._running[each.shard.owner])

    def _due_time(self, queued: _Queued) -> float:
        """Return the time from which on a shard is due for the lane."""
        busy = self._busy_since
        due = _LANE_DELAY_SECONDS + (queued.since if busy is None else min(queued.since, busy))
        return max(due, self._barred.get(queued.shard.owner, due))

    def has_due(self, below: float = MAX_SHORT_SECONDS) -> bool:
        """Return whether a shard is due for the lane that is guessed to take `below` seconds at most."""
        with self._changed:
            found = self._next_due()
            return found is not None and found.shard.cost <= below

    def bar(self, owner: str) -> None:
        """Keep the shards of an owner off the lane for 10 s, after one had to be killed there with its child."""
        with self._changed:
            now = self._clock()
            self._barred = {name: until for name, until in self._barred.items() if until > now}
            self._barred[owner] = now + _BARRED_SECONDS

    def wait(self, seconds: float) -> None:
        """Block for `seconds`, or until closed."""
        with self._due_changed:
            self._due_changed.wait_for(lambda: self._closed, seconds)

    def clear(self) -> tuple[Lease, ...]:
        """Remove every shard and return their leases."""
        with self._changed:
            leases = tuple(each.shard.lease for each in self._shards)
            self._shards.clear()
            return leases

    @property
    def is_closed(self) -> bool:
        """True once no more shards are taken."""
        return self._closed

    def end(self, shard: Shard) -> None:
        """Note that a shard that was taken has ended."""
        with self._changed:
            self._running[shard.owner] -= 1
            self._running += Counter()  # drops owners with none
            if self._shards:
                self._due_changed.notify_all()

    def drop(self, lease: Lease) -> bool:
        """Remove a shard; return whether it was still waiting."""
        with self._changed:
            kept = deque(each for each in self._shards if each.shard.lease != lease)
            dropped = len(kept) < len(self._shards)
            self._shards = kept
            return dropped

    def close(self) -> None:
        """Wake every thread that waits; nothing is taken any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            self._due_changed.notify_all()
