"""`StoreMachine` drives a store and the model at random and compares them after every step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from farshot.contract import JobStatus
from farshot.errors import FaultCode, KeyConflictError
from farshot.model import Fault, Forecast, JobFilter, JobRecord, Lease, ResultSlice
from farshot.testing.stores.following import Follower
from farshot.testing.stores.model import ModelJob, ModelShard, ModelStore
from farshot.testing.stores.values import (
    LEASE_SECONDS,
    ManualClock,
    decode_results,
    ids_of,
    make_result,
    make_submission,
)

if TYPE_CHECKING:
    from farshot.model import Shard
    from farshot.protocols import Clock, JobStore
    from farshot.submission import Submission

_FAULT = Fault(FaultCode.CRASH, "it died", 1, 2)
_HOLDERS = st.sampled_from(["ann", "bob", "cyd"])
_OWNERS = st.sampled_from(["", "ada", "eve"])
_EXCLUDED = st.frozensets(_OWNERS, max_size=2)
_FEW = st.integers(1, 4)
_PICK = st.integers(0, 10_000)
_SPENT = st.sampled_from([0.0, 0.25, 2.0, 16.0])
_FORECAST = st.sampled_from([None, Forecast("aer", "statevector", 8.0)])
_MOVES = st.sampled_from([1.0, LEASE_SECONDS / 2, LEASE_SECONDS - 0.5, LEASE_SECONDS + 0.5])


class StoreMachine(RuleBasedStateMachine):
    """A Hypothesis state machine for any job store. The package describes how to subclass it."""

    steps: ClassVar[int] = 0
    """The number of comparisons so far."""

    def make_empty(self) -> None:
        """Delete everything that an earlier run stored."""
        raise NotImplementedError

    def open_store(self, clock: Clock) -> JobStore:
        """Open the store, whose leases last LEASE_SECONDS by `clock`."""
        raise NotImplementedError

    @initialize()
    def begin(self) -> None:
        """Start with an empty store."""
        self.clock = ManualClock()
        self.make_empty()
        self.store = self.open_store(self.clock)
        self.model = ModelStore(self.clock)
        self.leases: list[Lease] = []
        self.ended: dict[str, JobRecord] = {}
        self.followers = [Follower(None), Follower(None), Follower("ada")]

    def teardown(self) -> None:
        """Compare all recorded results, then close the store."""
        if hasattr(self, "store"):
            for job in self.model.jobs.values():
                self._compare_results(job)
            for follower in self.followers:
                follower.catch_up(self.store)
                follower.compare(self.store.jobs(JobFilter(owner=follower.owner), limit=1000))
            self.store.close()

    @rule(
        circuits=_FEW,
        shard=st.integers(1, 3),
        owner=_OWNERS,
        priority=st.sampled_from([0, 0, 0, 1, 2]),
        cost=st.sampled_from([0.5, 1.0, 4.0, 64.0]),
        key=st.sampled_from([None, None, "k", "l"]),
        timeout=st.sampled_from([None, None, LEASE_SECONDS]),
    )
    def submit(self, circuits: int, shard: int, key: str | None, timeout: float | None, **of_job: Any) -> None:  # noqa: ANN401 -- as make_submission
        """Add a job. A key used before finds its job or is a conflict."""
        submission = make_submission(circuits, shard, key, timeout=timeout, **of_job)
        earlier = self.model.keyed(submission.owner, key)
        if earlier and earlier.digest != submission.batch.digest:
            with pytest.raises(KeyConflictError):
                self.store.add(submission)
            return
        added = self.store.add(submission)
        if earlier:
            assert added.id == earlier.id
            return
        assert added.id not in self.model.jobs
        self.model.add(_model_of(added.id, submission, key))

    @rule(circuits=_FEW, shard=st.integers(1, 3), owner=_OWNERS, holder=_HOLDERS, limit=st.integers(0, 3))
    def submit_and_claim(self, circuits: int, shard: int, owner: str, holder: str, limit: int) -> None:
        """Add a job and claim at once, shards of this job or of others."""
        submission = make_submission(circuits, shard, None, owner=owner)
        _, claimed, (added,) = self.store.exchange([], holder, limit, submissions=[submission])
        assert isinstance(added, JobRecord)
        self.model.add(_model_of(added.id, submission, None))
        self._compare_claim(claimed, self.model.claim(holder, limit))
        self._compare_job(added)

    @rule(holder=_HOLDERS, limit=_FEW, excluded=_EXCLUDED)
    def claim(self, holder: str, limit: int, excluded: frozenset[str]) -> None:
        self._compare_claim(self.store.claim(holder, limit, excluded), self.model.claim(holder, limit, excluded))

    @rule(seconds=_MOVES)
    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule()
    def reboot(self) -> None:
        """Reboot, which voids every lease and deadline."""
        self.clock.reboot()

    @rule()
    def crash(self) -> None:
        """Close the store and open it again, as another process does after a crash."""
        self.store.close()
        self.store = self.open_store(self.clock)

    @precondition(lambda self: self.leases)
    @rule(pick=_PICK)
    def finish(self, pick: int) -> None:
        """Complete a shard under its lease, which may have run out."""
        lease = self._lease(pick)
        shard = self.model.shard(lease)
        self._record([self._part(lease, 0, shard.size - shard.done, 0, last=True)])

    @precondition(lambda self: self.leases)
    @rule(data=st.data(), count=st.integers(1, 3))
    def record(self, data: st.DataObject, count: int) -> None:
        """Record slices of any leases, in place or not, in one transaction."""
        self._record([self._any_part(data) for _ in range(count)])

    @precondition(lambda self: self.leases)
    @rule(data=st.data(), holder=_HOLDERS, limit=st.integers(0, 3))
    def exchange(self, data: st.DataObject, holder: str, limit: int) -> None:
        part = self._any_part(data)
        recorded, claimed, _ = self.store.exchange([part], holder, limit)
        assert [answer.accepted for answer in recorded] == self._expected([part])
        self._compare_claim(claimed, self.model.claim(holder, limit))

    @precondition(lambda self: self.leases)
    @rule(picks=st.lists(_PICK, min_size=1, max_size=3), spent=_SPENT, forecast=_FORECAST)
    def renew(self, picks: list[int], spent: float, forecast: Forecast | None) -> None:
        """Prolong leases and compare the lost ones and the forecasts."""
        leases = list(dict.fromkeys(self._lease(pick) for pick in picks))
        seconds = dict.fromkeys(leases, spent)
        forecasts = dict.fromkeys(leases, forecast) if forecast else {}
        assert self.store.renew(leases, seconds, forecasts) == self.model.renew(leases, seconds, forecasts)
        self._compare_forecasts(leases)

    @precondition(lambda self: self.leases)
    @rule(pick=_PICK, blamed=st.sampled_from(["nobody", "suspect", "verdict"]), spent=_SPENT)
    def release(self, pick: int, blamed: str, spent: float) -> None:
        """Give a shard back, perhaps with a suspect and a verdict."""
        lease = self._lease(pick)
        suspect = None if blamed == "nobody" else self.model.shard(lease).first
        verdict = _FAULT if blamed == "verdict" else None
        expected = self.model.release(lease, suspect, verdict, spent)
        assert self.store.release(lease, suspect, verdict, spent) == expected

    @precondition(lambda self: self.leases)
    @rule(pick=_PICK, spent=_SPENT)
    def give_back(self, pick: int, spent: float) -> None:
        """Give a shard back that nothing went wrong with, which keeps its suspect."""
        lease = self._lease(pick)
        assert self.store.give_back(lease, spent) == self.model.give_back(lease, spent)

    @rule(holder=_HOLDERS)
    def revoke(self, holder: str) -> None:
        assert self.store.revoke(holder) == self.model.revoke(holder)

    @precondition(lambda self: self.model.jobs)
    @rule(pick=_PICK)
    def cancel(self, pick: int) -> None:
        job_id = self._job(pick)
        record, stopped = self.store.cancel(job_id)
        assert stopped == self.model.cancel(job_id)
        self._compare_job(record)

    @precondition(lambda self: len(self.model.jobs) > 2)
    @rule(pick=_PICK)
    def delete(self, pick: int) -> None:
        job_id = self._job(pick)
        self.store.delete(job_id)
        self.model.delete(job_id)
        assert list(self.store.parts(job_id)) == []

    @precondition(lambda self: self.model.jobs)
    @rule(pick=_PICK)
    def ahead(self, pick: int) -> None:
        job_id = self._job(pick)
        assert self.store.ahead(job_id) == self.model.ahead(job_id)

    @rule(which=st.integers(1, 2), limit=_FEW)
    def follow(self, which: int, limit: int) -> None:
        self.followers[which].read(self.store, limit)

    @rule()
    def expire(self) -> None:
        assert sorted(self.store.expire()) == sorted(self.model.expire())

    @invariant()
    def agree(self) -> None:
        """Compare the state of every job with the model, and ended jobs with their first final state."""
        type(self).steps += 1
        records = self.store.jobs(limit=1000)
        assert ids_of(records) == list(self.model.jobs)[::-1]
        self.followers[0].read(self.store, 100)
        self.followers[0].compare(records)
        for record in records:
            self._compare_job(record)
        holders = {shard.lease.holder for shard in self.model.shards() if shard.lease}
        assert sorted(self.store.holders()) == sorted(holders)
        assert self.store.lost(self.leases[-8:]) == self.model.lost(self.leases[-8:])

    def _compare_job(self, record: JobRecord) -> None:
        job = self.model.jobs[record.id]
        assert (record.owner, record.priority) == (job.owner, job.priority)
        assert (record.status, record.circuits, record.done, record.failed) == (
            job.status,
            job.circuits,
            job.done,
            job.failed,
        )
        assert (record.fault is not None) == job.expired
        assert record.cancel_requested == (job.status is JobStatus.CANCELLED)
        assert (record.finished_at is not None) == record.status.is_terminal
        if record.status.is_terminal and self.ended.setdefault(record.id, record) is record:
            self._compare_results(job)
        assert self.ended.get(record.id, record) == record

    def _compare_results(self, job: ModelJob) -> None:
        found: list[int] = []
        failed = 0
        for part in self.store.parts(job.id):
            results = decode_results(part.results)
            found += range(part.first, part.first + len(results))
            failed += sum(isinstance(result.outcome, Fault) for result in results)
        expected = [shard.first + position for shard in job.shards for position in range(shard.done)]
        assert (found, failed) == (expected, job.failed)

    def _compare_claim(self, claimed: list[Shard], expected: list[ModelShard]) -> None:
        assert [shard.lease for shard in claimed] == [shard.lease for shard in expected]
        for shard, wanted in zip(claimed, expected, strict=True):
            first, end = wanted.first + wanted.done, wanted.first + wanted.size
            assert (shard.first, shard.labels) == (first, tuple(f"c{number}" for number in range(first, end)))
            assert (shard.suspect, shard.verdict) == (wanted.suspect, wanted.verdict)
        self.leases += [shard.lease for shard in claimed]
        self._compare_forecasts([shard.lease for shard in claimed])

    def _compare_forecasts(self, leases: list[Lease]) -> None:
        for job_id in self.model.jobs.keys() & {lease.job_id for lease in leases}:
            assert self.store.effort(job_id).forecasts == self.model.jobs[job_id].forecasts

    def _record(self, parts: list[ResultSlice]) -> None:
        recorded = self.store.record(parts)
        assert [answer.accepted for answer in recorded] == self._expected(parts)
        for job_id in self.model.jobs.keys() & {part.lease.job_id for part in parts}:
            self._compare_results(self.model.jobs[job_id])

    def _expected(self, parts: list[ResultSlice]) -> list[bool]:
        accepted = [self.model.record(part) for part in parts]
        self.model.settle()
        for part in parts:
            if part.last:
                self.model.end(part.lease.job_id)
        return accepted

    def _job(self, pick: int) -> str:
        return list(self.model.jobs)[pick % len(self.model.jobs)]

    def _lease(self, pick: int) -> Lease:
        """Return one of all leases so far, more often a recent one."""
        return self.leases[-1 - pick % min(len(self.leases), 6)] if pick % 4 else self.leases[pick % len(self.leases)]

    def _any_part(self, data: st.DataObject) -> ResultSlice:
        lease = self._lease(data.draw(_PICK))
        if data.draw(st.integers(0, 5)) == 0:
            lease = Lease(lease.job_id, lease.shard, lease.attempt + 1, lease.holder)
        size = data.draw(st.integers(0, 3))
        faults = data.draw(st.integers(0, size))
        return self._part(
            lease, data.draw(st.sampled_from([0, 0, 0, 0, 1, -1])), size, faults, last=data.draw(st.booleans())
        )

    def _part(self, lease: Lease, offset: int, size: int, faults: int, *, last: bool) -> ResultSlice:
        """Return a slice that is `offset` positions out of place."""
        shard = self.model.shard(lease)
        results = [make_result(_FAULT if number < faults else None) for number in range(size)]
        return ResultSlice.of(lease, shard.first + shard.done + offset, results, last=last)


def _model_of(job_id: str, submission: Submission, key: str | None) -> ModelJob:
    shards = [
        ModelShard(job_id, number, cut.start, cut.end - cut.start, cut.cost)
        for number, cut in enumerate(submission.shards)
    ]
    return ModelJob(
        job_id,
        submission.batch.digest,
        shards,
        owner=submission.owner,
        priority=submission.priority,
        key=key,
        timeout=submission.batch.spec.timeout,
    )
