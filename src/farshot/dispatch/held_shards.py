"""The shards that a dispatcher holds, and what becomes of them when their worker is lost."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from farshot.errors import FaultCode
from farshot.model import CircuitResult, Fault, ResultSlice

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from farshot.model import Lease, Shard
    from farshot.protocols import Executor, JobStore, Lost


_log = logging.getLogger(__name__)

_MOST_TRIES = 5
_MOMENT = 0.5


@dataclass(slots=True)
class _Held:
    """A shard, and the position up to which its results are recorded, which took `seconds`.

    Its owner was charged while it ran for `charged` seconds more. It `is_spared` once it was asked to end early.
    """

    shard: Shard
    position: int
    seconds: float = 0.0
    charged: float = 0.0
    is_spared: bool = False

    def spent(self, running: Mapping[Lease, float]) -> float:
        """Return the seconds that it has run for and that are not recorded."""
        return max(0.0, running.get(self.shard.lease, 0.0) - self.seconds)

    def overruns(self, running: Mapping[Lease, float]) -> bool:
        """Whether it has run for longer than it was guessed to, by more than a moment."""
        return running.get(self.shard.lease, 0.0) > max(_MOMENT, self.shard.cost)


class HeldShards:
    """Shards under leases of this dispatcher, in the hands of its executor. Used by the dispatcher's thread only."""

    def __init__(self, store: JobStore, executor: Executor) -> None:
        """Hold nothing yet."""
        self._store = store
        self._executor = executor
        self._held: dict[Lease, _Held] = {}

    def __len__(self) -> int:
        """How many shards are held."""
        return len(self._held)

    def leases(self) -> list[Lease]:
        """Return the leases that are held."""
        return list(self._held)

    def owners(self, ending: Collection[Lease], most: int) -> set[str]:
        """Return who has `most` shards here or more, besides those that are `ending`."""
        held = Counter(held.shard.owner for lease, held in self._held.items() if lease not in ending)
        return {owner for owner, count in held.items() if count >= most}

    def take(self, shard: Shard) -> None:
        """Hold a shard and have it run."""
        self._held[shard.lease] = _Held(shard, shard.first)
        self._executor.start(shard)

    def note(self, part: ResultSlice, *, accepted: bool) -> None:
        """Note that a part was recorded, or that its lease had been lost."""
        held = self._held.get(part.lease)
        if held and accepted:
            held.position += part.size
            held.seconds += part.seconds
            held.charged = 0.0
        if part.last or not accepted:
            self._held.pop(part.lease, None)
        if held and not accepted and not part.last:
            self._executor.stop(part.lease)

    def drop(self, lease: Lease) -> None:
        """Hold a shard no more, and have nothing of it run."""
        if self._held.pop(lease, None):
            self._executor.stop(lease)

    def drop_job(self, job_id: str) -> None:
        """Hold nothing of a job any more."""
        for lease in self.leases():
            if lease.job_id == job_id:
                self.drop(lease)

    def give_back(self, lease: Lease, seconds: float = 0.0) -> None:
        """Give a shard back to the store that ran for so many seconds; what was known of it stays known."""
        held = self._held.get(lease)
        if held:
            self._store.give_back(lease, held.spent({lease: seconds}))
            del self._held[lease]

    def spent(self, running: Mapping[Lease, float]) -> dict[Lease, float]:
        """Return the seconds that each shard has run for and that are not recorded, by lease."""
        return {lease: held.spent(running) for lease, held in self._held.items()}

    def is_charged(self, spent: Mapping[Lease, float]) -> bool:
        """Whether owners were charged for about what was spent."""
        return all(spent[lease] <= max(_MOMENT, 2 * held.charged) for lease, held in self._held.items())

    def note_charged(self, spent: Mapping[Lease, float]) -> None:
        """Note that owners were charged for what was spent."""
        for lease, seconds in spent.items():
            if lease in self._held:
                self._held[lease].charged = seconds

    def make_room(self, running: Mapping[Lease, float]) -> None:
        """Have what runs for longer than guessed end early where others wait, in the store or here, and what waits
        here for its owner's sake not begin.
        """
        long = {lease: held for lease, held in self._held.items() if held.overruns(running)}
        if not long:
            return
        behind = self._store.outranked({held.shard.owner for held in long.values()})
        queued = {held.shard.owner for lease, held in self._held.items() if lease not in running}
        for lease, held in self._held.items():
            owner = held.shard.owner
            is_in_the_way = owner in behind or bool(queued - {owner}) if lease in long else owner in behind
            if is_in_the_way and (lease in long or lease not in running):
                self._spare(held)

    def _spare(self, held: _Held) -> None:
        if not held.is_spared:
            held.is_spared = True
            self._executor.spare(held.shard.lease)

    def failed_part(self, part: ResultSlice, error: Exception) -> ResultSlice:
        """Return what is recorded in place of a part that the store refuses: every circuit of it has failed."""
        shard = self._held[part.lease].shard
        fault = Fault(FaultCode.INTERNAL, f"the store refuses the result ({len(part.results):,} bytes): {error}")
        results = [
            CircuitResult.failed(fault, shard.spec, position, shard.labels[position - shard.first])
            for position in range(part.first, part.first + part.size)
        ]
        return ResultSlice.of(part.lease, part.first, results, last=part.last)

    def recover(self, lost: Lost) -> bool:
        """Record what the circuit died of, or give the shard back for another attempt; say whether a result was made.

        A crash is believed when it happens twice to one circuit that ran alone; memory and time at once. A
        worker that dies again and again before any circuit began is the fault of the first circuit.
        """
        held = self._held.get(lost.lease)
        if held is None:
            return False
        _log.warning("job %s: %s", lost.lease.job_id, lost.fault.message, extra={"fields": _story(lost)})
        recorded = self._judge(held, lost)
        self._held.pop(lost.lease, None)
        return recorded

    def _judge(self, held: _Held, lost: Lost) -> bool:
        suspect, spent = lost.position, held.spent({lost.lease: lost.seconds})
        nothing_left = held.position == held.shard.first + len(held.shard.labels)
        if suspect is None and (nothing_left or held.shard.tries < _MOST_TRIES):
            self._release(held, spent)
        elif suspect is None or (suspect == held.position and not _is_doubtful(held, lost)):
            self._condemn(held, lost.fault, spent)
            return True
        else:
            self._store.release(lost.lease, suspect, None if _is_doubtful(held, lost) else lost.fault, spent)
        return False

    def _release(self, held: _Held, seconds: float) -> None:
        self._store.release(held.shard.lease, held.shard.suspect, held.shard.verdict, seconds)

    def _condemn(self, held: _Held, fault: Fault, seconds: float) -> None:
        shard, offset = held.shard, held.position - held.shard.first
        result = CircuitResult.failed(fault, shard.spec, held.position, shard.labels[offset], seconds)
        last = offset + 1 == len(shard.labels)
        self._store.record([ResultSlice.of(shard.lease, held.position, [result], last=last)])
        if not last:
            self._store.release(shard.lease)


def _is_doubtful(held: _Held, lost: Lost) -> bool:
    """Whether a crash is the first of its circuit."""
    return lost.fault.code is FaultCode.CRASH and lost.position != held.shard.suspect


def _story(lost: Lost) -> dict[str, object]:
    """Return what is logged of a worker that died."""
    return {
        "event": "worker-lost",
        "job": lost.lease.job_id,
        "shard": lost.lease.shard,
        "attempt": lost.lease.attempt,
        "position": lost.position,
        "fault": lost.fault.code.value,
        "reason": lost.fault.message,
    }
