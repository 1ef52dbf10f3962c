"""The shards that a dispatcher holds, and the decision about a shard whose worker is lost."""

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

_MAX_TRIES = 5
_MARGIN_SECONDS = 0.5


@dataclass(slots=True)
class _Held:
    """A shard that runs or waits in the executor."""

    shard: Shard
    position: int
    """The position of the first circuit without a recorded result."""
    seconds: float = 0.0
    """The recorded seconds of the circuits before that."""
    charged: float = 0.0
    """Further seconds for which its owner was charged while it ran."""
    is_spared: bool = False
    """True once the executor was asked to end it early."""

    def spent(self, running: Mapping[Lease, float]) -> float:
        """Return the seconds for which it has run and that are not recorded."""
        return max(0.0, running.get(self.shard.lease, 0.0) - self.seconds)

    def overruns(self, running: Mapping[Lease, float]) -> bool:
        """Return whether it has run for longer than it was guessed to, and than half a second."""
        return running.get(self.shard.lease, 0.0) > max(_MARGIN_SECONDS, self.shard.cost)


class HeldShards:
    """The shards that a dispatcher has leased and given to its executor. For the dispatcher's thread only."""

    def __init__(self, store: JobStore, executor: Executor) -> None:
        self._store = store
        self._executor = executor
        self._held: dict[Lease, _Held] = {}

    def __len__(self) -> int:
        """Return how many shards are held."""
        return len(self._held)

    def leases(self) -> list[Lease]:
        """Return the leases that are held."""
        return list(self._held)

    def owners(self, ending: Collection[Lease], least: int) -> set[str]:
        """Return the owners of `least` shards or more, not counting those that are `ending`."""
        counts = Counter(held.shard.owner for lease, held in self._held.items() if lease not in ending)
        return {owner for owner, count in counts.items() if count >= least}

    def take(self, shard: Shard) -> None:
        """Hold a shard and give it to the executor."""
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
        """Stop a shard and forget it."""
        if self._held.pop(lease, None):
            self._executor.stop(lease)

    def drop_job(self, job_id: str) -> None:
        """Stop the shards of a job and forget them."""
        for lease in self.leases():
            if lease.job_id == job_id:
                self.drop(lease)

    def give_back(self, lease: Lease, seconds: float = 0.0) -> None:
        """Give a shard that ran for `seconds` back to the store, which keeps its suspect and verdict."""
        held = self._held.get(lease)
        if held:
            self._store.give_back(lease, held.spent({lease: seconds}))
            del self._held[lease]

    def spent(self, running: Mapping[Lease, float]) -> dict[Lease, float]:
        """Return by lease the seconds for which each shard has run and that are not recorded."""
        return {lease: held.spent(running) for lease, held in self._held.items()}

    def is_charged(self, spent: Mapping[Lease, float]) -> bool:
        """Return whether owners were charged for at least about half of the spent seconds."""
        return all(spent[lease] <= max(_MARGIN_SECONDS, 2 * held.charged) for lease, held in self._held.items())

    def note_charged(self, spent: Mapping[Lease, float]) -> None:
        """Note that owners were charged for the spent seconds."""
        for lease, seconds in spent.items():
            if lease in self._held:
                self._held[lease].charged = seconds

    def make_room(self, running: Mapping[Lease, float]) -> None:
        """Spare the shards that run for longer than guessed while other owners wait, in the store or here, and those
        that have not begun if their owner is behind others in the store.
        """
        long = {lease: held for lease, held in self._held.items() if held.overruns(running)}
        if not long:
            return
        behind = self._store.outranked({held.shard.owner for held in long.values()})
        queued = {held.shard.owner for lease, held in self._held.items() if lease not in running}
        for lease, held in self._held.items():
            owner = held.shard.owner
            is_in_the_way = owner in behind or bool(queued - {owner}) if lease in long else owner in behind
            if is_in_the_way and not held.is_spared and (lease in long or lease not in running):
                held.is_spared = True
                self._executor.spare(lease)

    def failed_part(self, part: ResultSlice, error: Exception) -> ResultSlice:
        """Return the replacement of a part that the store refuses, in which every circuit has failed."""
        shard = self._held[part.lease].shard
        fault = Fault(FaultCode.INTERNAL, f"the store refuses the result ({len(part.results):,} bytes): {error}")
        results = [
            CircuitResult.failed(fault, shard.spec, position, shard.labels[position - shard.first])
            for position in range(part.first, part.first + part.size)
        ]
        return ResultSlice.of(part.lease, part.first, results, last=part.last)

    def recover(self, lost: Lost) -> bool:
        """Record the fault of a circuit whose worker died, or release the shard for another attempt; return whether a
        fault was recorded.

        A crash is recorded when it happens twice to one circuit that ran alone, a lack of memory or time at once. The
        fifth worker in a row that dies before any circuit began is taken for a fault of the first circuit.
        """
        held = self._held.get(lost.lease)
        if held is None:
            return False
        _log.warning("job %s: %s", lost.lease.job_id, lost.fault.message, extra={"fields": _log_fields(lost)})
        shard, suspect, spent = held.shard, lost.position, held.spent({lost.lease: lost.seconds})
        is_done = held.position == shard.first + len(shard.labels)
        is_first_crash = lost.fault.code is FaultCode.CRASH and suspect != shard.suspect
        is_recorded = False
        if suspect is None and (is_done or shard.tries < _MAX_TRIES):
            self._store.release(lost.lease, shard.suspect, shard.verdict, spent)
        elif suspect is None or (suspect == held.position and not is_first_crash):
            self._record_fault(held, lost.fault, spent)
            is_recorded = True
        else:
            self._store.release(lost.lease, suspect, None if is_first_crash else lost.fault, spent)
        self._held.pop(lost.lease, None)
        return is_recorded

    def _record_fault(self, held: _Held, fault: Fault, seconds: float) -> None:
        """Record that the next circuit has failed, and release the rest of the shard."""
        shard, offset = held.shard, held.position - held.shard.first
        result = CircuitResult.failed(fault, shard.spec, held.position, shard.labels[offset], seconds)
        last = offset + 1 == len(shard.labels)
        self._store.record([ResultSlice.of(shard.lease, held.position, [result], last=last)])
        if not last:
            self._store.release(shard.lease)


def _log_fields(lost: Lost) -> dict[str, object]:
    """Return the log fields of a worker that died."""
    return {
        "event": "worker-lost",
        "job": lost.lease.job_id,
        "shard": lost.lease.shard,
        "attempt": lost.lease.attempt,
        "position": lost.position,
        "fault": lost.fault.code.value,
        "reason": lost.fault.message,
    }
