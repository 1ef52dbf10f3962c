"""`SqlUploads`: jobs that arrive in numbered parts. A job is accepted, and gets shards, when it is complete."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
from sqlalchemy import bindparam, func, select, update

from farshot.accounts import NO_LIMITS
from farshot.contract import JobStatus
from farshot.errors import BatchError, UploadError
from farshot.model import MAX_CIRCUITS
from farshot.store.clock import read_moment
from farshot.store.disk_space import DiskSpace
from farshot.store.encoding import checksum, decode_labels, encode
from farshot.store.rows import read_job
from farshot.store.schema import jobs, parts, payloads
from farshot.store.submissions import (
    Payload,
    add_job,
    add_part,
    add_payloads,
    add_shards,
    count_row_bytes,
    find_earlier,
    find_keyed,
    grow_job,
)
from farshot.store.transactions import Transactions, lock_jobs, mark_changed
from farshot.store.usage import AddedUsage, add_stored, check_usage
from farshot.submission import PartReceipt, ShardCut

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import BindParameter, Connection, Engine

    from farshot.accounts import Quota
    from farshot.model import JobRecord, JobSpec
    from farshot.protocols import Clock
    from farshot.submission import Draft, UploadPart


_of_job: BindParameter[str] = bindparam("of_job")
_READ_DRAFT = select(jobs.c.draft).where(jobs.c.id == _of_job)
_LIST_PARTS = (
    select(parts.c.number, parts.c.circuits, parts.c.digest).where(parts.c.job_id == _of_job).order_by(parts.c.number)
)
_READ_LENGTH = select(
    jobs.c.owner, (func.length(jobs.c.spec) + func.coalesce(func.length(jobs.c.draft), 0)).label("size")
).where(jobs.c.id == _of_job)
_READ_MARKS = select(parts.c.marks).where(parts.c.job_id == _of_job).order_by(parts.c.number)
_LIST_PAYLOADS = (
    select(payloads.c.part, payloads.c.slot, payloads.c.size, payloads.c.cost)
    .where(payloads.c.job_id == _of_job)
    .order_by(payloads.c.part, payloads.c.slot)
)
_READ_OPTIONS = select(parts.c.options).where(parts.c.job_id == _of_job).order_by(parts.c.number)
_SUM_OPTIONS = select(func.sum(func.length(parts.c.options))).where(parts.c.job_id == _of_job)
_CLEAR_OPTIONS = update(parts).where(parts.c.job_id == _of_job).values(options=None)
_READ_LABELS = select(payloads.c.labels).where(payloads.c.job_id == _of_job).order_by(payloads.c.part, payloads.c.slot)
_CHANGE_JOB = update(jobs).where(jobs.c.id == _of_job)
_ADD_CIRCUITS = _CHANGE_JOB.values(circuits=jobs.c.circuits + bindparam("count"))
_CHANGE_WAITING_JOB = _CHANGE_JOB.where(
    jobs.c.status == JobStatus.PENDING,
    jobs.c.cancel_requested.is_(False),
    jobs.c.draft.is_(None) == bindparam("is_accepted"),
)
_FIND_ABANDONED = select(jobs.c.id).where(
    jobs.c.status == JobStatus.PENDING, jobs.c.draft.is_not(None), jobs.c.created_at < bindparam("before")
)


class SqlUploads:
    """An `UploadStore`, which documents its methods in full, in the database of the jobs."""

    def __init__(self, engine: Engine, clock: Clock | None = None, *, quota: Quota = NO_LIMITS) -> None:
        """Use `engine`, whose schema must be current; `quota` is for owners whose user has none of its own."""
        self._quota = quota
        self._transactions = Transactions(engine)
        self._disk = DiskSpace(engine.url)
        self._clock = clock

    def open(self, draft: Draft) -> JobRecord:
        """Begin a job, or find it, and return it; raises `KeyConflictError`, `StoreFullError`, `QuotaError`."""
        if self._disk.shortage() and self._transactions.query(find_keyed, draft.owner, draft.key) is None:
            self._disk.check()
        return self._transactions.write(lambda connection: self._open(connection, draft))

    def options(self, job_id: str) -> bytes:
        """Return the options that a job in the making was opened with; raises `UploadError` if it is none."""
        return self._transactions.query(_read_options, job_id)

    def receipts(self, job_id: str) -> list[PartReceipt]:
        """Return the parts of a job that have arrived, by number."""
        with self._transactions.read() as connection:
            return [PartReceipt(*row) for row in connection.execute(_LIST_PARTS, {"of_job": job_id})]

    def part_options(self, job_id: str) -> list[bytes]:
        """Return the options of every part of a job in the making, by number."""
        with self._transactions.read() as connection:
            return [bytes(found or b"") for found in connection.execute(_READ_OPTIONS, {"of_job": job_id}).scalars()]

    def put(self, job_id: str, part: UploadPart) -> JobRecord:
        """Add a part, once, and return the job; raises `UploadError`, `BatchError`, `StoreFullError`, `QuotaError`."""
        self._disk.check()
        return self._transactions.write(lambda connection: self._put(connection, job_id, part))

    def append(self, job_id: str, part: UploadPart) -> JobRecord:
        """Add a part behind all others, unless one has its digest, and return the job; raises as `put`."""
        self._disk.check()
        return self._transactions.write(lambda connection: self._append(connection, job_id, part))

    def accept(self, job_id: str, spec: JobSpec, circuits: int) -> JobRecord:
        """Accept the job with its `circuits`, once; raises `UploadError`, `BatchError`, `QuotaError`."""
        return self._transactions.write(lambda connection: self._accept(connection, job_id, spec, circuits))

    def complete(self, job_id: str, part: UploadPart, spec: JobSpec, circuits: int) -> JobRecord:
        """Append the last part and accept the job, or do neither; raises as `append` and `accept`."""
        self._disk.check()

        def complete(connection: Connection) -> JobRecord:
            self._append(connection, job_id, part)
            return self._accept(connection, job_id, spec, circuits)

        return self._transactions.write(complete)

    def redraft(self, job_id: str, target: str, options: bytes) -> bool:
        """Give a job in the making another target and other options; return whether it still was one."""
        columns: dict[str, object] = {"target": target, "draft": options}
        return self._transactions.write(lambda connection: _revise(connection, job_id, columns, is_accepted=False))

    def respecify(self, job_id: str, spec: JobSpec) -> bool:
        """Give an accepted job that has not begun another target and timeout; return whether it still waited."""
        columns = {"target": spec.target, **_spec_columns(job_id, spec)}
        return self._transactions.write(lambda connection: _revise(connection, job_id, columns, is_accepted=True))

    def abandoned(self, older_than: float) -> list[str]:
        """Return the jobs that were opened more than `older_than` seconds ago and never accepted."""
        with self._transactions.read() as connection:
            before = read_moment(connection, self._clock).wall - older_than
            return list(connection.execute(_FIND_ABANDONED, {"before": before}).scalars())

    def _open(self, connection: Connection, draft: Draft) -> JobRecord:
        found = find_earlier(connection, draft.owner, draft.key, draft.digest)
        if found:
            return found
        size = len(draft.options) + count_row_bytes(draft.owner, draft.key, draft.tag)
        at = read_moment(connection, self._clock).wall
        job_id = uuid4().hex
        add_job(
            connection,
            job_id,
            owner=draft.owner,
            key=draft.key,
            digest=draft.digest,
            tag=draft.tag,
            target=draft.target,
            priority=draft.priority,
            draft=draft.options,
            bytes=size,
            spec=b"",
            circuits=0,
            created_at=at,
        )
        stored = add_stored(connection, draft.owner, size, self._quota)
        check_usage(connection, draft.owner, stored, at, AddedUsage(size=size))
        mark_changed(connection, [job_id])
        return read_job(connection, job_id)

    def _put(self, connection: Connection, job_id: str, part: UploadPart) -> JobRecord:
        lock_jobs(connection, [job_id])
        if _has_arrived(connection, job_id, part):
            return read_job(connection, job_id)
        _read_options(connection, job_id)
        if not part.labels:
            message = f"part {part.number} is empty: leave it out"
            raise UploadError(message)
        size = _add_part(connection, job_id, part) + add_payloads(connection, job_id, _payloads(part))
        connection.execute(_ADD_CIRCUITS, {"of_job": job_id, "count": len(part.labels)})
        circuits = read_job(connection, job_id).circuits
        if circuits > MAX_CIRCUITS:
            message = f"the job would hold {circuits:,} circuits; the limit is {MAX_CIRCUITS:,}"
            raise BatchError(message)
        self._add_usage(connection, job_id, AddedUsage(circuits=len(part.labels), size=size))
        mark_changed(connection, [job_id])
        return read_job(connection, job_id)

    def _append(self, connection: Connection, job_id: str, part: UploadPart) -> JobRecord:
        lock_jobs(connection, [job_id])
        found = connection.execute(_LIST_PARTS, {"of_job": job_id}).all()
        number = next((row.number for row in found if row.digest == part.digest), len(found))
        return self._put(connection, job_id, replace(part, number=number))

    def _add_usage(self, connection: Connection, job_id: str, added: AddedUsage) -> None:
        """Count the bytes added to a job, and compare the usage of its owner with its quota."""
        grow_job(connection, job_id, added.size)
        record = read_job(connection, job_id)
        stored = add_stored(connection, record.owner, added.size, self._quota)
        added = added._replace(uncounted=record.circuits if record.uploading else 0)
        check_usage(connection, record.owner, stored, read_moment(connection, self._clock).wall, added)

    def _accept(self, connection: Connection, job_id: str, spec: JobSpec, circuits: int) -> JobRecord:
        lock_jobs(connection, [job_id])
        record = read_job(connection, job_id)
        if not record.uploading:
            return record
        freed = len(_read_options(connection, job_id))
        freed += int(connection.execute(_SUM_OPTIONS, {"of_job": job_id}).scalar() or 0)
        _check_numbers(connection, job_id)
        if record.circuits != circuits:  # the specification was made before another part arrived
            message = f"job {job_id} holds {record.circuits:,} circuits by now, not {circuits:,}: accept it once more"
            raise UploadError(message)
        _check_labels(connection, job_id)
        columns = {"draft": None, "shots": spec.total_shots, **_spec_columns(job_id, spec)}
        connection.execute(_CHANGE_JOB.values(columns), {"of_job": job_id})
        connection.execute(_CLEAR_OPTIONS, {"of_job": job_id})
        add_shards(connection, job_id, record.owner, record.priority, list(_list_cuts(connection, job_id)))
        grown = len(encode(spec)) - freed
        self._add_usage(connection, job_id, AddedUsage(circuits=record.circuits, shots=spec.total_shots, size=grown))
        mark_changed(connection, [job_id])
        return read_job(connection, job_id)


def _spec_columns(job_id: str, spec: JobSpec) -> dict[str, object]:
    encoded = encode(spec)
    return {"spec": encoded, "checksum": checksum(encoded, job_id), "timeout": spec.timeout}


def _revise(connection: Connection, job_id: str, columns: dict[str, object], *, is_accepted: bool) -> bool:
    """Change a job that waits, accepted or in the making; return whether it did."""
    lock_jobs(connection, [job_id])
    before = connection.execute(_READ_LENGTH, {"of_job": job_id}).one_or_none()
    values = {"of_job": job_id, "is_accepted": is_accepted}
    if before is None or not connection.execute(_CHANGE_WAITING_JOB.values(columns), values).rowcount:
        return False
    grown = connection.execute(_READ_LENGTH, {"of_job": job_id}).one().size - before.size
    grow_job(connection, job_id, grown)
    add_stored(connection, before.owner, grown, NO_LIMITS)
    mark_changed(connection, [job_id])
    return True


def _add_part(connection: Connection, job_id: str, part: UploadPart) -> int:
    """Write the row of a part and return how many bytes it has beside its circuits."""
    template = None if part.template is None else encode(part.template)
    add_part(
        connection,
        job_id,
        part.number,
        digest=part.digest,
        circuits=len(part.labels),
        marks=part.marks,
        options=part.options or None,
        template=template,
    )
    return len(part.options) + len(template or b"") + len(part.marks) + len(part.digest)


def _payloads(part: UploadPart) -> Iterator[Payload]:
    for slot, cut in enumerate(part.shards):
        span = slice(cut.start, cut.end)
        yield Payload(part.number, slot, cut.cost, part.labels[span], part.sources[span])


def _read_options(connection: Connection, job_id: str) -> bytes:
    record = read_job(connection, job_id)
    draft: Any = connection.execute(_READ_DRAFT, {"of_job": job_id}).scalar()
    if draft is None or record.status.is_terminal:
        state = record.status if record.status.is_terminal else "accepted already"
        message = f"job {job_id} is {state}: it takes no more circuits"
        raise UploadError(message)
    return bytes(draft)


def _has_arrived(connection: Connection, job_id: str, part: UploadPart) -> bool:
    """Return whether the same part has arrived before; raises `UploadError` if another one of its number has."""
    found = {row.number: row.digest for row in connection.execute(_LIST_PARTS, {"of_job": job_id})}
    if part.number not in found:
        return False
    if found[part.number] != part.digest:
        message = f"part {part.number} of job {job_id} has arrived before with other circuits"
        raise UploadError(message)
    return True


def _check_numbers(connection: Connection, job_id: str) -> None:
    numbers = [row.number for row in connection.execute(_LIST_PARTS, {"of_job": job_id})]
    if not numbers:
        message = f"job {job_id} is empty: put at least one part first"
        raise UploadError(message)
    missing = sorted(set(range(numbers[-1] + 1)) - set(numbers))
    if missing:
        message = f"job {job_id} is not whole: part {missing[0]} has not arrived, part {numbers[-1]} has"
        raise UploadError(message)


def _check_labels(connection: Connection, job_id: str) -> None:
    """Raise `BatchError` if two labels are the same; they are read only if eight bytes of two of them agree."""
    blobs = connection.execute(_READ_MARKS, {"of_job": job_id}).scalars()
    marks = np.sort(np.frombuffer(b"".join(blobs), dtype="<u8"))
    if not (marks[1:] == marks[:-1]).any():
        return
    known: set[str] = set()
    for blob in connection.execute(_READ_LABELS, {"of_job": job_id}).scalars():
        for label in decode_labels(blob):
            if label in known:
                message = f"the label {label!r} names two circuits of the job"
                raise BatchError(message)
            known.add(label)


def _list_cuts(connection: Connection, job_id: str) -> Iterator[tuple[int, int, ShardCut]]:
    """Yield the part, the slot and the positions of each payload of a job, in order."""
    start = 0
    for row in connection.execute(_LIST_PAYLOADS, {"of_job": job_id}).all():
        yield row.part, row.slot, ShardCut(start, start + row.size, row.cost)
        start += row.size
