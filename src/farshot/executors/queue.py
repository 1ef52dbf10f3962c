"""The shards that wait for a child of this machine, and whose shards run."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from farshot.model import Lease, Shard


SHORT = 0.25
"""Seconds that a shard may be guessed to take in the lane for short work."""

_PATIENCE = 0.05
_BARRED = 10.0
"""Seconds for which the lane takes nothing of an owner whose shard had to be killed there."""


@dataclass(frozen=True, slots=True)
class _Queued:
    """A shard that waits for a child since a time."""

    shard: Shard
    since: float

    @property
    def is_short(self) -> bool:
        """Whether it may run in the lane: it is guessed short and has not been found otherwise."""
        shard = self.shard
        return shard.cost <= SHORT and shard.lease.attempt == 1 and shard.suspect is None


class ShardQueue:
    """The shards that wait for a child, and whose shards run.

    A short shard may run in the lane once no worker was free for a moment: it has waited so long itself, or all workers
    have been busy with what they have for so long. Of several the shortest is first.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with none, by a clock in seconds."""
        self._clock = clock
        self._free = 0
        self._busy_since: float | None = clock()
        self._shards: deque[_Queued] = deque()
        self._running = Counter[str]()
        self._barred: dict[str, float] = {}
        lock = threading.RLock()
        self._changed = threading.Condition(lock)
        self._later = threading.Condition(lock)
        self._closed = False

    def put(self, shard: Shard) -> None:
        """Take a shard in."""
        with self._changed:
            self._shards.append(_Queued(shard, self._clock()))
            self._changed.notify()
            if not self._free:
                self._later.notify_all()

    def take(self, hold: Callable[[Shard], None]) -> Shard | None:
        """Block for the next shard; None once closed.

        `hold` is told of it before it leaves the queue, so that at no time nobody has it.
        """
        with self._changed:
            self._free += 1
            self._busy_since = None
            self._changed.wait_for(lambda: self._shards or self._closed)
            self._free -= 1
            if not self._free:
                self._busy_since = self._clock()
                self._later.notify_all()
            return None if self._closed else self._take(self._shards[0], hold)

    def await_kept_waiting(self) -> None:
        """Block until a short shard waits although nothing of its owner runs, or until closed."""
        with self._changed:
            while not (self._closed or self._kept_waiting()):
                due = min((self._due(each) for each in self._waits()), default=None)
                self._later.wait(None if due is None else max(0.0, due - self._clock()))

    def take_kept_waiting(self, hold: Callable[[Shard], None]) -> Shard | None:
        """Return a short shard that waits although nothing of its owner runs; None where there is none."""
        with self._changed:
            found = self._kept_waiting()
            return self._take(found, hold) if found else None

    def _take(self, found: _Queued, hold: Callable[[Shard], None]) -> Shard:
        hold(found.shard)
        self._shards.remove(found)
        self._running[found.shard.owner] += 1
        return found.shard

    def _kept_waiting(self) -> _Queued | None:
        now = self._clock()
        due = (each for each in self._waits() if self._due(each) <= now)
        return min(due, key=lambda each: each.shard.cost, default=None)

    def _waits(self) -> Iterator[_Queued]:
        """Yield the short shards of owners of whom nothing runs."""
        return (each for each in self._shards if each.is_short and not self._running[each.shard.owner])

    def _due(self, queued: _Queued) -> float:
        """Return the time from which on a shard may run in the lane."""
        busy = self._busy_since
        due = _PATIENCE + (queued.since if busy is None else min(queued.since, busy))
        return max(due, self._barred.get(queued.shard.owner, due))

    def keeps_waiting(self, below: float = SHORT) -> bool:
        """Whether there is a shard for the lane that is guessed to take `below` seconds at most."""
        with self._changed:
            found = self._kept_waiting()
            return found is not None and found.shard.cost <= below

    def bar(self, owner: str) -> None:
        """Keep an owner off the lane for a while: a shard of theirs had to be killed there, and with it a child."""
        with self._changed:
            now = self._clock()
            self._barred = {name: until for name, until in self._barred.items() if until > now}
            self._barred[owner] = now + _BARRED

    def wait(self, seconds: float) -> None:
        """Block so long, or until closed."""
        with self._later:
            self._later.wait_for(lambda: self._closed, seconds)

    def clear(self) -> tuple[Lease, ...]:
        """Let go of every shard, and return their leases."""
        with self._changed:
            leases = tuple(each.shard.lease for each in self._shards)
            self._shards.clear()
            return leases

    @property
    def is_closed(self) -> bool:
        """Whether nothing is taken any more."""
        return self._closed

    def end(self, shard: Shard) -> None:
        """Note that a shard that was taken runs no more."""
        with self._changed:
            self._running[shard.owner] -= 1
            self._running += Counter()  # forgets who has none
            if self._shards:
                self._later.notify_all()

    def drop(self, lease: Lease) -> bool:
        """Forget a shard; say whether it still waited."""
        with self._changed:
            kept = deque(each for each in self._shards if each.shard.lease != lease)
            dropped = len(kept) < len(self._shards)
            self._shards = kept
            return dropped

    def close(self) -> None:
        """Let everybody go."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            self._later.notify_all()
