"""Tests of the feed of changes: every change is listed in order for later readers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farshot.contract import JobStatus
from farshot.testing.stores.values import finish, ids_of, make_submission

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farshot.model import JobRecord
    from farshot.protocols import JobStore
    from farshot.testing.stores.values import ManualClock


class Follower:
    """A reader that knows the jobs of `owner` (None: of all owners) from the feed alone."""

    def __init__(self, owner: str | None) -> None:
        self.owner = owner
        self.cursor = 0
        self.known: dict[str, JobRecord] = {}

    def read(self, store: JobStore, limit: int) -> bool:
        """Read one page; return whether it had any changes."""
        page = store.events(self.owner, self.cursor, limit)
        numbers = [record.changed for record in page]
        assert len(page) <= limit
        assert numbers == sorted({*numbers} - {self.cursor})
        self.known |= {record.id: record for record in page}
        self.cursor = max([self.cursor, *numbers])
        return bool(page)

    def catch_up(self, store: JobStore) -> None:
        """Read to the end."""
        while self.read(store, 3):
            pass

    def compare(self, truth: Sequence[JobRecord]) -> None:
        """Check that, after reading to the end, it knows every job as it is. It may still know deleted ones."""
        assert [self.known.get(record.id) for record in truth] == list(truth)


def follow(store: JobStore, owner: str | None, after: int, limit: int) -> list[JobRecord]:
    """Read the feed of changes page by page until it ends."""
    found: list[JobRecord] = []
    while page := store.events(owner, found[-1].changed if found else after, limit):
        assert len(page) <= limit
        found += page
    return found


class FollowingSuite:
    """Tests of the feed of changes."""

    def test_every_change_of_a_job_is_told(self, store: JobStore) -> None:
        """Each change is listed with the state of the job and a growing number."""
        job = store.add(make_submission(timeout=60.0))
        history = [job]

        def read_next() -> JobRecord:
            (record,) = store.events(None, history[-1].changed)
            assert record == store.job(job.id)
            history.append(record)
            return record

        one, two = store.claim("me", 2)
        assert read_next().status is JobStatus.RUNNING
        finish(store, one)
        assert read_next().done == 2
        finish(store, two)
        assert read_next().status is JobStatus.COMPLETED
        assert store.events(None, history[-1].changed) == []
        assert store.changes() == history[-1].changed

    def test_cancelling_and_expiring_are_told(self, store: JobStore, clock: ManualClock) -> None:
        """Ending a job early is a change; a call without effect is none."""
        late, stopped = store.add(make_submission(timeout=60.0)), store.add(make_submission())
        store.claim("me", 1)
        cursor = store.changes()
        store.cancel(stopped.id)
        clock.advance(61)
        store.expire()
        assert [(job.id, job.status) for job in store.events(None, cursor)] == [
            (stopped.id, JobStatus.CANCELLED),
            (late.id, JobStatus.FAILED),
        ]
        cursor = store.changes()
        store.cancel(late.id)
        store.expire()
        assert store.changes() == cursor

    def test_changes_are_told_in_order(self, store: JobStore) -> None:
        """A job that changed again is listed once, at its last change."""
        jobs = [store.add(make_submission()) for _ in range(4)]
        cursor = store.changes()
        for job in (jobs[2], jobs[0], jobs[3]):
            store.cancel(job.id)
        assert ids_of(store.events(None, cursor)) == [jobs[2].id, jobs[0].id, jobs[3].id]
        assert ids_of(store.events(None, 0)) == [jobs[1].id, jobs[2].id, jobs[0].id, jobs[3].id]

    def test_two_jobs_that_change_at_once_are_both_told(self, store: JobStore) -> None:
        """A reader of one change at a time sees both."""
        jobs = [store.add(make_submission(circuits=1)) for _ in range(3)]
        cursor = store.changes()
        shards = store.claim("me", 3)
        claimed = follow(store, None, cursor, 1)
        finish(store, *shards)
        ended = follow(store, None, claimed[-1].changed, 1)
        for found in (claimed, ended):
            assert sorted(ids_of(found)) == sorted(ids_of(jobs))
            assert len({record.changed for record in found}) == 3
        assert {record.status for record in ended} == {JobStatus.COMPLETED}

    def test_an_owner_is_told_of_its_own_jobs(self, store: JobStore) -> None:
        ours = []
        for _ in range(3):
            store.add(make_submission(owner="bob"))
            ours.append(store.add(make_submission(owner="ada")).id)
        assert ids_of(follow(store, "ada", 0, 2)) == ours
        assert len(follow(store, None, 0, 2)) == 6
        assert follow(store, "cyd", 0, 2) == []
