"""What a store must hold, in plain Python over the tables of `farshot.states`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from farshot.contract import JobStatus
from farshot.model import Lease
from farshot.states import JobEvent, ShardEvent, ShardStatus, final_status, job_after, jobs_before, shard_after
from farshot.testing.stores.values import LEASE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farshot.model import Fault, Part
    from farshot.testing.stores.values import ManualClock

__all__ = ["ModelJob", "ModelShard", "ModelStore"]


@dataclass
class ModelShard:
    """One shard; `lease` is the one that holds, or None."""

    job_id: str
    number: int
    first: int
    size: int
    cost: float = 1.0
    turn: float = 0.0
    done: int = 0
    status: ShardStatus = ShardStatus.QUEUED
    attempt: int = 0
    lease: Lease | None = None
    until: float = 0.0
    boot: str = ""
    suspect: int | None = None
    verdict: Fault | None = None

    def move(self, event: ShardEvent) -> None:
        """Go where the table says; only a claim gives a lease."""
        self.status, self.lease = shard_after(self.status, event), None

    def is_open(self, clock: ManualClock) -> bool:
        """Whether it may be claimed."""
        if self.status is ShardStatus.LEASED:
            return self.boot != clock.boot() or self.until < clock.now()
        return self.status is ShardStatus.QUEUED

    def prolong(self, clock: ManualClock) -> None:
        """Let the lease last from now on."""
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
        """Note that a shard of it was claimed; the first time in a boot its time begins."""
        self.status = job_after(self.status, JobEvent.CLAIM)
        if self.timeout and self.deadline_boot != clock.boot():
            self.deadline, self.deadline_boot = clock.now() + self.timeout, clock.boot()

    def is_overdue(self, clock: ManualClock) -> bool:
        """Whether it runs and its time is over."""
        return self.status is JobStatus.RUNNING and self.deadline_boot == clock.boot() and self.deadline < clock.now()

    def stop(self, event: JobEvent) -> None:
        """End it early, with its open shards."""
        self.status = job_after(self.status, event)
        for shard in self.shards:
            if shard.status in {ShardStatus.QUEUED, ShardStatus.LEASED}:
                shard.move(ShardEvent.CANCEL)

    @property
    def circuits(self) -> int:
        """How many circuits it has."""
        return sum(shard.size for shard in self.shards)

    @property
    def done(self) -> int:
        """How many of them have an outcome."""
        return sum(shard.done for shard in self.shards)


@dataclass
class ModelStore:
    """Every job in the order it came, and the keys that were used."""

    clock: ManualClock
    jobs: dict[str, ModelJob] = field(default_factory=dict)
    deleted: dict[str, ModelJob] = field(default_factory=dict)
    served: float = 0.0

    def shards(self) -> Iterator[ModelShard]:
        """Yield every shard in the order in which it came."""
        for job in self.jobs.values():
            yield from job.shards

    def keyed(self, owner: str, key: str | None) -> ModelJob | None:
        """Return the job that `owner` made with `key`."""
        return next((job for job in self.jobs.values() if key and (job.owner, job.key) == (owner, key)), None)

    def add(self, job: ModelJob) -> None:
        """Line up the shards of a new job: one after the other behind the owner's waiting ones of no lower priority.

        Those of lower priority follow. Nobody begins before what was served last, but who waits keeps its place.
        """
        waiting = [shard for shard in self._in_turn(job.owner) if shard.status is ShardStatus.QUEUED]
        before = [shard.turn for shard in waiting if self.jobs[shard.job_id].priority >= job.priority]
        behind = [shard for shard in waiting if self.jobs[shard.job_id].priority < job.priority]
        turn = max(behind[0].turn, self.served) - behind[0].cost if behind else self.served
        turn = max([turn, *before])
        for shard in [*job.shards, *behind]:
            turn += shard.cost
            shard.turn = turn
        self.jobs[job.id] = job

    def _in_turn(self, owner: str | None = None) -> list[ModelShard]:
        """Return the shards of `owner`, or of all, in the order in which they are to be claimed."""
        found = [shard for shard in self.shards() if owner in {None, self.jobs[shard.job_id].owner}]
        return sorted(found, key=lambda shard: shard.turn)

    def shard(self, lease: Lease) -> ModelShard:
        """Return the shard that `lease` names, also where it is deleted."""
        return (self.jobs | self.deleted)[lease.job_id].shards[lease.shard]

    def held(self, lease: Lease) -> ModelShard | None:
        """Return the shard that `lease` holds, if it does. One that ran out holds until another takes over."""
        shard = self.shard(lease)
        return shard if shard.lease == lease and lease.job_id in self.jobs else None

    def ahead(self, job_id: str) -> int:
        """Return how many other jobs have shards that wait before the first of this one."""
        waiting = [shard.job_id for shard in self._in_turn() if shard.status is ShardStatus.QUEUED]
        return len(set(waiting[: waiting.index(job_id)])) if job_id in waiting else 0

    def claim(self, holder: str, limit: int) -> list[ModelShard]:
        """Lease the first `limit` open shards."""
        claimed = [shard for shard in self._in_turn() if shard.is_open(self.clock)][:limit]
        for shard in claimed:
            self.served = max(self.served, shard.turn)
            self.jobs[shard.job_id].start(self.clock)
            shard.move(ShardEvent.CLAIM)
            shard.attempt += 1
            shard.lease = Lease(shard.job_id, shard.number, shard.attempt, holder)
            shard.prolong(self.clock)
        return claimed

    def renew(self, leases: list[Lease]) -> list[Lease]:
        """Prolong what holds; return the others."""
        for lease in leases:
            if shard := self.held(lease):
                shard.prolong(self.clock)
        return self.lost(leases)

    def lost(self, leases: list[Lease]) -> list[Lease]:
        """Return the leases that do not hold."""
        return [lease for lease in leases if self.held(lease) is None]

    def record(self, part: Part) -> bool:
        """Take a part that is in its place and under its lease."""
        shard = self.held(part.lease)
        if shard is None or part.first != shard.first + shard.done:
            return False
        left = shard.size - shard.done
        if part.size > left or (part.last and part.size < left):
            return False
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

    def release(self, lease: Lease, suspect: int | None, verdict: Fault | None) -> bool:
        """Give a shard back."""
        shard = self.held(lease)
        if shard is None:
            return False
        shard.move(ShardEvent.RELEASE)
        shard.suspect, shard.verdict = suspect, verdict
        return True

    def revoke(self, holder: str) -> int:
        """Give back what `holder` holds."""
        held = [shard for shard in self.shards() if shard.lease and shard.lease.holder == holder]
        for shard in held:
            shard.move(ShardEvent.RELEASE)
        return len(held)

    def cancel(self, job_id: str) -> int | None:
        """Cancel an open job; return how many circuits that stopped, None where it had ended."""
        job = self.jobs[job_id]
        if job.status not in jobs_before(JobEvent.CANCEL):
            return None
        job.stop(JobEvent.CANCEL)
        return job.circuits - job.done

    def delete(self, job_id: str) -> None:
        """Take a job away; what its leases named is remembered."""
        self.deleted[job_id] = self.jobs.pop(job_id)

    def expire(self) -> list[str]:
        """End what is overdue."""
        overdue = [job for job in self.jobs.values() if job.is_overdue(self.clock)]
        for job in overdue:
            job.stop(JobEvent.EXPIRE)
            job.expired = True
        return [job.id for job in overdue]
