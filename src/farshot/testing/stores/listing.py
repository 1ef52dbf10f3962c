"""Tests of lists of jobs, of usage, of reading results and of deleting."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from farshot.contract import JobStatus
from farshot.errors import UnknownJobError
from farshot.model import Counts, JobFilter, ResultSlice
from farshot.testing.stores.values import all_of, decode_results, finish, ids_of, make_result, make_submission

if TYPE_CHECKING:
    from farshot.protocols import JobStore


class ListingSuite:
    """Tests of lists, usage and results."""

    def test_filters_are_combined(self, store: JobStore) -> None:
        ours = store.add(make_submission(owner="ada", tag="t"))
        other = store.add(make_submission(owner="bob", tag="t"))
        ended = store.add(make_submission(owner="ada"))
        store.cancel(ended.id)
        for wanted, found in (
            (JobFilter(owner="ada"), [ended.id, ours.id]),
            (JobFilter(tag="t"), [other.id, ours.id]),
            (JobFilter(owner="ada", tag="t"), [ours.id]),
            (JobFilter(owner="ada", status=JobStatus.CANCELLED), [ended.id]),
            (JobFilter(owner="cyd"), []),
        ):
            assert ids_of(store.jobs(wanted)) == found

    def test_times_bound_a_list(self, store: JobStore) -> None:
        """`since` is inclusive, `until` is not."""
        for job in [store.add(make_submission()) for _ in range(8)]:
            later = job.created_at + timedelta(microseconds=1)
            assert job.id in ids_of(store.jobs(JobFilter(since=job.created_at, until=later)))
            assert job.id not in ids_of(store.jobs(JobFilter(since=later)))
            assert job.id not in ids_of(store.jobs(JobFilter(until=job.created_at)))

    def test_pages_are_stable_while_jobs_come_and_go(self, store: JobStore) -> None:
        """Every job that stays is on one page, even if jobs are added or deleted between two pages."""
        added = ids_of([store.add(make_submission()) for _ in range(7)])
        seen: list[str] = []
        while page := store.jobs(JobFilter(before=store.job(seen[-1]).seq if seen else None), limit=2):
            seen += ids_of(page)
            store.add(make_submission())
            if len(seen) == 2:
                store.delete(added[3])
        assert seen == [job_id for job_id in reversed(added) if job_id != added[3]]

    def test_a_key_is_found_with_its_owner(self, store: JobStore) -> None:
        """Two owners may use one key for two jobs."""
        ours, other = (store.add(make_submission(key="k", owner=owner)) for owner in ("ada", "bob"))
        assert ours.id != other.id
        assert store.keyed("ada", "k") == ours
        assert store.keyed("bob", "k") == other
        assert store.keyed("cyd", "k") is None
        assert store.keyed("ada", "l") is None

    def test_usage_counts_what_is_open_running_and_stored(self, store: JobStore) -> None:
        """Shots stay counted after a job has ended; circuits and shards do not."""
        job = store.add(make_submission(owner="ada"))
        store.add(make_submission(owner="bob"))
        before = store.usage("ada")
        assert (before.queued_circuits, before.running_shards, before.shots_per_day) == (4, 0, 40)
        assert before.stored_bytes > 0
        shards = [shard for shard in store.claim("me", 9) if shard.lease.job_id == job.id]
        finish(store, shards[0])
        during = store.usage("ada")
        assert (during.queued_circuits, during.running_shards, during.shots_per_day) == (2, 1, 40)
        assert during.stored_bytes > before.stored_bytes
        finish(store, shards[1])
        after = store.usage("ada")
        assert store.usages()["ada"] == after
        assert (after.queued_circuits, after.running_shards, after.shots_per_day) == (0, 0, 40)
        store.delete(job.id)
        assert store.usage("ada").stored_bytes == 0

    def test_a_job_says_when_it_started(self, store: JobStore) -> None:
        """A job starts with its first claim."""
        job = store.add(make_submission())
        assert job.started_at is None
        store.claim("me", 1)
        started = store.job(job.id).started_at
        assert started is not None
        store.claim("me", 1)
        assert store.job(job.id).started_at == started

    def test_results_are_read_by_place_and_by_time(self, store: JobStore) -> None:
        """Each part has its labels; reading in order of time continues after a given part."""
        job = store.add(make_submission(circuits=5, shard=3))
        first, second = store.claim("me", 2)
        store.record([ResultSlice.of(second.lease, 3, [make_result()], last=False)])
        store.record([all_of(first)])
        (early, late) = store.recorded(job.id)
        assert [(part.first, part.labels) for part in (early, late)] == [(3, ("c3",)), (0, ("c0", "c1", "c2"))]
        assert list(store.recorded(job.id, early.seq)) == [late]
        store.record([ResultSlice.of(second.lease, 4, [make_result()], last=True)])
        (last,) = store.recorded(job.id, late.seq)
        assert (last.first, last.labels, len(decode_results(last.results))) == (4, ("c4",), 1)
        assert [part.labels for part in store.parts(job.id)] == [("c0", "c1", "c2"), ("c3",), ("c4",)]
        assert sorted(part.seq for part in store.parts(job.id)) == [early.seq, late.seq, last.seq]

    def test_many_results_are_read_in_order(self, store: JobStore) -> None:
        """The results fill several pages."""
        job = store.add(make_submission(circuits=150, shard=1))
        shards = store.claim("me", 150)
        finish(store, *reversed(shards))
        assert [part.first for part in store.parts(job.id)] == list(range(150))
        assert [part.first for part in store.recorded(job.id)] == list(range(149, -1, -1))
        assert [part.first for part in store.parts(job.id, 99)] == list(range(100, 150))

    def test_large_results_are_read_one_by_one(self, store: JobStore) -> None:
        """The size is known before reading; reading results of a deleted job is an error."""
        job = store.add(make_submission(circuits=3, shard=1))
        results = [make_result(Counts(8 * size, bytes(size), b"\1")) for size in (9, 2**20, 2**16)]
        for shard, result in zip(store.claim("me", 3), results, strict=True):
            store.record([ResultSlice.of(shard.lease, shard.first, [result], last=True)])
        for found in (list(store.parts(job.id)), list(store.recorded(job.id))):
            assert [decode_results(part.results) for part in found] == [[result] for result in results]
            assert [part.nbytes for part in found] == [len(part.results) for part in found]
        store.delete(job.id)
        with pytest.raises(UnknownJobError):
            _ = found[1].results


class DeletingSuite:
    """Tests of deleting jobs with their shards and results."""

    def test_a_job_is_deleted_in_any_state(self, store: JobStore) -> None:
        done, running, cancelled, waiting = (store.add(make_submission(circuits=2)) for _ in range(4))
        finish(store, *store.claim("me", 1))
        store.claim("me", 1)
        store.cancel(cancelled.id)
        for job in (done, running, cancelled, waiting):
            store.delete(job.id)
            for ask in (store.job, store.spec, store.cancel, store.delete):
                with pytest.raises(UnknownJobError):
                    ask(job.id)
            assert [*store.parts(job.id), *store.recorded(job.id), *store.labels(job.id)] == []
        assert store.jobs() == store.events(None, 0) == []
        assert store.holders() == []
        assert store.claim("me", 9) == []

    def test_nothing_is_recorded_for_a_deleted_job(self, store: JobStore) -> None:
        """Its leases are lost, and a late outcome changes nothing, even when recorded together with a valid one."""
        gone, kept = store.add(make_submission(circuits=2)), store.add(make_submission(circuits=2))
        dead, alive = store.claim("me", 2)
        store.delete(gone.id)
        assert store.lost([dead.lease, alive.lease]) == [dead.lease]
        assert store.renew([dead.lease, alive.lease]) == [dead.lease]
        assert not store.release(dead.lease)
        assert [recorded.accepted for recorded in store.record([all_of(dead), all_of(alive)])] == [False, True]
        assert ids_of(store.jobs()) == [kept.id]
        assert store.job(kept.id).status is JobStatus.COMPLETED

    def test_the_shots_of_a_deleted_job_stay_spent(self, store: JobStore) -> None:
        """Deleting jobs gives no more shots per day; circuits, shards and bytes are freed."""
        job = store.add(make_submission(circuits=4))
        before = store.usage("")
        store.delete(job.id)
        after = store.usage("")
        assert (before.shots_per_day, after.shots_per_day) == (40, 40)
        assert (after.queued_circuits, after.running_shards, after.stored_bytes) == (0, 0, 0)

    def test_the_key_of_a_deleted_job_is_free(self, store: JobStore) -> None:
        job = store.add(make_submission(key="k"))
        store.delete(job.id)
        assert store.keyed("", "k") is None
        again = store.add(make_submission(circuits=3, key="k"))
        assert (again.circuits, again.id == job.id) == (3, False)
