"""`SqlStore`: the job store on SQLite or PostgreSQL. Every public method is one transaction."""

from __future__ import annotations

import time
import uuid
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
from sqlalchemy.exc import DBAPIError

from farshot.contract import JobStatus
from farshot.errors import KeyConflictError, StoreError, UnknownJobError
from farshot.model import Fault, JobRecord, JobSpec, Lease, Shard
from farshot.protocols import Recorded, StoredPart
from farshot.store import statements as sql
from farshot.store.schema import jobs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection, Engine, Row

    from farshot.model import Batch, Part, Submission
    from farshot.protocols import Clock

    _Row: TypeAlias = Row[*tuple[Any, ...]]

__all__ = ["SqlStore"]

_encode = msgspec.msgpack.Encoder().encode
_decode_labels = msgspec.msgpack.Decoder(tuple[str, ...]).decode
_decode_sources = msgspec.msgpack.Decoder(tuple[bytes, ...]).decode
_decode_fault = msgspec.msgpack.Decoder(Fault).decode
_decode_spec = msgspec.msgpack.Decoder(JobSpec).decode
_PAGE = 64


class SqlStore:
    """Jobs, shards, attempts and results in one SQL database.

    A lease lasts `lease_seconds` by `clock`. Safe from any thread.
    """

    def __init__(self, engine: Engine, clock: Clock, *, lease_seconds: float = 10.0) -> None:
        """Use `engine`, whose schema must be current."""
        self._engine = engine
        self._clock = clock
        self._lease_seconds = lease_seconds

    @property
    def lease_seconds(self) -> float:
        """How long a lease lasts unless it is renewed."""
        return self._lease_seconds

    def add(self, submission: Submission) -> JobRecord:
        """Make the job durable and return it; the same owner and key give the job that is there.

        Raises `KeyConflictError` where that job has another body, `StoreError` where it cannot be written.
        """
        with self._writing() as connection:
            return _earlier(connection, submission) or _add(connection, submission)

    def job(self, job_id: str) -> JobRecord:
        """Return one job; raises `UnknownJobError`."""
        with self._reading() as connection:
            return _job(connection, job_id)

    def jobs(self, *, status: JobStatus | None = None, tag: str | None = None, limit: int = 50) -> list[JobRecord]:
        """Return the newest jobs first."""
        statement = sql.LIST_JOBS.limit(limit)
        if status is not None:
            statement = statement.where(jobs.c.status == status)
        if tag is not None:
            statement = statement.where(jobs.c.tag == tag)
        with self._reading() as connection:
            return [_record(row) for row in connection.execute(statement)]

    def spec(self, job_id: str) -> JobSpec:
        """Return what holds for every circuit of a job; raises `UnknownJobError`."""
        with self._reading() as connection:
            spec = connection.execute(sql.READ_SPEC, {"of_job": job_id}).scalar()
        if spec is None:
            raise _unknown(job_id)
        return _decode_spec(spec)

    def labels(self, job_id: str) -> Iterator[tuple[str, ...]]:
        """Yield the labels of a job, shard by shard in order."""
        for row in self._pages(sql.READ_LABELS, job_id):
            yield _decode_labels(row.labels)

    def parts(self, job_id: str) -> Iterator[StoredPart]:
        """Yield what is recorded of a job, in order of position."""
        for row in self._pages(sql.READ_PARTS, job_id):
            yield StoredPart(row.first, row.attempt, row.results)

    def cancel(self, job_id: str) -> tuple[JobRecord, int]:
        """Cancel an open job; return it and how many circuits that stopped (0: it had ended).

        The leases end in the same transaction, so whatever still runs can record nothing.
        """
        with self._writing() as connection:
            accepted = connection.execute(sql.CANCEL_JOB, {"of_job": job_id, "at": time.time()}).rowcount
            job = _job(connection, job_id)
            if not accepted:
                return job, 0
            connection.execute(sql.CANCEL_SHARDS, {"of_job": job_id})
            return job, job.circuits - job.done

    def claim(self, holder: str, limit: int) -> list[Shard]:
        """Lease up to `limit` open shards to `holder`, oldest job first. Writes nothing where none is open."""
        with self._reading() as connection:
            if connection.execute(sql.FIND_OPEN_SHARDS, self._now(limit)).first() is None:
                return []
        with self._writing() as connection:
            return self._claim(connection, holder, limit)

    def lost(self, leases: Sequence[Lease]) -> list[Lease]:
        """Return those of `leases` that no longer hold. Writes nothing."""
        with self._reading() as connection:
            return [lease for lease in leases if connection.execute(sql.FIND_LEASE, _fence(lease)).first() is None]

    def renew(self, leases: Sequence[Lease]) -> list[Lease]:
        """Prolong leases; return those that are lost (cancelled, or taken over)."""
        if not leases:
            return []
        until = {"until": self._until(), "boot": self._clock.boot()}
        with self._writing() as connection:
            return [
                lease for lease in leases if not connection.execute(sql.RENEW_SHARD, _fence(lease) | until).rowcount
            ]

    def record(self, parts: Sequence[Part]) -> list[Recorded]:
        """Record parts in one transaction, each only where its lease still holds."""
        with self._writing() as connection:
            return _record_parts(connection, parts)

    def exchange(self, parts: Sequence[Part], holder: str, limit: int) -> tuple[list[Recorded], list[Shard]]:
        """Record, then claim, in one transaction: one commit where two would be."""
        with self._writing() as connection:
            return _record_parts(connection, parts), self._claim(connection, holder, limit)

    def release(self, lease: Lease, suspect: int | None = None, verdict: Fault | None = None) -> bool:
        """Give a shard back for another attempt; say whether the lease still held."""
        blame = {"of_suspect": suspect, "of_verdict": verdict and _encode(verdict)}
        with self._writing() as connection:
            return bool(connection.execute(sql.RELEASE_SHARD, _fence(lease) | blame).rowcount)

    def holders(self) -> list[str]:
        """Return the names under which leases are held."""
        with self._reading() as connection:
            return list(connection.execute(sql.FIND_HOLDERS).scalars())

    def revoke(self, holder: str) -> int:
        """Give back every shard that `holder`, which is known to be dead, holds; say how many those were."""
        with self._writing() as connection:
            return connection.execute(sql.REVOKE_SHARDS, {"of_holder": holder}).rowcount

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def _claim(self, connection: Connection, holder: str, limit: int) -> list[Shard]:
        found = connection.execute(sql.FIND_OPEN_SHARDS, self._now(limit)).all()
        for job_id in {row.job_id for row in found}:
            connection.execute(sql.START_JOB, {"of_job": job_id})
        return [self._lease(connection, row, holder) for row in found]

    def _lease(self, connection: Connection, row: _Row, holder: str) -> Shard:
        lease = Lease(row.job_id, row.number, row.attempt + 1, holder)
        fence = _fence(lease)
        connection.execute(sql.LEASE_SHARD, fence | {"until": self._until(), "boot": self._clock.boot()})
        connection.execute(
            sql.ADD_ATTEMPT,
            {
                "job_id": lease.job_id,
                "shard": lease.shard,
                "attempt": lease.attempt,
                "holder": holder,
                "started_at": time.time(),
            },
        )
        work = connection.execute(sql.READ_WORK, {"of_job": lease.job_id, "of_shard": lease.shard}).one()
        return Shard(
            lease=lease,
            spec=_decode_spec(work.spec),
            first=row.first + row.done,
            labels=_decode_labels(work.labels)[row.done :],
            sources=_decode_sources(work.sources)[row.done :],
            suspect=row.suspect,
            verdict=row.verdict and _decode_fault(row.verdict),
        )

    def _now(self, limit: int) -> dict[str, object]:
        return {"now": self._clock.now(), "boot": self._clock.boot(), "most": limit}

    def _until(self) -> float:
        return self._clock.now() + self._lease_seconds

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """One transaction; where the database refuses it, nothing of it happened."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            message = f"the store {self._engine.url.database} cannot be written: {error.orig}"
            raise StoreError(message) from error

    def _reading(self) -> Connection:
        return self._engine.connect().execution_options(reading=True)

    def _pages(self, statement: Any, job_id: str) -> Iterator[_Row]:  # noqa: ANN401 -- a select of any columns
        """Read page by page, so that a slow reader never holds a lock against writers."""
        after = -1
        while True:
            with self._reading() as connection:
                rows = connection.execute(statement, {"of_job": job_id, "after": after, "page": _PAGE}).all()
            yield from rows
            if len(rows) < _PAGE:
                return
            after = rows[-1][0]


def _fence(lease: Lease) -> dict[str, object]:
    return {
        "of_job": lease.job_id,
        "of_shard": lease.shard,
        "of_attempt": lease.attempt,
        "of_holder": lease.holder,
    }


def _earlier(connection: Connection, submission: Submission) -> JobRecord | None:
    batch = submission.batch
    row = connection.execute(sql.FIND_KEY, {"of_owner": submission.owner, "of_key": batch.key}).one_or_none()
    if row is None:
        return None
    if row.digest != batch.digest:
        message = f"the key {batch.key!r} was used for another batch (job {row.id}): choose another key"
        raise KeyConflictError(message)
    return _record(row)


def _add(connection: Connection, submission: Submission) -> JobRecord:
    batch = submission.batch
    job_id = uuid.uuid4().hex
    connection.execute(
        sql.ADD_JOB,
        {
            "id": job_id,
            "owner": submission.owner,
            "key": batch.key,
            "digest": batch.digest,
            "tag": batch.tag,
            "status": JobStatus.PENDING,
            "target": batch.spec.target,
            "spec": _encode(batch.spec),
            "circuits": len(batch.labels),
            "created_at": time.time(),
        },
    )
    for number, (first, end) in enumerate(submission.bounds):
        _add_shard(connection, batch, job_id, number, slice(first, end))
    return _job(connection, job_id)


def _add_shard(connection: Connection, batch: Batch, job_id: str, number: int, span: slice) -> None:
    sources = [source.encode("utf-8", "surrogatepass") for source in batch.sources[span]]
    connection.execute(
        sql.ADD_SHARD,
        {"job_id": job_id, "number": number, "first": span.start, "size": len(sources), "status": "QUEUED"},
    )
    connection.execute(
        sql.ADD_PAYLOAD,
        {"job_id": job_id, "shard": number, "labels": _encode(batch.labels[span]), "sources": _encode(sources)},
    )


def _record_parts(connection: Connection, parts: Sequence[Part]) -> list[Recorded]:
    recorded = [Recorded(part, _record_part(connection, part)) for part in parts]
    for job_id in {part.lease.job_id for part in parts if part.last}:
        connection.execute(sql.END_JOB, {"of_job": job_id, "at": time.time()})
    return recorded


def _record_part(connection: Connection, part: Part) -> bool:
    advanced = connection.execute(
        sql.ADVANCE_SHARD[part.last], _fence(part.lease) | {"from_position": part.first, "count": part.size}
    )
    if not advanced.rowcount:
        return False
    if part.size:
        _add_results(connection, part)
    return True


def _add_results(connection: Connection, part: Part) -> None:
    job_id = part.lease.job_id
    connection.execute(
        sql.ADD_RESULTS,
        {
            "job_id": job_id,
            "first": part.first,
            "shard": part.lease.shard,
            "attempt": part.lease.attempt,
            "size": part.size,
            "results": part.results,
        },
    )
    connection.execute(
        sql.ADVANCE_JOB,
        {
            "of_job": job_id,
            "count": part.size,
            "faults": part.failed,
            "seconds": part.seconds,
        },
    )


def _job(connection: Connection, job_id: str) -> JobRecord:
    row = connection.execute(sql.READ_JOB, {"of_job": job_id}).one_or_none()
    if row is None:
        raise _unknown(job_id)
    return _record(row)


def _record(row: _Row) -> JobRecord:
    return JobRecord(
        id=row.id,
        owner=row.owner,
        tag=row.tag,
        status=JobStatus(row.status),
        cancel_requested=bool(row.cancel_requested),
        target=row.target,
        circuits=row.circuits,
        done=row.done,
        failed=row.failed,
        run_time=row.run_time,
        created_at=datetime.fromtimestamp(row.created_at, UTC),
        finished_at=None if row.finished_at is None else datetime.fromtimestamp(row.finished_at, UTC),
    )


def _unknown(job_id: str) -> UnknownJobError:
    return UnknownJobError(f"no job {job_id!r} in this store")
