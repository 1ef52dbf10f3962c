"""`SqlStore`: the job store on SQLite or PostgreSQL. Every public method is one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from farshot.errors import StoreError
from farshot.model import JobSpec, Lease, Shard
from farshot.protocols import StoredPart
from farshot.store import statements as sql
from farshot.store.adding import add, earlier
from farshot.store.clock import BootClock, Moment, moment
from farshot.store.expiry import end_overdue, overdue
from farshot.store.keeping import copy_to, delete_ended, faults_of
from farshot.store.recording import record_parts
from farshot.store.rows import decode_fault, fence, read_job, to_record, unknown
from farshot.store.schema import jobs, shards
from farshot.store.transactions import Transactions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from sqlalchemy import Connection, Engine

    from farshot.contract import JobStatus
    from farshot.model import Fault, JobRecord, Part, Submission
    from farshot.protocols import Clock, Recorded
    from farshot.store.rows import AnyRow

__all__ = ["SqlStore"]

_encode = msgspec.msgpack.Encoder().encode
_decode_labels = msgspec.msgpack.Decoder(tuple[str, ...]).decode
_decode_sources = msgspec.msgpack.Decoder(tuple[bytes, ...]).decode
_decode_spec = msgspec.msgpack.Decoder(JobSpec).decode
_PAGE = 64
_PRUNED_AT_ONCE = 16


class SqlStore:
    """Jobs, shards, attempts and results in one SQL database.

    A lease lasts `lease_seconds` by `clock`: unless told, the machine's for SQLite and the server's for
    PostgreSQL. Safe from any thread.
    """

    def __init__(self, engine: Engine, clock: Clock | None = None, *, lease_seconds: float = 10.0) -> None:
        """Use `engine`, whose schema must be current."""
        self._is_file = engine.dialect.name == "sqlite"
        self._transactions = Transactions(engine)
        self._clock = clock or (BootClock() if self._is_file else None)
        self._lease_seconds = lease_seconds

    @property
    def lease_seconds(self) -> float:
        """How long a lease lasts unless it is renewed."""
        return self._lease_seconds

    def add(self, submission: Submission) -> JobRecord:
        """Make the job durable and return it; the same owner and key give the job that is there.

        Raises `KeyConflictError` where that job has another body, `StoreError` where it cannot be written.
        """
        return self._transactions.write(
            lambda connection: (
                earlier(connection, submission) or add(connection, submission, self._moment(connection).wall)
            )
        )

    def job(self, job_id: str) -> JobRecord:
        """Return one job; raises `UnknownJobError`."""
        with self._transactions.read() as connection:
            return read_job(connection, job_id)

    def jobs(self, *, status: JobStatus | None = None, tag: str | None = None, limit: int = 50) -> list[JobRecord]:
        """Return the newest jobs first."""
        statement = sql.LIST_JOBS.limit(limit)
        if status is not None:
            statement = statement.where(jobs.c.status == status)
        if tag is not None:
            statement = statement.where(jobs.c.tag == tag)
        with self._transactions.read() as connection:
            return [to_record(row) for row in connection.execute(statement)]

    def spec(self, job_id: str) -> JobSpec:
        """Return what holds for every circuit of a job; raises `UnknownJobError`."""
        with self._transactions.read() as connection:
            spec = connection.execute(sql.READ_SPEC, {"of_job": job_id}).scalar()
        if spec is None:
            raise unknown(job_id)
        return _decode_spec(spec)

    def labels(self, job_id: str) -> Iterator[tuple[str, ...]]:
        """Yield the labels of a job, shard by shard in order."""
        for row in self._pages(sql.READ_LABELS, job_id):
            yield _decode_labels(row.labels)

    def parts(self, job_id: str) -> Iterator[StoredPart]:
        """Yield what is recorded of a job, in order of position."""
        for row in self._pages(sql.READ_PARTS, job_id):
            yield StoredPart(row.first, row.attempt, row.results)

    def cancel(self, job_id: str) -> tuple[JobRecord, int | None]:
        """Cancel an open job; return it and how many circuits that stopped (None: it had ended).

        The leases end in the same transaction, so whatever still runs can record nothing.
        """
        return self._transactions.write(lambda connection: self._cancel(connection, job_id))

    def expire(self) -> list[str]:
        """End the running jobs whose time is over as FAILED, and return their ids. Writes nothing where none is."""
        with self._transactions.read() as connection:
            if not overdue(connection, self._moment(connection)):
                return []
        return self._transactions.write(self._expire)

    def claim(self, holder: str, limit: int) -> list[Shard]:
        """Lease up to `limit` open shards to `holder`, oldest job first. Writes nothing where none is open."""
        with self._transactions.read() as connection:
            if not self._open_jobs(connection, 1):
                return []
        return self._transactions.write(lambda connection: self._exchange(connection, (), holder, limit)[1])

    def lost(self, leases: Sequence[Lease]) -> list[Lease]:
        """Return those of `leases` that no longer hold. Writes nothing."""
        with self._transactions.read() as connection:
            return [lease for lease in leases if connection.execute(sql.FIND_LEASE, fence(lease)).first() is None]

    def renew(self, leases: Sequence[Lease]) -> list[Lease]:
        """Prolong leases; return those that are lost (cancelled, or taken over)."""
        if not leases:
            return []
        return self._transactions.write(lambda connection: self._renew(connection, leases))

    def record(self, parts: Sequence[Part]) -> list[Recorded]:
        """Record parts in one transaction, each only where its lease still holds."""
        return self._transactions.write(lambda connection: self._record(connection, parts))

    def exchange(self, parts: Sequence[Part], holder: str, limit: int) -> tuple[list[Recorded], list[Shard]]:
        """Record, then claim, in one transaction: one commit where two would be."""
        return self._transactions.write(lambda connection: self._exchange(connection, parts, holder, limit))

    def release(self, lease: Lease, suspect: int | None = None, verdict: Fault | None = None) -> bool:
        """Give a shard back for another attempt; say whether the lease still held."""
        blame = {"of_suspect": suspect, "of_verdict": verdict and _encode(verdict)}
        return self._transactions.write(
            lambda connection: bool(connection.execute(sql.RELEASE_SHARD, fence(lease) | blame).rowcount)
        )

    def holders(self) -> list[str]:
        """Return the names under which leases are held."""
        with self._transactions.read() as connection:
            return list(connection.execute(sql.FIND_HOLDERS).scalars())

    def revoke(self, holder: str) -> int:
        """Give back every shard that `holder`, which is known to be dead, holds; say how many those were."""
        return self._transactions.write(lambda connection: self._revoke(connection, holder))

    def prune(self, older_than: float) -> int:
        """Delete the jobs that ended more than `older_than` seconds ago; return how many those were.

        A few at a time, so that writers never wait long. Open jobs are kept, however old.
        """
        with self._transactions.read() as connection:
            before = self._moment(connection).wall - older_than
        deleted = 0
        while found := self._transactions.write(lambda connection: delete_ended(connection, before, _PRUNED_AT_ONCE)):
            deleted += found
        return deleted

    def faults(self) -> list[str]:
        """Read the whole database and return what is wrong with it: nothing, where all is well."""
        with self._transactions.read() as connection:
            return faults_of(connection)

    def backup(self, target: Path) -> None:
        """Copy the database, as it is at one moment, to the new file `target`, while others may use it.

        Raises `StoreError` where the file is there already or cannot be written, and for PostgreSQL, which has
        `pg_dump` for this.
        """
        if not self._is_file:
            message = "a store on PostgreSQL is backed up with pg_dump"
            raise StoreError(message)
        with self._transactions.unmanaged() as connection:
            copy_to(connection, target)

    def close(self) -> None:
        """Let go of the database."""
        self._transactions.engine.dispose()

    def _cancel(self, connection: Connection, job_id: str) -> tuple[JobRecord, int | None]:
        at = self._moment(connection).wall
        accepted = connection.execute(sql.CANCEL_JOB, {"of_job": job_id, "at": at}).rowcount
        job = read_job(connection, job_id)
        if not accepted:
            return job, None
        connection.execute(sql.CANCEL_SHARDS, {"of_job": job_id})
        return job, job.circuits - job.done

    def _expire(self, connection: Connection) -> list[str]:
        now = self._moment(connection)
        found = overdue(connection, now)
        self._lock(connection, found)
        return [job_id for job_id, timeout in found.items() if end_overdue(connection, job_id, timeout, now)]

    def _renew(self, connection: Connection, leases: Sequence[Lease]) -> list[Lease]:
        self._lock(connection, (lease.job_id for lease in leases))
        until = self._until(self._moment(connection))
        return [lease for lease in leases if not connection.execute(sql.RENEW_SHARD, fence(lease) | until).rowcount]

    def _record(self, connection: Connection, parts: Sequence[Part]) -> list[Recorded]:
        self._lock(connection, (part.lease.job_id for part in parts))
        return record_parts(connection, parts, self._moment(connection).wall)

    def _exchange(
        self, connection: Connection, parts: Sequence[Part], holder: str, limit: int
    ) -> tuple[list[Recorded], list[Shard]]:
        open_jobs = set() if self._is_file else self._open_jobs(connection, limit)
        self._lock(connection, open_jobs | {part.lease.job_id for part in parts})
        now = self._moment(connection)
        recorded = record_parts(connection, parts, now.wall)
        return recorded, self._claim(connection, holder, limit, open_jobs, now)

    def _claim(self, connection: Connection, holder: str, limit: int, open_jobs: set[str], now: Moment) -> list[Shard]:
        """Lease what is open; on a server, of `open_jobs`, which are locked."""
        statement = (
            sql.FIND_OPEN_SHARDS if self._is_file else sql.FIND_OPEN_SHARDS.where(shards.c.job_id.in_(open_jobs))
        )
        found = connection.execute(statement, {"now": now.now, "boot": now.boot, "most": limit}).all()
        for job_id in {row.job_id for row in found}:
            connection.execute(sql.START_JOB, {"of_job": job_id, "now": now.now, "boot": now.boot})
        return [self._lease(connection, row, holder, now) for row in found]

    def _lease(self, connection: Connection, row: AnyRow, holder: str, now: Moment) -> Shard:
        lease = Lease(row.job_id, row.number, row.attempt + 1, holder)
        connection.execute(sql.LEASE_SHARD, fence(lease) | self._until(now))
        connection.execute(
            sql.ADD_ATTEMPT,
            {
                "job_id": lease.job_id,
                "shard": lease.shard,
                "attempt": lease.attempt,
                "holder": holder,
                "started_at": now.wall,
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
            verdict=row.verdict and decode_fault(row.verdict),
        )

    def _revoke(self, connection: Connection, holder: str) -> int:
        of_holder = {"of_holder": holder}
        self._lock(connection, connection.execute(sql.FIND_JOBS_OF_HOLDER, of_holder).scalars())
        return connection.execute(sql.REVOKE_SHARDS, of_holder).rowcount

    def _open_jobs(self, connection: Connection, limit: int) -> set[str]:
        now = self._moment(connection)
        found = connection.execute(sql.FIND_OPEN_JOBS, {"now": now.now, "boot": now.boot, "most": limit})
        return set(found.scalars())

    def _lock(self, connection: Connection, job_ids: Iterable[str]) -> None:
        """Lock jobs, before anything else and in one order, so that no two transactions wait for each other.

        A file has one writer at a time anyway.
        """
        if not self._is_file:
            connection.execute(sql.LOCK_JOBS, {"of_jobs": sorted(set(job_ids))})

    def _moment(self, connection: Connection) -> Moment:
        return moment(connection, self._clock)

    def _until(self, now: Moment) -> dict[str, object]:
        return {"until": now.now + self._lease_seconds, "boot": now.boot}

    def _pages(self, statement: Any, job_id: str) -> Iterator[AnyRow]:  # noqa: ANN401 -- a select of any columns
        """Read page by page, so that a slow reader never holds a lock against writers."""
        after = -1
        while True:
            with self._transactions.read() as connection:
                rows = connection.execute(statement, {"of_job": job_id, "after": after, "page": _PAGE}).all()
            yield from rows
            if len(rows) < _PAGE:
                return
            after = rows[-1][0]
