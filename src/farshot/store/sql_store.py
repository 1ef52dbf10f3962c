"""`SqlStore`: the job store on SQLite or PostgreSQL. A public method is one transaction unless it says otherwise."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from farshot.accounts import NO_LIMITS
from farshot.errors import BrokenJobError, StoreError, UnknownJobError
from farshot.model import EVERY_JOB
from farshot.protocols import Exchange
from farshot.store import statements as sql
from farshot.store.circuits import read_circuits
from farshot.store.claims import Claim, claim_shards, find_jobs_to_lock, find_outranked, find_ready_owners
from farshot.store.clock import Moment, read_moment
from farshot.store.disk_space import DiskSpace
from farshot.store.encoding import encode
from farshot.store.errors import naming_job
from farshot.store.fair_queue import Charges, apply_charges
from farshot.store.integrity import find_faults
from farshot.store.lists import count_ahead, list_changed, list_jobs, read_backlog, read_progress
from farshot.store.maintenance import compact, copy_to, delete_jobs, prune
from farshot.store.records import (
    end_open,
    end_overdue,
    find_overdue,
    give_shard_back,
    prolong_lease,
    record_parts,
    release_shard,
)
from farshot.store.results import read_labels, read_parts, read_recorded
from farshot.store.rows import fence, read_job, read_spec, to_record, unknown_job_error
from farshot.store.submissions import find_keyed, put, try_to_put
from farshot.store.transactions import Transactions, lock_jobs, mark_changed
from farshot.store.usage import read_shots, read_usage, read_usages

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Connection, Engine

    from farshot.accounts import Quota
    from farshot.model import (
        BacklogEntry,
        Fault,
        Forecast,
        JobFilter,
        JobProgress,
        JobRecord,
        JobSpec,
        Lease,
        ResultSlice,
        Shard,
        Usage,
    )
    from farshot.protocols import Clock, Recorded, StoredCircuits, StoredPart
    from farshot.submission import Submission


_NO_SECONDS: Mapping[Lease, float] = MappingProxyType({})
_NO_FORECASTS: Mapping[Lease, Forecast] = MappingProxyType({})


class SqlStore:
    """A `JobStore`, which documents its methods in full, in one SQL database.

    A lease lasts `lease_seconds` by `clock`, by default the machine's for SQLite and the server's for PostgreSQL. An
    owner has at most `running_limit` shards leased at a time, and its usage is within `quota`, unless its user has
    limits of its own. Safe from any thread.
    """

    def __init__(
        self,
        engine: Engine,
        clock: Clock | None = None,
        *,
        lease_seconds: float = 10.0,
        running_limit: int | None = None,
        quota: Quota = NO_LIMITS,
    ) -> None:
        """Use `engine`, whose schema must be current."""
        self._is_file = engine.dialect.name == "sqlite"
        self._transactions = Transactions(engine)
        self.disk = DiskSpace(engine.url)
        self._clock = clock
        self._lease_seconds = lease_seconds
        self._running_limit = running_limit
        self._quota = quota

    @property
    def lease_seconds(self) -> float:
        """Seconds that a lease lasts unless it is renewed."""
        return self._lease_seconds

    @property
    def adds_and_claims_at_once(self) -> bool:
        """Return whether `exchange` is one transaction."""
        return self._is_file

    def add(self, submission: Submission) -> JobRecord:
        """Make the job durable and return it; the same owner and key give the existing job.

        Raises `KeyConflictError` if that job has another body, `QuotaError` if its owner would have too much,
        `StoreError` if it cannot be written, `StoreFullError` if there is no space for a new one.
        """
        if self.disk.shortage() is not None and self.keyed(submission.owner, submission.batch.key) is None:
            self.disk.check()
        return self._transactions.write(lambda connection: self._add(connection, submission))

    def job(self, job_id: str) -> JobRecord:
        """Return one job; raises `UnknownJobError`."""
        return self._transactions.query(read_job, job_id)

    def jobs(self, wanted: JobFilter = EVERY_JOB, limit: int = 50) -> list[JobRecord]:
        """Return the newest jobs that match the filter `wanted`, the newest first."""
        return self._transactions.query(list_jobs, wanted, limit)

    def events(self, owner: str | None, after: int, limit: int = 100) -> list[JobRecord]:
        """Return the jobs of `owner` (None: of everybody) that changed after the change `after`, in that order."""
        return self._transactions.query(list_changed, owner, after, limit)

    def changes(self) -> int:
        """Return the number of the last change."""
        with self._transactions.read() as connection:
            return int(connection.execute(sql.LAST_CHANGE).scalar_one())

    def keyed(self, owner: str, key: str) -> JobRecord | None:
        """Return the job that `owner` made with `key`; None if there is none."""
        row = self._transactions.query(find_keyed, owner, key)
        return None if row is None else to_record(row)

    def usage(self, owner: str) -> Usage:
        """Return the usage of `owner`: in the store now, and of shots in the last 24 hours."""
        with self._transactions.read() as connection:
            return read_usage(connection, owner, self._moment(connection).wall)

    def usages(self) -> dict[str, Usage]:
        """Return the usage of every owner that has any, by name."""
        with self._transactions.read() as connection:
            return read_usages(connection, self._moment(connection).wall)

    def shots(self, owner: str, since: datetime) -> dict[str, int]:
        """Return the shots of every job that `owner` made at `since` or later, by job id."""
        return self._transactions.query(read_shots, owner, since.timestamp())

    def backlog(self) -> list[BacklogEntry]:
        """Return the accepted jobs of all owners that have not ended, by status and target."""
        return self._transactions.query(read_backlog)

    def ahead(self, job_id: str) -> int:
        """Return how many other jobs are begun before this job's first waiting shard; 0 if none waits."""
        with self._transactions.read() as connection:
            return count_ahead(connection, self._moment(connection), job_id)

    def effort(self, job_id: str) -> JobProgress:
        """Return the guessed cost of a job, the part of it that is done, and the forecasts of its running circuits."""
        return self._transactions.query(read_progress, job_id)

    def spec(self, job_id: str) -> JobSpec:
        """Return the specification of a job without its template; raises `UnknownJobError`."""
        return self._transactions.query(read_spec, job_id)

    def labels(self, job_id: str) -> Iterator[tuple[str, ...]]:
        """Yield the labels of a job, shard by shard in order."""
        return read_labels(self._transactions, job_id)

    def circuits(self, job_id: str, start: int = 0) -> Iterator[StoredCircuits]:
        """Yield the circuits of a job from the shard with position `start` on; raises `StoreCorruptError`."""
        return read_circuits(self._transactions, job_id, start)

    def parts(self, job_id: str, after: int = -1) -> Iterator[StoredPart]:
        """Yield the parts of a job behind the one at position `after`; a damaged part holds faults that say so."""
        return read_parts(self._transactions, job_id, after)

    def recorded(self, job_id: str, after: int = 0) -> Iterator[StoredPart]:
        """Yield the parts of a job that were recorded after the part of number `after`, in order of time."""
        return read_recorded(self._transactions, job_id, after)

    def cancel(self, job_id: str) -> tuple[JobRecord, int | None]:
        """Cancel an open job; return it and how many circuits that stopped (None: it had ended).

        The leases end in the same transaction, so the shards that still run can record nothing.
        """
        return self._transactions.write(lambda connection: self._cancel(connection, job_id))

    def expire(self) -> list[str]:
        """End the running jobs that are out of time as FAILED, and return their ids. Writes nothing if there are none.

        Each job has a transaction of its own; `BrokenJobError` for one that cannot be ended comes after the others.
        """
        with self._transactions.read() as connection:
            found = find_overdue(connection, self._moment(connection))
        ended: list[str] = []
        broken: list[BrokenJobError] = []
        for job_id, timeout in found.items():
            try:
                ended += self._transactions.write(partial(self._expire, job_id=job_id, timeout=timeout))
            except BrokenJobError as error:
                broken.append(error)
        if broken:
            raise broken[0]
        return ended

    def end(self, job_id: str, fault: Fault) -> bool:
        """End an open job as FAILED for the reason `fault`; return whether it was open."""
        end = partial(end_open, fault=fault)
        return bool(self._transactions.write(lambda connection: self._end(connection, job_id, end)))

    def claim(self, holder: str, limit: int, excluded: Collection[str] = ()) -> list[Shard]:
        """Lease up to `limit` open shards to `holder`, in order of turns. Writes nothing if none is open."""
        request = self._request(holder, limit, excluded)
        with self._transactions.read() as connection:
            if not find_ready_owners(connection, request, self._moment(connection)):
                return []
        return self._transactions.write(lambda connection: self._exchange(connection, (), request)[1])

    def outranked(self, owners: Collection[str]) -> set[str]:
        """Return those of `owners` behind another one that waits and may run one more shard. Writes nothing."""
        with self._transactions.read() as connection:
            return find_outranked(connection, owners, self._request("", 1), self._moment(connection))

    def lost(self, leases: Sequence[Lease]) -> list[Lease]:
        """Return those of `leases` that no longer hold. Writes nothing."""
        with self._transactions.read() as connection:
            return [lease for lease in leases if connection.execute(sql.FIND_LEASE, fence(lease)).first() is None]

    def renew(
        self,
        leases: Sequence[Lease],
        seconds: Mapping[Lease, float] = _NO_SECONDS,
        forecasts: Mapping[Lease, Forecast] = _NO_FORECASTS,
    ) -> list[Lease]:
        """Prolong leases and charge their owners; return those that are lost (cancelled, or taken over)."""
        if not leases:
            return []
        return self._transactions.write(lambda connection: self._renew(connection, leases, seconds, forecasts))

    def record(self, parts: Sequence[ResultSlice]) -> list[Recorded]:
        """Record parts in one transaction, each only if its lease still holds."""
        request = self._request("", 0)
        return self._transactions.write(lambda connection: self._exchange(connection, parts, request)[0])

    def exchange(
        self,
        parts: Sequence[ResultSlice],
        holder: str,
        limit: int,
        excluded: Collection[str] = (),
        submissions: Sequence[Submission] = (),
    ) -> Exchange:
        """Add jobs, record, then claim; in a file in one transaction.

        On a server, one transaction would lock jobs twice, in no order.
        """
        request = self._request(holder, limit, excluded)
        if self._is_file and not (submissions and self.disk.shortage()):
            return self._transactions.write(lambda connection: self._add_all(connection, submissions, parts, request))
        added = [self._try_to_add(submission) for submission in submissions]
        recorded, claimed = self._transactions.write(lambda connection: self._exchange(connection, parts, request))
        return Exchange(recorded, claimed, [self._refresh(job) for job in added])

    def release(
        self, lease: Lease, suspect: int | None = None, verdict: Fault | None = None, seconds: float = 0.0
    ) -> bool:
        """Give a shard back for another attempt and charge its owner; return whether the lease still held."""
        blame = {"of_suspect": suspect, "of_verdict": verdict and encode(verdict)}
        return self._transactions.write(lambda connection: release_shard(connection, lease, blame, seconds))

    def give_back(self, lease: Lease, seconds: float = 0.0) -> bool:
        """Give a shard back without counting the attempt, charge its owner; return whether the lease still held."""
        return self._transactions.write(lambda connection: give_shard_back(connection, lease, seconds))

    def holders(self) -> list[str]:
        """Return the names under which leases are held."""
        with self._transactions.read() as connection:
            return list(connection.execute(sql.FIND_HOLDERS).scalars())

    def delete(self, job_id: str) -> None:
        """Delete a job with all that belongs to it, running or not; raises `UnknownJobError`."""
        self._transactions.write(lambda connection: self._delete(connection, job_id))

    def revoke(self, holder: str) -> int:
        """Give back every shard that `holder`, which is known to be dead, holds; return how many those were."""
        return self._transactions.write(lambda connection: self._revoke(connection, holder))

    def prune(self, older_than: float) -> int:
        """Delete the jobs that ended more than `older_than` seconds ago; return how many those were.

        A few at a time, so that writers never wait long. Open jobs are kept, however old.
        """
        with self._transactions.read() as connection:
            now = self._moment(connection).wall
        return prune(self._transactions, self.disk, older_than, now)

    def compact(self) -> int:
        """Give the space of deleted rows back to the file system; return how many bytes that was.

        Raises `StoreError` for PostgreSQL, which has `VACUUM FULL` for this.
        """
        if not self._is_file:
            message = "a store on PostgreSQL is compacted with VACUUM FULL"
            raise StoreError(message)
        try:
            with self._transactions.unmanaged() as connection:
                return compact(connection)
        finally:
            self.disk.keep_reserve()

    def ended(self, older_than: float) -> int:
        """Return how many jobs ended more than `older_than` seconds ago: those that `prune` would delete."""
        with self._transactions.read() as connection:
            before = self._moment(connection).wall - older_than
            return int(connection.execute(sql.COUNT_ENDED_JOBS, {"before": before}).scalar_one())

    def faults(self) -> list[str]:
        """Read the whole database and return its faults; of the damaged values only the first."""
        return find_faults(self._transactions)

    def backup(self, target: Path) -> None:
        """Copy the database, as it is at one moment, to the new file `target`, while others may use it.

        Raises `StoreError` if the file exists or cannot be written, and for PostgreSQL, which has `pg_dump` for this.
        """
        if not self._is_file:
            message = "a store on PostgreSQL is backed up with pg_dump"
            raise StoreError(message)
        with self._transactions.unmanaged() as connection:
            copy_to(connection, target)

    def close(self) -> None:
        """Close the connections to the database."""
        self._transactions.close()

    def _cancel(self, connection: Connection, job_id: str) -> tuple[JobRecord, int | None]:
        at = self._moment(connection).wall
        accepted = connection.execute(sql.CANCEL_JOB, {"of_job": job_id, "at": at}).rowcount
        job = read_job(connection, job_id)
        if not accepted:
            return job, None
        connection.execute(sql.CANCEL_SHARDS, {"of_job": job_id})
        mark_changed(connection, [job_id])
        return read_job(connection, job_id), job.circuits - job.done

    def _add(self, connection: Connection, submission: Submission) -> JobRecord:
        job_id, is_new = put(connection, submission, self._moment(connection).wall, self._quota)
        mark_changed(connection, [job_id] if is_new else [])
        return read_job(connection, job_id)

    def _add_all(
        self, connection: Connection, submissions: Sequence[Submission], parts: Sequence[ResultSlice], request: Claim
    ) -> Exchange:
        at = self._moment(connection).wall
        outcomes = [try_to_put(connection, submission, at, self._quota) for submission in submissions]
        new = [done[0] for done in outcomes if not isinstance(done, Exception) and done[1]]
        recorded, claimed = self._exchange(connection, parts, request, new)
        added = [done if isinstance(done, Exception) else read_job(connection, done[0]) for done in outcomes]
        return Exchange(recorded, claimed, added)

    def _try_to_add(self, submission: Submission) -> JobRecord | Exception:
        try:
            return self.add(submission)
        except Exception as error:  # noqa: BLE001 -- as in `try_to_put`
            return error

    def _refresh(self, job: JobRecord | Exception) -> JobRecord | Exception:
        """Return a job as it is by now, or as it was if it was deleted."""
        if isinstance(job, Exception):
            return job
        with suppress(UnknownJobError):
            return self.job(job.id)
        return job

    def _delete(self, connection: Connection, job_id: str) -> None:
        lock_jobs(connection, [job_id])
        if not delete_jobs(connection, [job_id], self._moment(connection).wall):
            raise unknown_job_error(job_id)

    def _expire(self, connection: Connection, job_id: str, timeout: float) -> list[str]:
        with naming_job([job_id]):
            return self._end(connection, job_id, partial(end_overdue, timeout=timeout))

    def _end(self, connection: Connection, job_id: str, end: Callable[..., bool]) -> list[str]:
        lock_jobs(connection, [job_id])
        ended = [job_id] if end(connection, job_id, now=self._moment(connection)) else []
        mark_changed(connection, ended)
        return ended

    def _renew(
        self,
        connection: Connection,
        leases: Sequence[Lease],
        seconds: Mapping[Lease, float],
        forecasts: Mapping[Lease, Forecast],
    ) -> list[Lease]:
        lock_jobs(connection, (lease.job_id for lease in leases))
        now = self._moment(connection)
        until = {"until": now.now + self._lease_seconds, "boot": now.boot}
        charges, lost = Charges(), []
        for lease in leases:
            columns = until | {"of_forecast": encode(forecasts[lease]) if lease in forecasts else None}
            if not prolong_lease(connection, lease, columns, seconds.get(lease, 0.0), charges):
                lost.append(lease)
        apply_charges(connection, charges)
        return lost

    def _exchange(
        self, connection: Connection, parts: Sequence[ResultSlice], request: Claim, new: Sequence[str] = ()
    ) -> tuple[list[Recorded], list[Shard]]:
        now = self._moment(connection)
        ending = [part.lease.job_id for part in parts if part.last]
        locked = None if self._is_file else find_jobs_to_lock(connection, request, ending, now)
        lock_jobs(connection, (locked or set()) | {part.lease.job_id for part in parts})
        charges = Charges()
        recorded = record_parts(connection, parts, now.wall, charges, self._quota)
        claimed = claim_shards(connection, request, locked, now, charges)
        apply_charges(connection, charges)
        changed = [*new, *_changed_jobs(recorded), *(shard.lease.job_id for shard in claimed)]
        mark_changed(connection, changed, charges.virtual_time)
        return recorded, claimed

    def _revoke(self, connection: Connection, holder: str) -> int:
        of_holder = {"of_holder": holder}
        lock_jobs(connection, connection.execute(sql.FIND_JOBS_OF_HOLDER, of_holder).scalars())
        return connection.execute(sql.REVOKE_SHARDS, of_holder).rowcount

    def _moment(self, connection: Connection) -> Moment:
        return read_moment(connection, self._clock)

    def _request(self, holder: str, limit: int, excluded: Collection[str] = ()) -> Claim:
        return Claim(holder, limit, self._lease_seconds, self._running_limit, frozenset(excluded))


def _changed_jobs(recorded: Iterable[Recorded]) -> Iterator[str]:
    """Yield the jobs that recording changed, with those that ended since their results are too large to be stored."""
    return (done.part.lease.job_id for done in recorded if done.accepted or done.ended)
