"""Tests of uploads: parts arrive in any order, and the whole becomes a job once."""

from __future__ import annotations

import dataclasses
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farshot.contract import JobStatus
from farshot.errors import BatchError, KeyConflictError, UnknownJobError, UploadError
from farshot.model import JobFilter, TemplateSource
from farshot.testing.stores.values import few_examples, finish, make_draft, make_part, make_queue, make_submission

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farshot.model import JobSpec
    from farshot.protocols import JobStore, UploadStore

_batches = st.lists(st.integers(1, 5), min_size=1, max_size=5)


def _spec(circuits: int) -> JobSpec:
    return make_submission(circuits).batch.spec


def _labels(number: int, size: int) -> list[str]:
    return [f"p{number}c{place}" for place in range(size)]


def _send(uploads: UploadStore, job_id: str, sizes: Sequence[int]) -> None:
    for number, size in enumerate(sizes):
        uploads.put(job_id, make_part(number, _labels(number, size)))


def _drain(store: JobStore) -> list[str]:
    """Run all open shards and return the labels in the order in which they ran."""
    found: list[str] = []
    while shards := store.claim("me", 3):
        found += [label for shard in shards for label in shard.labels]
        assert finish(store, *shards)
    return found


class UploadSuite:
    """Tests of uploads. The fixtures `uploads` and `store` share a database."""

    def test_a_job_in_the_making_is_there_and_grows(self, uploads: UploadStore, store: JobStore) -> None:
        """It is listed, followed and counted, and keeps the options it was opened with."""
        job = uploads.open(make_draft("ada", priority=3))
        assert (job.status, job.uploading, job.circuits) == (JobStatus.PENDING, True, 0)
        assert (job.owner, job.tag, job.priority, job.target) == ("ada", "sent", 3, "auto")
        assert (uploads.options(job.id), uploads.receipts(job.id)) == (b"options", [])
        grown = uploads.put(job.id, make_part(0, ["a", "b", "c"]))
        assert (grown.circuits, grown.changed > job.changed) == (3, True)
        assert [store.job(job.id), *store.events("ada", job.changed)] == [grown, grown]
        assert store.jobs(JobFilter(owner="ada")) == [grown]
        assert store.usage("ada").queued_circuits == 0
        assert store.usage("ada").stored_bytes > 0

    def test_what_is_in_the_making_is_never_claimed(self, uploads: UploadStore, store: JobStore) -> None:
        """It is not in the backlog either."""
        job = uploads.open(make_draft())
        _send(uploads, job.id, [2, 3])
        assert store.claim("me", 9) == []
        assert store.backlog() == []
        assert store.job(job.id).status is JobStatus.PENDING

    def test_an_accepted_job_runs_to_its_end(self, uploads: UploadStore, store: JobStore) -> None:
        """Its shards are in order of position across the parts."""
        job = uploads.open(make_draft())
        _send(uploads, job.id, [3, 1, 4])
        accepted = uploads.accept(job.id, _spec(8), 8)
        assert (accepted.uploading, accepted.circuits, accepted.status) == (False, 8, JobStatus.PENDING)
        assert store.spec(job.id) == _spec(8)
        shards = store.claim("me", 9)
        assert [(shard.first, shard.lease.shard) for shard in shards] == [(0, 0), (2, 1), (3, 2), (4, 3), (6, 4)]
        assert shards[1].sources == (b"text p0c2",)
        assert finish(store, *shards)
        assert store.job(job.id).status is JobStatus.COMPLETED
        assert [part.labels[0] for part in store.parts(job.id)] == ["p0c0", "p0c2", "p1c0", "p2c0", "p2c2"]

    @few_examples(15)
    @given(data=st.data(), sizes=_batches)
    def test_parts_may_come_in_any_order_and_again(
        self, uploads: UploadStore, store: JobStore, data: st.DataObject, sizes: list[int]
    ) -> None:
        numbers = list(range(len(sizes)))
        repeated = data.draw(st.lists(st.sampled_from(numbers), max_size=4))
        job = uploads.open(make_draft(key="order"))
        for number in data.draw(st.permutations(numbers + repeated)):
            uploads.put(job.id, make_part(number, _labels(number, sizes[number])))
        assert [(receipt.number, receipt.circuits) for receipt in uploads.receipts(job.id)] == list(enumerate(sizes))
        assert uploads.accept(job.id, _spec(sum(sizes)), sum(sizes)).circuits == sum(sizes)
        labels = [label for number, size in enumerate(sizes) for label in _labels(number, size)]
        assert [label for some in store.labels(job.id) for label in some] == labels
        assert _drain(store) == labels
        store.delete(job.id)

    def test_a_part_that_is_there_changes_nothing(self, uploads: UploadStore, store: JobStore) -> None:
        """This holds after the job was accepted or cancelled too."""
        job = uploads.open(make_draft())
        part = make_part(0, ["a", "b"])
        for change in (
            lambda: uploads.put(job.id, part),
            lambda: uploads.accept(job.id, _spec(2), 2),
            lambda: store.cancel(job.id),
        ):
            change()
            before = store.job(job.id)
            assert uploads.put(job.id, part) == before == store.job(job.id)
        assert [receipt.digest for receipt in uploads.receipts(job.id)] == [part.digest]

    def test_other_circuits_under_a_number_are_refused(self, uploads: UploadStore) -> None:
        """The earlier part stays."""
        job = uploads.open(make_draft())
        uploads.put(job.id, make_part(0, ["a", "b"]))
        with pytest.raises(UploadError, match="part 0"):
            uploads.put(job.id, make_part(0, ["c"]))
        assert uploads.receipts(job.id)[0].circuits == 2

    def test_an_empty_part_is_refused(self, uploads: UploadStore) -> None:
        job = uploads.open(make_draft())
        with pytest.raises(UploadError, match="empty"):
            uploads.put(job.id, make_part(0, []))
        assert uploads.receipts(job.id) == []

    def test_what_is_not_whole_is_not_accepted(self, uploads: UploadStore, store: JobStore) -> None:
        """The error names the missing part, which can still be sent."""
        job = uploads.open(make_draft())
        with pytest.raises(UploadError, match="empty"):
            uploads.accept(job.id, _spec(1), 1)
        for number in (0, 2):
            uploads.put(job.id, make_part(number, _labels(number, 2)))
        with pytest.raises(UploadError, match="part 1 has not arrived"):
            uploads.accept(job.id, _spec(4), 4)
        assert store.job(job.id).uploading
        uploads.put(job.id, make_part(1, ["between"]))
        assert uploads.accept(job.id, _spec(5), 5).circuits == 5

    def test_what_was_worked_out_before_another_part_came_is_not_accepted(self, uploads: UploadStore) -> None:
        """The specification was made for fewer circuits. Another process may have sent the part."""
        job = uploads.open(make_draft())
        _send(uploads, job.id, [2])
        uploads.put(job.id, make_part(1, ["late"]))
        with pytest.raises(UploadError, match="3 circuits by now, not 2"):
            uploads.accept(job.id, _spec(2), 2)
        with pytest.raises(UploadError, match="4 circuits by now, not 3"):
            uploads.complete(job.id, make_part(0, ["last"]), _spec(3), 3)
        assert [receipt.circuits for receipt in uploads.receipts(job.id)] == [2, 1]
        assert uploads.complete(job.id, make_part(0, ["last"]), _spec(4), 4).circuits == 4

    def test_parts_that_are_appended_at_once_are_numbered_one_by_one(self, uploads: UploadStore) -> None:
        """The same part again changes nothing."""
        job = uploads.open(make_draft()).id
        parts = [make_part(0, [f"p{number}"]) for number in range(6)] * 2
        with ThreadPoolExecutor(len(parts)) as pool:
            list(pool.map(lambda part: uploads.append(job, part), parts))
        assert [(receipt.number, receipt.circuits) for receipt in uploads.receipts(job)] == [(n, 1) for n in range(6)]

    @pytest.mark.parametrize("labels", [(["a", "b"], ["c", "a"]), (["a", "b", "a"],)])
    def test_a_label_that_comes_twice_is_named(
        self, uploads: UploadStore, store: JobStore, labels: tuple[list[str], ...]
    ) -> None:
        """This holds across parts and within one; the job is not accepted."""
        job = uploads.open(make_draft())
        for number, some in enumerate(labels):
            uploads.put(job.id, make_part(number, some))
        with pytest.raises(BatchError, match="'a'"):
            uploads.accept(job.id, _spec(3), sum(map(len, labels)))
        assert store.job(job.id).uploading
        assert store.claim("me", 1) == []

    def test_accepting_again_changes_nothing(self, uploads: UploadStore, store: JobStore) -> None:
        job = uploads.open(make_draft())
        _send(uploads, job.id, [2])
        for change in (lambda: uploads.accept(job.id, _spec(2), 2), lambda: store.claim("me", 1), lambda: None):
            change()
            before = store.job(job.id)
            assert uploads.accept(job.id, _spec(1), 1) == before == store.job(job.id)
        assert store.spec(job.id) == _spec(2)
        assert [shard.lease.attempt for shard in store.claim("me", 9)] == []

    def test_an_accepted_job_takes_no_more(self, uploads: UploadStore, store: JobStore) -> None:
        """It accepts no part and has no options to read; the same holds for a job that was added whole."""
        job = uploads.open(make_draft())
        _send(uploads, job.id, [2])
        uploads.accept(job.id, _spec(2), 2)
        for taken in (job.id, store.add(make_submission()).id):
            with pytest.raises(UploadError, match="accepted already"):
                uploads.put(taken, make_part(1, ["late"]))
            with pytest.raises(UploadError, match="accepted already"):
                uploads.options(taken)
            assert not store.job(taken).uploading

    def test_a_cancelled_job_takes_no_more(self, uploads: UploadStore, store: JobStore) -> None:
        """It cannot be accepted either."""
        job = uploads.open(make_draft())
        _send(uploads, job.id, [2])
        assert store.cancel(job.id)[1] == 2
        with pytest.raises(UploadError, match="CANCELLED"):
            uploads.put(job.id, make_part(1, ["late"]))
        with pytest.raises(UploadError, match="CANCELLED"):
            uploads.accept(job.id, _spec(2), 2)
        assert store.job(job.id).status is JobStatus.CANCELLED
        assert store.claim("me", 1) == []

    def test_a_key_opens_one_job(self, uploads: UploadStore, store: JobStore) -> None:
        """Another body under the key is a conflict, before and after acceptance. Other owners have their own keys."""
        job = uploads.open(make_draft("ada"))
        assert uploads.open(make_draft("ada")) == job
        _send(uploads, job.id, [2])
        accepted = uploads.accept(job.id, _spec(2), 2)
        assert uploads.open(make_draft("ada")) == accepted == store.keyed("ada", "k")
        with pytest.raises(KeyConflictError, match=job.id):
            uploads.open(make_draft("ada", digest=b"other"))
        with pytest.raises(KeyConflictError, match=job.id):
            store.add(make_submission(key="k", owner="ada"))
        assert uploads.open(make_draft("bob")).id != job.id

    def test_an_accepted_job_takes_its_turn_then(self, uploads: UploadStore, store: JobStore) -> None:
        """Its turn counts from acceptance, not from opening; its priority counts."""
        job = uploads.open(make_draft("ada", priority=1))
        _send(uploads, job.id, [4])
        other = store.add(make_queue("bob", [1.0] * 9))
        store.claim("me", 5)
        low = store.add(make_queue("ada", [1.0] * 2))
        uploads.accept(job.id, _spec(4), 4)
        claimed = Counter(shard.lease.job_id for shard in store.claim("me", 6))
        assert claimed == {job.id: 2, other.id: 3, low.id: 1}

    def test_what_came_with_the_parts_is_kept_until_accepted(self, uploads: UploadStore) -> None:
        job = uploads.open(make_draft())
        for number, options in ((1, b"one"), (0, b"")):
            uploads.put(job.id, make_part(number, _labels(number, 1), options=options))
        assert uploads.part_options(job.id) == [b"", b"one"]
        uploads.accept(job.id, _spec(2), 2)
        assert uploads.part_options(job.id) == [b"", b""]

    def test_a_part_may_have_its_own_template(self, uploads: UploadStore, store: JobStore) -> None:
        """Only shards of that part are claimed with it."""
        template = TemplateSource(b"rx(a)", ("a",))
        job = uploads.open(make_draft())
        uploads.put(job.id, dataclasses.replace(make_part(0, _labels(0, 3)), template=template))
        uploads.put(job.id, make_part(1, _labels(1, 1)))
        uploads.accept(job.id, _spec(4), 4)
        assert [shard.spec.template for shard in store.claim("me", 9)] == [template, template, None]
        assert store.spec(job.id) == _spec(4)

    def test_options_can_change_until_accepted(self, uploads: UploadStore, store: JobStore) -> None:
        """The change is listed among the changes of the job."""
        job = uploads.open(make_draft())
        assert uploads.redraft(job.id, "aer", b"other")
        assert uploads.options(job.id) == b"other"
        assert [record.target for record in store.events(None, job.changed)] == ["aer"]
        _send(uploads, job.id, [2])
        accepted = uploads.accept(job.id, _spec(2), 2)
        assert not uploads.redraft(job.id, "prism", b"late")
        assert not uploads.redraft("nowhere", "prism", b"late")
        assert store.job(job.id) == accepted

    def test_a_specification_can_change_until_begun(self, uploads: UploadStore, store: JobStore) -> None:
        """Only an accepted job can be changed, and not once it runs."""
        job = uploads.open(make_draft())
        _send(uploads, job.id, [2])
        other = msgspec.structs.replace(_spec(2), target="aer", timeout=60.0)
        assert not uploads.respecify(job.id, other)
        accepted = uploads.accept(job.id, _spec(2), 2)
        assert uploads.respecify(job.id, other)
        assert [record.target for record in store.events(None, accepted.changed)] == ["aer"]
        (shard,) = store.claim("me", 1)
        assert shard.spec == other == store.spec(job.id)
        assert not uploads.respecify(job.id, _spec(2))
        assert store.job(job.id).target == "aer"

    def test_abandoned_jobs_are_found_by_age(self, uploads: UploadStore, store: JobStore) -> None:
        """They were neither accepted nor cancelled; deleting one deletes its parts."""
        left, accepted, cancelled = (uploads.open(make_draft(key=key)) for key in "abc")
        for job in (left, accepted, cancelled):
            _send(uploads, job.id, [2])
        uploads.accept(accepted.id, _spec(2), 2)
        store.cancel(cancelled.id)
        assert uploads.abandoned(60) == []
        assert uploads.abandoned(-60) == [left.id]
        store.delete(left.id)
        assert uploads.abandoned(-60) == []
        assert uploads.receipts(left.id) == []

    def test_an_unknown_job_is_an_error(self, uploads: UploadStore) -> None:
        with pytest.raises(UnknownJobError):
            uploads.put("nowhere", make_part(0, ["a"]))
        with pytest.raises(UnknownJobError):
            uploads.accept("nowhere", _spec(1), 1)
        with pytest.raises(UnknownJobError):
            uploads.options("nowhere")
