"""What every job store must do for those who follow it: every change is told, in order, to whoever asks later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farshot.contract import JobStatus
from farshot.testing.stores.values import finish, make_submission

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farshot.model import JobRecord
    from farshot.protocols import JobStore


class Follower:
    """Knows the jobs of `owner`, or of everybody, from the feed alone."""

    def __init__(self, owner: str | None) -> None:
        """Begin at the beginning."""
        self.owner = owner
        self.cursor = 0
        self.known: dict[str, JobRecord] = {}

    def read(self, store: JobStore, limit: int) -> bool:
        """Read one page; say whether there was anything."""
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
        """Whoever has read to the end knows every job as it is; deleted ones it may still know."""
        assert [self.known.get(record.id) for record in truth] == list(truth)


def follow(store: JobStore, owner: str | None, after: int, limit: int) -> list[JobRecord]:
    """Read the feed of changes page by page until it ends."""
    found: list[JobRecord] = []
    while page := store.events(owner, found[-1].changed if found else after, limit):
        assert len(page) <= limit
        found += page
    return found


def _ids(records: list[JobRecord]) -> list[str]:
    return [record.id for record in records]


class FollowingSuite:
    """The feed of changes."""

    def test_every_change_of_a_job_is_told(self, store: JobStore) -> None:
        """As it is then, with a number that only grows."""
        job = store.add(make_submission(timeout=60.0))
        seen = [job]

        def told() -> JobRecord:
            (record,) = store.events(None, seen[-1].changed)
            assert record == store.job(job.id)
            seen.append(record)
            return record

        one, two = store.claim("me", 2)
        assert told().status is JobStatus.RUNNING
        finish(store, one)
        assert told().done == 2
        finish(store, two)
        assert told().status is JobStatus.COMPLETED
        assert store.events(None, seen[-1].changed) == []
        assert store.changes() == seen[-1].changed

    def test_cancelling_and_expiring_are_told(self, store: JobStore, clock: object) -> None:
        """What ends a job early is a change; what changes nothing is none."""
        late, stopped = store.add(make_submission(timeout=60.0)), store.add(make_submission())
        store.claim("me", 1)
        cursor = store.changes()
        store.cancel(stopped.id)
        clock.advance(61)  # type: ignore[attr-defined]  # a clock that can be moved
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
        """A job that changed again is told last, and once."""
        jobs = [store.add(make_submission()) for _ in range(4)]
        cursor = store.changes()
        for job in (jobs[2], jobs[0], jobs[3]):
            store.cancel(job.id)
        assert _ids(store.events(None, cursor)) == [jobs[2].id, jobs[0].id, jobs[3].id]
        assert _ids(store.events(None, 0)) == [jobs[1].id, jobs[2].id, jobs[0].id, jobs[3].id]

    def test_two_jobs_that_change_at_once_are_both_told(self, store: JobStore) -> None:
        """Also to one who reads one change at a time."""
        jobs = [store.add(make_submission(circuits=1)) for _ in range(3)]
        cursor = store.changes()
        shards = store.claim("me", 3)
        claimed = follow(store, None, cursor, 1)
        finish(store, *shards)
        ended = follow(store, None, claimed[-1].changed, 1)
        for found in (claimed, ended):
            assert sorted(_ids(found)) == sorted(_ids(jobs))
            assert len({record.changed for record in found}) == 3
        assert {record.status for record in ended} == {JobStatus.COMPLETED}

    def test_an_owner_is_told_of_its_own_jobs(self, store: JobStore) -> None:
        """Whatever others do, and whatever the limit."""
        ours = []
        for _ in range(3):
            store.add(make_submission(owner="bob"))
            ours.append(store.add(make_submission(owner="ada")).id)
        assert _ids(follow(store, "ada", 0, 2)) == ours
        assert len(follow(store, None, 0, 2)) == 6
        assert follow(store, "cyd", 0, 2) == []
