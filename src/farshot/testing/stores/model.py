"""A model of a job store in plain Python, based on the tables of `farshot.states`."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from farshot.contract import JobStatus
from farshot.model import Lease
from farshot.states import JobEvent, ShardEvent, ShardStatus, final_status, job_after, jobs_before, shard_after
from farshot.testing.stores.values import LEASE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from farshot.model import Fault, Forecast, ResultSlice
    from farshot.testing.stores.values import ManualClock

MAX_ADVANCE = 10.0
"""The most seconds that a shard is charged when it is claimed, whatever its estimate."""


@dataclass
class ModelShard:
    """One shard. `lease` is the valid one, or None."""

    job_id: str
    number: int
    first: int
    size: int
    cost: float = 1.0
    charged: float = 0.0
    done: int = 0
    status: ShardStatus = ShardStatus.QUEUED
    attempt: int = 0
    lease: Lease | None = None
    until: float = 0.0
    boot: str = ""
    suspect: int | None = None
    verdict: Fault | None = None
    forecast: Forecast | None = None

    def move(self, event: ShardEvent) -> None:
        """Set the status that follows `event`, and remove the lease and the forecast."""
        self.status, self.lease, self.forecast = shard_after(self.status, event), None, None

    def is_open(self, clock: ManualClock) -> bool:
        """Return whether the shard can be claimed."""
        if self.status is ShardStatus.LEASED:
            return self.boot != clock.boot() or self.until < clock.now()
        return self.status is ShardStatus.QUEUED

    def prolong(self, clock: ManualClock) -> None:
        """Renew the lease from now on."""
        self.until, self.boot = clock.now() + LEASE_SECONDS, clock.boot()


@dataclass
class ModelJob:
    """One job and its shards."""

    id: str
    digest: bytes
    shards: list[ModelShard]
    owner: str = ""
    priority: int = 0
    key: str | None = None
    status: JobStatus = JobStatus.PENDING
    failed: int = 0
    timeout: float | None = None
    deadline: float = 0.0
    deadline_boot: str = ""
    expired: bool = False

    def start(self, clock: ManualClock) -> None:
        """Record that a shard was claimed. With the first one in a boot the timeout begins."""
        self.status = job_after(self.status, JobEvent.CLAIM)
        if self.timeout and self.deadline_boot != clock.boot():
            self.deadline, self.deadline_boot = clock.now() + self.timeout, clock.boot()

    def is_overdue(self, clock: ManualClock) -> bool:
        """Return whether the job is running and its timeout is over."""
        return self.status is JobStatus.RUNNING and self.deadline_boot == clock.boot() and self.deadline < clock.now()

    def stop(self, event: JobEvent) -> None:
        """End the job early, with its open shards."""
        self.status = job_after(self.status, event)
        for shard in self.shards:
            if shard.status in {ShardStatus.QUEUED, ShardStatus.LEASED}:
                shard.move(ShardEvent.CANCEL)

    @property
    def forecasts(self) -> tuple[Forecast, ...]:
        """The forecasts of the running circuits."""
        return tuple(shard.forecast for shard in self.shards if shard.forecast)

    @property
    def circuits(self) -> int:
        """The number of circuits."""
        return sum(shard.size for shard in self.shards)

    @property
    def done(self) -> int:
        """The number of circuits that have an outcome."""
        return sum(shard.done for shard in self.shards)


@dataclass
class ModelStore:
    """The jobs in the order in which they were added, and the turns of their owners."""

    clock: ManualClock
    jobs: dict[str, ModelJob] = field(default_factory=dict)
    deleted: dict[str, ModelJob] = field(default_factory=dict)
    turns: dict[str, float] = field(default_factory=dict)
    owed: dict[str, float] = field(default_factory=dict)
    """Seconds to charge, by owner, since the last `settle`."""
    served: float = 0.0

    def shards(self) -> Iterator[ModelShard]:
        """Yield every shard in the order in which it was added."""
        for job in self.jobs.values():
            yield from job.shards

    def keyed(self, owner: str, key: str | None) -> ModelJob | None:
        """Return the job that `owner` made with `key`."""
        return next((job for job in self.jobs.values() if key and (job.owner, job.key) == (owner, key)), None)

    def add(self, job: ModelJob) -> None:
        """Add a job."""
        self.jobs[job.id] = job

    def _in_turn(self, is_wanted: Callable[[ModelShard], bool]) -> Iterator[tuple[float, ModelShard]]:
        """Yield the wanted shards in the order in which they are claimed, each with its turn.

        The owner with the earliest turn is next, with its first shard of the highest priority. No turn is before the
        one that was served last.
        """
        queues: dict[str, list[ModelShard]] = {}
        for shard in self.shards():
            if is_wanted(shard):
                queues.setdefault(self.jobs[shard.job_id].owner, []).append(shard)
        for queue in queues.values():
            queue.sort(key=lambda shard: -self.jobs[shard.job_id].priority)
        ages = {id(shard): age for age, shard in enumerate(self.shards())}
        turns = {owner: max(self.turns.get(owner, 0.0), self.served) for owner in queues}
        while queues:
            owner = min(queues, key=lambda owner: (turns[owner], ages[id(queues[owner][0])]))
            shard = queues[owner].pop(0)
            yield turns[owner], shard
            turns[owner] += min(shard.cost, MAX_ADVANCE)
            if not queues[owner]:
                del queues[owner]

    def charge(self, shard: ModelShard, seconds: float) -> None:
        """Charge the owner of a shard with the next `settle`. Negative seconds refund a charge."""
        owner = self.jobs[shard.job_id].owner
        self.owed[owner] = self.owed.get(owner, 0.0) + seconds

    def settle(self) -> None:
        """Move the turns by the charges of one transaction, but not before the turn that was served last."""
        for owner, seconds in self.owed.items():
            if seconds:
                self.turns[owner] = max(self.turns.get(owner, 0.0) + seconds, self.served)
        self.owed.clear()

    def shard(self, lease: Lease) -> ModelShard:
        """Return the shard that `lease` names, also if its job is deleted."""
        return (self.jobs | self.deleted)[lease.job_id].shards[lease.shard]

    def held(self, lease: Lease) -> ModelShard | None:
        """Return the shard of a valid lease. One that ran out is valid until another takes over."""
        shard = self.shard(lease)
        return shard if shard.lease == lease and lease.job_id in self.jobs else None

    def ahead(self, job_id: str) -> int:
        """Return how many other jobs have waiting shards before the first one of this job."""
        waiting = [shard.job_id for _, shard in self._in_turn(lambda shard: shard.status is ShardStatus.QUEUED)]
        return len(set(waiting[: waiting.index(job_id)])) if job_id in waiting else 0

    def claim(self, holder: str, limit: int, excluded: Collection[str] = ()) -> list[ModelShard]:
        """Lease the first `limit` open shards, none of the owners `excluded`. Owners are charged the estimates."""

        def may_be_claimed(shard: ModelShard) -> bool:
            return shard.is_open(self.clock) and self.jobs[shard.job_id].owner not in excluded

        chosen = list(islice(self._in_turn(may_be_claimed), limit))
        for turn, shard in chosen:
            shard.charged = min(shard.cost, MAX_ADVANCE)
            self.turns[self.jobs[shard.job_id].owner] = turn + shard.charged
            self.served = turn
            self.jobs[shard.job_id].start(self.clock)
            shard.move(ShardEvent.CLAIM)
            shard.attempt += 1
            shard.lease = Lease(shard.job_id, shard.number, shard.attempt, holder)
            shard.prolong(self.clock)
        return [shard for _, shard in chosen]

    def renew(self, leases: list[Lease], seconds: dict[Lease, float], forecasts: dict[Lease, Forecast]) -> list[Lease]:
        """Prolong valid leases and charge the seconds beyond earlier charges; return the lost leases."""
        for lease in leases:
            if shard := self.held(lease):
                shard.prolong(self.clock)
                shard.forecast = forecasts.get(lease)
                self.charge(shard, max(0.0, seconds.get(lease, 0.0) - shard.charged))
                shard.charged = max(shard.charged, seconds.get(lease, 0.0))
        self.settle()
        return self.lost(leases)

    def lost(self, leases: list[Lease]) -> list[Lease]:
        """Return the leases that are not valid."""
        return [lease for lease in leases if self.held(lease) is None]

    def record(self, part: ResultSlice) -> bool:
        """Record a slice if it is in place and its lease is valid. Its charge is settled later."""
        shard = self.held(part.lease)
        if shard is None or part.first != shard.first + shard.done:
            return False
        left = shard.size - shard.done
        if part.size > left or (part.last and part.size < left):
            return False
        more = part.seconds - shard.charged
        self.charge(shard, more if part.last else max(0.0, more))
        shard.charged = max(0.0, -more)
        shard.done += part.size
        self.jobs[shard.job_id].failed += part.failed
        if part.last:
            shard.move(ShardEvent.FINISH)
        return True

    def end(self, job_id: str) -> None:
        """End a running job whose shards have all ended."""
        job = self.jobs.get(job_id)
        if job and job.status is JobStatus.RUNNING and all(shard.status is ShardStatus.DONE for shard in job.shards):
            job.status = final_status(job.failed)

    def release(self, lease: Lease, suspect: int | None, verdict: Fault | None, seconds: float) -> bool:
        """Give a shard back and charge the seconds spent on it."""
        shard = self.held(lease)
        if shard is None:
            return False
        self.charge(shard, seconds - shard.charged)
        self.settle()
        shard.move(ShardEvent.RELEASE)
        shard.suspect, shard.verdict = suspect, verdict
        return True

    def give_back(self, lease: Lease, seconds: float) -> bool:
        """Give a shard back that nothing went wrong with."""
        shard = self.held(lease)
        return shard is not None and self.release(lease, shard.suspect, shard.verdict, seconds)

    def revoke(self, holder: str) -> int:
        """Give back the shards of `holder`."""
        held = [shard for shard in self.shards() if shard.lease and shard.lease.holder == holder]
        for shard in held:
            shard.move(ShardEvent.RELEASE)
        return len(held)

    def cancel(self, job_id: str) -> int | None:
        """Cancel an open job; return the number of circuits that this stopped (None: it had ended)."""
        job = self.jobs[job_id]
        if job.status not in jobs_before(JobEvent.CANCEL):
            return None
        job.stop(JobEvent.CANCEL)
        return job.circuits - job.done

    def delete(self, job_id: str) -> None:
        """Delete a job, but remember the shards of its leases."""
        self.deleted[job_id] = self.jobs.pop(job_id)

    def expire(self) -> list[str]:
        """End the overdue jobs and return their ids."""
        overdue = [job for job in self.jobs.values() if job.is_overdue(self.clock)]
        for job in overdue:
            job.stop(JobEvent.EXPIRE)
            job.expired = True
        return [job.id for job in overdue]
