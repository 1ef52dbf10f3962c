"""Tests of the contract of a job store, by example."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from farshot.contract import JobStatus
from farshot.errors import FaultCode, KeyConflictError, UnknownJobError
from farshot.model import Counts, Fault, Forecast, JobFilter, JobRecord, ResultSlice
from farshot.testing.stores.following import FollowingSuite
from farshot.testing.stores.listing import DeletingSuite, ListingSuite
from farshot.testing.stores.turns import LimitSuite, TurnSuite
from farshot.testing.stores.values import LEASE_SECONDS, all_of, decode_results, finish, make_result, make_submission

if TYPE_CHECKING:
    from collections.abc import Iterable

    from farshot.model import CircuitResult
    from farshot.protocols import JobStore
    from farshot.testing.stores.values import ManualClock


def _results(store: JobStore, job: JobRecord) -> list[CircuitResult]:
    return [result for part in store.parts(job.id) for result in decode_results(part.results)]


class StoreSuite(ListingSuite, FollowingSuite, DeletingSuite, TurnSuite, LimitSuite):
    """Tests of the contract of a job store."""

    def test_an_added_job_is_there(self, store: JobStore) -> None:
        job = store.add(make_submission(tag="mine"))
        assert job.status is JobStatus.PENDING
        assert (job.circuits, job.done, job.failed, job.tag) == (4, 0, 0, "mine")
        assert store.job(job.id) == job
        assert store.jobs(JobFilter(tag="mine")) == [job]
        assert store.jobs(JobFilter(tag="other")) == []

    def test_labels_and_spec_are_kept(self, store: JobStore) -> None:
        submission = make_submission(circuits=5)
        job = store.add(submission)
        assert [label for labels in store.labels(job.id) for label in labels] == ["c0", "c1", "c2", "c3", "c4"]
        assert store.spec(job.id) == submission.batch.spec

    def test_circuits_are_read_from_any_position_on(self, store: JobStore) -> None:
        """Circuits are read shard by shard, from the shard that holds the position. An unknown job has none."""
        job = store.add(make_submission(circuits=5))
        found = list(store.circuits(job.id))
        assert [(piece.first, piece.labels) for piece in found] == [(0, ("c0", "c1")), (2, ("c2", "c3")), (4, ("c4",))]
        assert (found[1].sources, found[1].template) == ((b"text 2", b"text 3"), None)
        assert [piece.first for piece in store.circuits(job.id, 3)] == [2, 4]
        assert [piece.first for piece in store.circuits(job.id, 5)] == []
        assert list(store.circuits("nowhere")) == []

    def test_an_unknown_job_is_an_error(self, store: JobStore) -> None:
        for ask in (store.job, store.cancel, store.spec):
            with pytest.raises(UnknownJobError):
                ask("nowhere")

    def test_jobs_are_listed_newest_first(self, store: JobStore) -> None:
        """The limit keeps the newest."""
        added = [store.add(make_submission()).id for _ in range(3)]
        assert [job.id for job in store.jobs(limit=2)] == added[:0:-1]
        assert store.jobs(JobFilter(status=JobStatus.RUNNING)) == []

    def test_the_same_key_gives_the_same_job(self, store: JobStore) -> None:
        """Another body under the same key is a conflict and changes nothing."""
        job = store.add(make_submission(key="k"))
        assert store.add(make_submission(key="k")).id == job.id
        with pytest.raises(KeyConflictError, match=job.id):
            store.add(make_submission(circuits=3, key="k"))
        assert len(store.jobs()) == 1

    def test_racing_submissions_of_one_key_make_one_job(self, store: JobStore) -> None:
        with ThreadPoolExecutor(8) as pool:
            jobs = list(pool.map(store.add, [make_submission(key="k") for _ in range(8)]))
        assert len({job.id for job in jobs}) == 1

    def test_a_claim_leases_the_oldest_open_shards(self, store: JobStore) -> None:
        """Shards are claimed in order with their circuits, and only once."""
        first, second = store.add(make_submission()), store.add(make_submission())
        claimed = store.claim("me", 3)
        assert [(shard.lease.job_id, shard.lease.shard) for shard in claimed] == [
            (first.id, 0),
            (first.id, 1),
            (second.id, 0),
        ]
        assert (claimed[1].first, claimed[1].labels, claimed[1].sources) == (2, ("c2", "c3"), (b"text 2", b"text 3"))
        assert {shard.lease.attempt for shard in claimed} == {1}
        assert store.job(first.id).status is JobStatus.RUNNING
        assert len(store.claim("you", 10)) == 1
        assert store.claim("you", 10) == []

    def test_a_job_can_be_claimed_as_it_is_added(self, store: JobStore) -> None:
        """The claimed shards are next in turn, which may be those of another job."""
        _, claimed, (job,) = store.exchange([], "me", 1, submissions=[make_submission()])
        assert isinstance(job, JobRecord)
        assert (job.status, store.job(job.id)) == (JobStatus.RUNNING, job)
        assert [(shard.lease.job_id, shard.lease.shard, shard.labels) for shard in claimed] == [
            (job.id, 0, ("c0", "c1"))
        ]
        _, claimed, added = store.exchange([], "me", 1, submissions=[make_submission()])
        assert _statuses(added) == [JobStatus.PENDING]
        assert [(shard.lease.job_id, shard.lease.shard) for shard in claimed] == [(job.id, 1)]
        _, claimed, added = store.exchange([], "me", 0, submissions=[make_submission()])
        assert (_statuses(added), claimed) == ([JobStatus.PENDING], [])

    def test_a_submission_that_is_refused_costs_the_others_nothing(self, store: JobStore) -> None:
        """The other submissions are added, results recorded and shards claimed."""
        earlier = store.add(make_submission(key="k"))
        (shard,) = store.claim("me", 1)
        submissions = [make_submission(circuits=3, key="k"), make_submission(key="k"), make_submission(key="new")]
        recorded, claimed, added = store.exchange([all_of(shard)], "me", 9, submissions=submissions)
        conflict, found, new = added
        assert isinstance(conflict, KeyConflictError)
        assert earlier.id in str(conflict)
        assert isinstance(found, JobRecord)
        assert isinstance(new, JobRecord)
        assert found.id == earlier.id
        assert [done.accepted for done in recorded] == [True]
        assert [shard.lease.job_id for shard in claimed] == [earlier.id, new.id, new.id]
        assert [job.id for job in store.jobs()] == [new.id, earlier.id]

    def test_a_job_ends_with_its_last_shard(self, store: JobStore) -> None:
        job = store.add(make_submission())
        one, two = store.claim("me", 2)
        assert finish(store, one)
        assert store.job(job.id).status is JobStatus.RUNNING
        assert finish(store, two)
        ended = store.job(job.id)
        assert (ended.status, ended.done, ended.failed, ended.run_time) == (JobStatus.COMPLETED, 4, 0, 2.0)
        assert ended.finished_at is not None
        assert len(_results(store, job)) == 4

    def test_a_failed_circuit_fails_its_job_and_keeps_the_others(self, store: JobStore) -> None:
        job = store.add(make_submission(circuits=2))
        (shard,) = store.claim("me", 1)
        store.record([all_of(shard, make_result(Fault(FaultCode.PARSE, "no", 1, 2)), make_result())])
        assert (store.job(job.id).status, store.job(job.id).failed) == (JobStatus.FAILED, 1)
        assert [type(result.outcome) for result in _results(store, job)] == [Fault, Counts]

    def test_parts_of_a_shard_add_up(self, store: JobStore) -> None:
        """The next attempt does not repeat recorded circuits."""
        job = store.add(make_submission(circuits=4, shard=4))
        (shard,) = store.claim("me", 1)
        store.record([ResultSlice.of(shard.lease, 0, [make_result(), make_result()], last=False)])
        assert store.job(job.id).done == 2
        assert store.release(shard.lease, 2)
        (again,) = store.claim("you", 1)
        assert (again.first, again.labels, again.suspect, again.lease.attempt) == (2, ("c2", "c3"), 2, 2)
        assert finish(store, again)
        assert [(part.first, part.attempt) for part in store.parts(job.id)] == [(0, 1), (2, 2)]

    def test_what_ends_early_for_the_sake_of_others_was_no_attempt(self, store: JobStore) -> None:
        """The attempt number of the lease still grows; the suspect is kept."""
        job = store.add(make_submission(circuits=4, shard=4))
        for done in range(2):
            (shard,) = store.claim("me", 1)
            store.record([ResultSlice.of(shard.lease, done, [make_result()], last=False)])
            assert store.give_back(shard.lease)
            assert not store.give_back(shard.lease)
            assert not store.release(shard.lease)
        (shard,) = store.claim("me", 1)
        assert (shard.first, shard.tries, shard.lease.attempt) == (2, 1, 3)
        assert store.release(shard.lease, 2)
        (shard,) = store.claim("me", 1)
        assert (shard.suspect, shard.tries) == (2, 2)
        assert store.give_back(shard.lease)
        (shard,) = store.claim("me", 1)
        assert (shard.suspect, shard.tries) == (2, 2)
        assert finish(store, shard)
        assert [(part.first, part.attempt) for part in store.parts(job.id)] == [(0, 1), (1, 1), (2, 2)]

    def test_a_part_out_of_place_is_refused(self, store: JobStore) -> None:
        """Neither a gap, nor a repetition, nor an early end is recorded."""
        job = store.add(make_submission(circuits=4, shard=4))
        (shard,) = store.claim("me", 1)
        for first, count, last in ((1, 1, False), (0, 2, True)):
            (recorded,) = store.record([ResultSlice.of(shard.lease, first, [make_result()] * count, last=last)])
            assert not recorded.accepted
        part = ResultSlice.of(shard.lease, 0, [make_result()], last=False)
        assert [recorded.accepted for recorded in store.record([part, part])] == [True, False]
        assert store.job(job.id).done == 1

    def test_another_holder_or_attempt_records_nothing(self, store: JobStore) -> None:
        job = store.add(make_submission(circuits=2))
        (shard,) = store.claim("me", 1)
        for wrong in (replace(shard.lease, holder="you"), replace(shard.lease, attempt=2)):
            (recorded,) = store.record([ResultSlice.of(wrong, 0, [make_result()] * 2, last=True)])
            assert not recorded.accepted
            assert not store.release(wrong, None)
        assert store.job(job.id).done == 0
        assert finish(store, shard)
        assert not finish(store, shard)
        assert store.job(job.id).done == 2

    def test_a_lapsed_lease_is_taken_over(self, store: JobStore, clock: ManualClock) -> None:
        """The next attempt has another number, and the old lease changes nothing."""
        job = store.add(make_submission(circuits=2))
        (stale,) = store.claim("me", 1)
        clock.advance(LEASE_SECONDS - 1)
        assert store.claim("you", 1) == []
        clock.advance(2)
        (fresh,) = store.claim("you", 1)
        assert fresh.lease.attempt == 2
        assert store.lost([stale.lease, fresh.lease]) == [stale.lease]
        assert not finish(store, stale)
        assert not store.release(stale.lease, None)
        assert finish(store, fresh)
        assert store.job(job.id).status is JobStatus.COMPLETED

    def test_an_exchange_claims_in_place_of_what_it_ends(self, store: JobStore, clock: ManualClock) -> None:
        """A shard whose lease has run out stays open until its outcomes arrive; then the next shard is claimed."""
        jobs = [store.add(make_submission(circuits=1, shard=1)) for _ in range(2)]
        (held,) = store.claim("me", 1)
        clock.advance(LEASE_SECONDS + 1)
        recorded, claimed, _ = store.exchange([all_of(held)], "me", 1)
        assert [done.ended for done in recorded] == [True]
        assert [shard.lease.job_id for shard in claimed] == [jobs[1].id]

    def test_a_renewed_lease_holds(self, store: JobStore, clock: ManualClock) -> None:
        """Renewing moves the end of the lease and returns lost leases."""
        store.add(make_submission())
        kept, left = store.claim("me", 2)
        clock.advance(LEASE_SECONDS - 1)
        assert store.renew([kept.lease]) == []
        clock.advance(2)
        (taken,) = store.claim("you", 2)
        assert taken.lease.shard == left.lease.shard
        assert store.renew([kept.lease, left.lease]) == [left.lease]
        assert finish(store, kept)

    def test_how_circuits_are_run_is_known_while_they_are(self, store: JobStore, clock: ManualClock) -> None:
        """The last renewal of a valid lease counts. A new attempt and the end of the shard remove the forecast."""
        job, other = store.add(make_submission()), store.add(make_submission())
        one, two = store.claim("me", 2)
        assert store.effort(job.id).forecasts == ()
        dense, unknown = Forecast("prism", "statevector", 660.0), Forecast("aer")
        store.renew([one.lease, two.lease], {}, {one.lease: unknown})
        store.renew([one.lease, two.lease], {}, {one.lease: dense, two.lease: unknown})
        assert store.effort(job.id).forecasts == (dense, unknown)
        assert store.effort(other.id).forecasts == ()
        finish(store, two)
        assert store.effort(job.id).forecasts == (dense,)
        clock.advance(LEASE_SECONDS + 1)
        (again,) = (shard for shard in store.claim("you", 9) if shard.lease.job_id == job.id)
        assert store.renew([one.lease], {}, {one.lease: dense}) == [one.lease]
        assert store.effort(job.id).forecasts == ()
        store.renew([again.lease], {}, {again.lease: unknown})
        store.give_back(again.lease)
        assert store.effort(job.id).forecasts == ()

    def test_leases_of_an_earlier_boot_are_void(self, store: JobStore, clock: ManualClock) -> None:
        """Monotonic time starts anew with a boot, so times of two boots are not compared."""
        store.add(make_submission(circuits=2))
        store.claim("me", 1)
        clock.reboot()
        assert len(store.claim("you", 1)) == 1

    def test_leases_of_a_dead_holder_can_be_revoked(self, store: JobStore) -> None:
        """The shards of this holder are open again; its late outcomes change nothing."""
        store.add(make_submission())
        (dead,), (alive,) = store.claim("dead", 1), store.claim("alive", 1)
        assert sorted(store.holders()) == ["alive", "dead"]
        assert store.revoke("dead") == 1
        assert store.holders() == ["alive"]
        assert not finish(store, dead)
        assert finish(store, alive)
        (again,) = store.claim("you", 2)
        assert (again.lease.shard, again.lease.attempt) == (dead.lease.shard, 2)

    def test_cancel_ends_an_open_job(self, store: JobStore) -> None:
        """Recorded results stay; running shards record nothing more."""
        job = store.add(make_submission())
        done, running = store.claim("me", 2)
        finish(store, done)
        cancelled, stopped = store.cancel(job.id)
        assert (cancelled.status, cancelled.cancel_requested, stopped) == (JobStatus.CANCELLED, True, 2)
        assert store.lost([running.lease]) == [running.lease]
        assert not finish(store, running)
        assert store.claim("you", 9) == []
        assert (store.job(job.id).status, store.job(job.id).done) == (JobStatus.CANCELLED, 2)
        assert len(_results(store, job)) == 2

    def test_the_backlog_is_what_is_not_done(self, store: JobStore) -> None:
        assert store.backlog() == []
        store.add(make_submission(circuits=3))
        running = store.add(make_submission(circuits=5))
        (shard, *rest) = [shard for shard in store.claim("me", 9) if shard.lease.job_id == running.id]
        finish(store, shard)
        store.add(make_submission(circuits=7))
        store.cancel(store.add(make_submission()).id)
        found = {(item.status, item.target): (item.jobs, item.circuits) for item in store.backlog()}
        assert found == {(JobStatus.RUNNING, "auto"): (2, 6), (JobStatus.PENDING, "auto"): (1, 7)}
        for left in rest:
            finish(store, left)
        found = {(item.status, item.target): (item.jobs, item.circuits) for item in store.backlog()}
        assert found == {(JobStatus.RUNNING, "auto"): (1, 3), (JobStatus.PENDING, "auto"): (1, 7)}

    def test_cancel_of_an_ended_job_changes_nothing(self, store: JobStore) -> None:
        job = store.add(make_submission(circuits=2))
        finish(store, store.claim("me", 1)[0])
        assert store.cancel(job.id) == (store.job(job.id), None)
        pending = store.add(make_submission())
        assert store.cancel(pending.id)[1] == 4
        assert store.cancel(pending.id)[1] is None
        assert store.job(job.id).status is JobStatus.COMPLETED

    def test_a_job_out_of_time_fails_with_what_it_has(self, store: JobStore, clock: ManualClock) -> None:
        """The time begins with the first claim. The fault gives the timeout, and nothing more is recorded."""
        job = store.add(make_submission(timeout=60.0))
        clock.advance(100)
        done, running = store.claim("me", 2)
        finish(store, done)
        clock.advance(59)
        assert store.expire() == []
        clock.advance(2)
        assert store.expire() == [job.id]
        assert store.expire() == []
        ended = store.job(job.id)
        assert (ended.status, ended.done, ended.cancel_requested) == (JobStatus.FAILED, 2, False)
        assert ended.fault is not None
        assert (ended.fault.code, "60 s" in ended.fault.message) == (FaultCode.TIMEOUT, True)
        assert not finish(store, running)
        assert store.claim("you", 9) == []
        assert store.cancel(job.id) == (ended, None)

    def test_time_is_counted_anew_after_a_boot(self, store: JobStore, clock: ManualClock) -> None:
        """The deadline of an earlier boot is void; the next claim sets a new one."""
        job = store.add(make_submission(timeout=60.0))
        store.claim("me", 1)
        clock.advance(61)
        clock.reboot()
        assert store.expire() == []
        assert len(store.claim("you", 2)) == 2
        clock.advance(61)
        assert store.expire() == [job.id]


def _statuses(added: Iterable[JobRecord | Exception]) -> list[JobStatus]:
    return [job.status for job in added if isinstance(job, JobRecord)]
