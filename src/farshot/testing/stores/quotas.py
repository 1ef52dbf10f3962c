"""Tests of quotas, which hold within the transaction that adds, whatever is added concurrently."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from farshot.accounts import Quota, User
from farshot.contract import JobStatus
from farshot.errors import FaultCode, QuotaError
from farshot.model import Counts, JobSpec, ResultSlice, ShotGroup, ShotPlan
from farshot.testing.stores.following import Follower
from farshot.testing.stores.values import all_of, finish, make_draft, make_part, make_result, make_submission

if TYPE_CHECKING:
    from collections.abc import Callable

    from farshot.protocols import AccountStore, JobStore, UploadStore

_RACERS = 8
_LARGE = make_result(Counts(8 * 4096, bytes(4096), b"\1"))
_SPEC = JobSpec(target="auto", seed=7, shots=ShotPlan((ShotGroup(0, 2, 10),)))


def _race(calls: list[Callable[[], object]]) -> list[object]:
    """Call all functions at the same time and return their results, or the `QuotaError` that each raised."""
    barrier = Barrier(len(calls))

    def run(call: Callable[[], object]) -> object:
        barrier.wait()
        try:
            return call()
        except QuotaError as error:
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def _count_accepted(found: list[object]) -> int:
    return sum(not isinstance(answer, QuotaError) for answer in found)


def _limit(accounts: AccountStore, **quota: int) -> None:
    accounts.add_user(User("ada"))
    accounts.limit("ada", Quota(**quota))


class QuotaSuite:
    """Tests of quotas. The fixtures `store`, `uploads` and `accounts` share a database."""

    def test_no_race_gives_more_circuits_than_may_wait(self, store: JobStore, accounts: AccountStore) -> None:
        """Six of five were accepted when each submission read the usage before any wrote."""
        _limit(accounts, queued_circuits=5)
        found = _race([lambda: store.add(make_submission(1, owner="ada")) for _ in range(_RACERS)])
        assert _count_accepted(found) == 5
        assert store.usage("ada").queued_circuits == 5

    def test_no_race_gives_more_shots_than_a_day_has(self, store: JobStore, accounts: AccountStore) -> None:
        """Each circuit has ten shots."""
        _limit(accounts, shots_per_day=35)
        found = _race([lambda: store.add(make_submission(1, owner="ada")) for _ in range(_RACERS)])
        assert _count_accepted(found) == 3
        assert store.usage("ada").shots_per_day == 30

    def test_no_race_gives_more_bytes_than_may_be_stored(
        self, store: JobStore, uploads: UploadStore, accounts: AccountStore
    ) -> None:
        """Jobs, drafts and their parts count alike."""
        drafts = [uploads.open(make_draft("ada", f"k{number}")).id for number in range(2)]
        store.add(make_submission(owner="ada"))
        size = store.usage("ada").stored_bytes
        _limit(accounts, stored_bytes=2 * size)
        found = _race(
            [
                *(lambda: store.add(make_submission(owner="ada")) for _ in range(3)),
                *(lambda key=f"o{n}": uploads.open(make_draft("ada", key)) for n in range(3)),
                *(lambda job=job: uploads.put(job, make_part(0, ["a" * 900, "b"])) for job in drafts),
            ]
        )
        assert 0 < _count_accepted(found) < len(found)
        assert store.usage("ada").stored_bytes <= 2 * size

    def test_what_finds_a_job_counts_with_it(self, store: JobStore, uploads: UploadStore) -> None:
        """Long keys of small drafts fill a store too."""
        for number in range(4):
            uploads.open(make_draft("ada", f"{number}{'k' * 1000}"))
        assert store.usage("ada").stored_bytes > 4000

    def test_the_owner_of_a_draft_is_asked_whoever_fills_it(
        self, store: JobStore, uploads: UploadStore, accounts: AccountStore
    ) -> None:
        """A part is refused if the owner of the job would exceed its bytes or circuits."""
        job = uploads.open(make_draft("ada")).id
        _limit(accounts, stored_bytes=store.usage("ada").stored_bytes + 10)
        with pytest.raises(QuotaError, match="bytes"):
            uploads.put(job, make_part(0, ["a", "b"]))
        _limit(accounts, queued_circuits=1)
        with pytest.raises(QuotaError, match="circuits"):
            uploads.put(job, make_part(0, ["a", "b"]))
        assert store.job(job).circuits == 0

    def test_a_last_part_that_is_too_much_leaves_nothing(
        self, store: JobStore, uploads: UploadStore, accounts: AccountStore
    ) -> None:
        """Neither the part nor the job is accepted."""
        job = uploads.open(make_draft("ada")).id
        _limit(accounts, shots_per_day=10)
        with pytest.raises(QuotaError, match="shots"):
            uploads.complete(job, make_part(0, ["a", "b"]), _SPEC, 2)
        assert (store.job(job).circuits, uploads.receipts(job)) == (0, [])
        _limit(accounts, shots_per_day=20)
        assert not uploads.complete(job, make_part(0, ["a", "b"]), _SPEC, 2).uploading

    def test_results_beyond_the_bytes_of_their_owner_end_the_job(self, store: JobStore, accounts: AccountStore) -> None:
        """Recorded results stay. The other circuits get a fault that gives the numbers, and are not run."""
        job = store.add(make_submission(4, shard=2, owner="ada")).id
        other = store.add(make_submission(1, owner="bob")).id
        claimed = store.claim("me", 3)
        first, second = (shard for shard in claimed if shard.lease.job_id == job)
        third = next(shard for shard in claimed if shard.lease.job_id == other)
        store.record([all_of(first)])
        follower = Follower(None)
        follower.catch_up(store)
        allowed = store.usage("ada").stored_bytes + 5000
        _limit(accounts, stored_bytes=allowed)
        parts = [all_of(second, _LARGE, _LARGE), all_of(third)]
        recorded = store.record(parts)
        follower.catch_up(store)
        follower.compare(store.jobs())
        assert [(done.accepted, done.ended) for done in recorded] == [(False, True), (True, True)]
        record = store.job(job)
        assert (record.status, record.done, record.failed) == (JobStatus.FAILED, 2, 0)
        assert record.fault is not None
        assert record.fault.code is FaultCode.ADMISSION
        assert f"{allowed:,}" in record.fault.message
        assert store.usage("ada").stored_bytes <= allowed
        assert store.job(other).status is JobStatus.COMPLETED
        assert store.claim("me", 9) == []
        assert sum(len(part.labels) for part in store.parts(job)) == 2

    def test_results_that_fit_are_recorded_beside_some_that_do_not(
        self, store: JobStore, accounts: AccountStore
    ) -> None:
        """Of two jobs of an owner in one record, the job that is too large ends and the other continues."""
        large, small = (store.add(make_submission(2, owner="ada")).id for _ in range(2))
        shards = {shard.lease.job_id: shard for shard in store.claim("me", 2)}
        _limit(accounts, stored_bytes=store.usage("ada").stored_bytes + 1000)
        first = ResultSlice.of(shards[large].lease, 0, [_LARGE], last=False)
        rest = ResultSlice.of(shards[large].lease, 1, [make_result()], last=True)
        recorded = store.record([first, all_of(shards[small]), rest])
        assert [done.accepted for done in recorded] == [False, True, False]
        assert [store.job(job).status for job in (large, small)] == [JobStatus.FAILED, JobStatus.COMPLETED]
        assert store.job(large).done == 0

    def test_results_that_fit_are_kept_before_some_of_the_same_job_that_do_not(
        self, store: JobStore, accounts: AccountStore
    ) -> None:
        job = store.add(make_submission(4, shard=2, owner="ada")).id
        first, second = store.claim("me", 2)
        _limit(accounts, stored_bytes=store.usage("ada").stored_bytes + 5000)
        recorded = store.record([all_of(first), all_of(second, _LARGE, _LARGE)])
        assert [(done.accepted, done.ended) for done in recorded] == [(True, True), (False, True)]
        record = store.job(job)
        assert (record.status, record.done) == (JobStatus.FAILED, 2)
        assert sum(len(part.labels) for part in store.parts(job)) == 2

    def test_a_submission_beyond_a_quota_leaves_nothing_beside_others(
        self, store: JobStore, accounts: AccountStore
    ) -> None:
        """In one exchange, a refused submission is undone and its share of the quota is free for the others."""
        _limit(accounts, queued_circuits=4)
        before = store.usage("ada").stored_bytes
        submissions = [make_submission(circuits, owner="ada") for circuits in (3, 2, 1)]
        first, refused, last = store.exchange([], "me", 0, submissions=submissions).added
        assert isinstance(refused, QuotaError)
        assert not isinstance(first, Exception)
        assert not isinstance(last, Exception)
        assert [(job.id, job.circuits) for job in store.jobs()] == [(last.id, 1), (first.id, 3)]
        for job in (first, last):
            store.delete(job.id)
        assert store.usage("ada").stored_bytes == before

    def test_what_is_counted_is_what_the_jobs_have(
        self, store: JobStore, uploads: UploadStore, accounts: AccountStore
    ) -> None:
        """The refusal gives the number that was counted, after any changes of the jobs."""
        made = [store.add(make_submission(owner="ada", tag="t")).id for _ in range(3)]
        finish(store, *store.claim("me", 2))
        draft = uploads.open(make_draft("ada")).id
        uploads.redraft(draft, "prism", b"more options")
        uploads.put(draft, make_part(0, ["a", "b"], options=b"said"))
        uploads.accept(draft, _SPEC, 2)
        uploads.respecify(draft, JobSpec(target="prism:statevector", seed=7, shots=_SPEC.shots, kept=b"kept"))
        store.cancel(made[1])
        store.delete(made[0])
        self._check_counted(store, accounts)
        for job in (*made[1:], draft):
            store.delete(job)
        assert store.usage("ada").stored_bytes == 0
        self._check_counted(store, accounts)

    def _check_counted(self, store: JobStore, accounts: AccountStore) -> None:
        _limit(accounts, stored_bytes=0)
        with pytest.raises(QuotaError, match=f"^{store.usage('ada').stored_bytes:,} of 0 "):
            store.add(make_submission(owner="ada"))
