"""`SqlStore`: the job store on SQLite or PostgreSQL. A public method is one transaction unless it says otherwise."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec

from farshot.accounts import NO_LIMITS
from farshot.errors import BrokenJobError, StoreError, StoreFullError, UnknownJobError
from farshot.model import EVERY_JOB
from farshot.protocols import Exchange
from farshot.store import statements as sql
from farshot.store.change_numbers import mark
from farshot.store.circuits import read_circuits
from farshot.store.claims import Claim, claim, has_open, jobs_to_lock, outranked
from farshot.store.clock import BootClock, Moment, moment
from farshot.store.disk_space import DiskSpace
from farshot.store.errors import blaming
from farshot.store.expiry import end_open, end_overdue, overdue
from farshot.store.fair_queue import Charges, charge
from farshot.store.integrity import damages, faults_of
from farshot.store.lists import ahead, backlog, effort, events, listed, shots, usage, usages
from farshot.store.maintenance import (
    PRUNED_AT_ONCE,
    compact,
    copy_to,
    delete_ended,
    delete_jobs,
    keep_spent,
    keep_spent_if_room,
)
from farshot.store.records import give_back, prolong, record_parts, release
from farshot.store.results import read_labels, read_parts, read_recorded
from farshot.store.rows import fence, read_job, read_spec, to_record, unknown
from farshot.store.submissions import put, put_apart
from farshot.store.transactions import Transactions

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
    from farshot.store.maintenance import Keep
    from farshot.submission import Submission


_encode = msgspec.msgpack.Encoder().encode
_FOUND_AT_MOST = 20
_NOTHING: Mapping[Lease, float] = MappingProxyType({})
_UNKNOWN: Mapping[Lease, Forecast] = MappingProxyType({})


class SqlStore:
    """Jobs, shards, attempts and results in one SQL database.

    A lease lasts `lease_seconds` by `clock`: unless told, the machine's for SQLite and the server's for
    PostgreSQL. An owner has at most `running_limit` shards leased at a time, and what else `quota` says, unless its
    user says otherwise. Safe from any thread.
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
        self.room = DiskSpace(engine.url)
        self._clock = clock or (BootClock() if self._is_file else None)
        self._lease_seconds = lease_seconds
        self._running_limit = running_limit
        self._quota = quota

    @property
    def lease_seconds(self) -> float:
        """How long a lease lasts unless it is renewed."""
        return self._lease_seconds

    @property
    def adds_and_claims_at_once(self) -> bool:
        """Whether `exchange` is one transaction."""
        return self._is_file

    def add(self, submission: Submission) -> JobRecord:
        """Make the job durable and return it; the same owner and key give the job that is there.

        Raises `KeyConflictError` where that job has another body, `QuotaError` where its owner would have too much,
        `StoreError` where it cannot be written, `StoreFullError` where there is no room for a new one.
        """
        if self.room.shortage() is not None and self.keyed(submission.owner, submission.batch.key) is None:
            self.room.check()
        return self._transactions.write(lambda connection: self._add(connection, submission))

    def job(self, job_id: str) -> JobRecord:
        """Return one job; raises `UnknownJobError`."""
        with self._transactions.read() as connection:
            return read_job(connection, job_id)

    def jobs(self, wanted: JobFilter = EVERY_JOB, limit: int = 50) -> list[JobRecord]:
        """Return the newest jobs that are wanted, the newest first."""
        with self._transactions.read() as connection:
            return listed(connection, wanted, limit)

    def events(self, owner: str | None, after: int, limit: int = 100) -> list[JobRecord]:
        """Return the jobs of `owner` (None: of everybody) that changed after the change `after`, in that order."""
        with self._transactions.read() as connection:
            return events(connection, owner, after, limit)

    def changes(self) -> int:
        """Return the number of the last change."""
        with self._transactions.read() as connection:
            return int(connection.execute(sql.LAST_CHANGE).scalar_one())

    def keyed(self, owner: str, key: str) -> JobRecord | None:
        """Return the job that `owner` made with `key`; None where there is none."""
        with self._transactions.read() as connection:
            row = connection.execute(sql.FIND_KEY, {"of_owner": owner, "of_key": key}).one_or_none()
        return None if row is None else to_record(row)

    def usage(self, owner: str) -> Usage:
        """Return what `owner` has in the store and has used of it in the last 24 hours."""
        with self._transactions.read() as connection:
            return usage(connection, owner, self._moment(connection).wall)

    def usages(self) -> dict[str, Usage]:
        """Return the same of every owner that has anything, by name."""
        with self._transactions.read() as connection:
            return usages(connection, self._moment(connection).wall)

    def shots(self, owner: str, since: datetime) -> dict[str, int]:
        """Return the shots of every job that `owner` made at `since` or later, by its id."""
        with self._transactions.read() as connection:
            return shots(connection, owner, since.timestamp())

    def backlog(self) -> list[BacklogEntry]:
        """Return what is accepted and not done, of everybody, by status and target."""
        with self._transactions.read() as connection:
            return backlog(connection)

    def ahead(self, job_id: str) -> int:
        """Return how many other jobs are begun before this job's first waiting shard; 0 where nothing of it waits."""
        with self._transactions.read() as connection:
            return ahead(connection, self._moment(connection), job_id)

    def effort(self, job_id: str) -> JobProgress:
        """Return what a job was guessed to take, and how much of that is done."""
        with self._transactions.read() as connection:
            return effort(connection, job_id)

    def spec(self, job_id: str) -> JobSpec:
        """Return what holds for every circuit of a job but its template; raises `UnknownJobError`."""
        with self._transactions.read() as connection:
            return read_spec(connection, job_id)

    def labels(self, job_id: str) -> Iterator[tuple[str, ...]]:
        """Yield the labels of a job, shard by shard in order."""
        return read_labels(self._transactions, job_id)

    def circuits(self, job_id: str, start: int = 0) -> Iterator[StoredCircuits]:
        """Yield the circuits of a job, shard by shard in order, from the shard on that holds position `start`.

        Raises `StoreCorruptError` where they are not what was submitted.
        """
        return read_circuits(self._transactions, job_id, start)

    def parts(self, job_id: str, after: int = -1) -> Iterator[StoredPart]:
        """Yield what is recorded of a job behind the part at position `after`, in order of position.

        Where that is damaged, its circuits have a fault that says so.
        """
        return read_parts(self._transactions, job_id, after)

    def recorded(self, job_id: str, after: int = 0) -> Iterator[StoredPart]:
        """Yield what was recorded of a job after the part of number `after`, in order of time."""
        return read_recorded(self._transactions, job_id, after)

    def cancel(self, job_id: str) -> tuple[JobRecord, int | None]:
        """Cancel an open job; return it and how many circuits that stopped (None: it had ended).

        The leases end in the same transaction, so whatever still runs can record nothing.
        """
        return self._transactions.write(lambda connection: self._cancel(connection, job_id))

    def expire(self) -> list[str]:
        """End the running jobs whose time is over as FAILED, and return their ids. Writes nothing where none is.

        One transaction a job; `BrokenJobError` for one that cannot be ended comes once the others are.
        """
        with self._transactions.read() as connection:
            found = overdue(connection, self._moment(connection))
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
        """End an open job as FAILED for the reason `fault`; say whether it was open."""
        end = partial(end_open, fault=fault)
        return bool(self._transactions.write(lambda connection: self._ended(connection, job_id, end)))

    def claim(self, holder: str, limit: int, excluded: Collection[str] = ()) -> list[Shard]:
        """Lease up to `limit` open shards to `holder`, in order of their turns, none of the owners `excluded`. Writes
        nothing where none is open.
        """
        wanted = self._wanted(holder, limit, excluded)
        with self._transactions.read() as connection:
            if not has_open(connection, wanted, self._moment(connection)):
                return []
        return self._transactions.write(lambda connection: self._exchange(connection, (), wanted)[1])

    def outranked(self, owners: Collection[str]) -> set[str]:
        """Return those of `owners` behind another who waits and may run one more shard. Writes nothing."""
        with self._transactions.read() as connection:
            return outranked(connection, owners, self._wanted("", 1), self._moment(connection))

    def lost(self, leases: Sequence[Lease]) -> list[Lease]:
        """Return those of `leases` that no longer hold. Writes nothing."""
        with self._transactions.read() as connection:
            return [lease for lease in leases if connection.execute(sql.FIND_LEASE, fence(lease)).first() is None]

    def renew(
        self,
        leases: Sequence[Lease],
        seconds: Mapping[Lease, float] = _NOTHING,
        forecasts: Mapping[Lease, Forecast] = _UNKNOWN,
    ) -> list[Lease]:
        """Prolong leases; return those that are lost (cancelled, or taken over). Charge their owners for the `seconds`
        that have been spent on them and are not recorded; keep the `forecasts` of what runs under them.
        """
        if not leases:
            return []
        return self._transactions.write(lambda connection: self._renew(connection, leases, seconds, forecasts))

    def record(self, parts: Sequence[ResultSlice]) -> list[Recorded]:
        """Record parts in one transaction, each only where its lease still holds."""
        return self._transactions.write(lambda connection: self._record(connection, parts))

    def exchange(
        self,
        parts: Sequence[ResultSlice],
        holder: str,
        limit: int,
        excluded: Collection[str] = (),
        submissions: Sequence[Submission] = (),
    ) -> Exchange:
        """Add jobs, record, then claim; in a file in one transaction.

        What `add` raises of a submission is in its place. On a server, one transaction would lock jobs twice, in no
        order.
        """
        wanted = self._wanted(holder, limit, excluded)
        if self._is_file and not (submissions and self.room.shortage()):
            return self._transactions.write(lambda connection: self._add_all(connection, submissions, parts, wanted))
        added = [self._outcome(partial(self.add, submission)) for submission in submissions]
        recorded, claimed = self._transactions.write(lambda connection: self._exchange(connection, parts, wanted))
        return Exchange(recorded, claimed, [self._again(job) for job in added])

    def release(
        self, lease: Lease, suspect: int | None = None, verdict: Fault | None = None, seconds: float = 0.0
    ) -> bool:
        """Give a shard back for another attempt; say whether the lease still held. Its owner is charged for the
        `seconds` that were spent on it and are not recorded.
        """
        blame = {"of_suspect": suspect, "of_verdict": verdict and _encode(verdict)}
        return self._transactions.write(lambda connection: release(connection, lease, blame, seconds))

    def give_back(self, lease: Lease, seconds: float = 0.0) -> bool:
        """Give a shard back that nothing went wrong with, as if this attempt had not been; say whether the lease still
        held. Its owner is charged for the `seconds` that were spent on it and are not recorded.
        """
        return self._transactions.write(lambda connection: give_back(connection, lease, seconds))

    def holders(self) -> list[str]:
        """Return the names under which leases are held."""
        with self._transactions.read() as connection:
            return list(connection.execute(sql.FIND_HOLDERS).scalars())

    def delete(self, job_id: str) -> None:
        """Delete a job with all that belongs to it, running or not; raises `UnknownJobError`."""
        self._transactions.write(lambda connection: self._delete(connection, job_id))

    def revoke(self, holder: str) -> int:
        """Give back every shard that `holder`, which is known to be dead, holds; say how many those were."""
        return self._transactions.write(lambda connection: self._revoke(connection, holder))

    def prune(self, older_than: float) -> int:
        """Delete the jobs that ended more than `older_than` seconds ago; return how many those were.

        A few at a time, so that writers never wait long. Open jobs are kept, however old.
        """
        with self._transactions.read() as connection:
            now = self._moment(connection).wall
        try:
            return self._prune(older_than, now, PRUNED_AT_ONCE, keep_spent)
        except StoreFullError:
            with self.room.given_up():
                return self._prune(older_than, now, 1, keep_spent if self._is_file else keep_spent_if_room)

    def compact(self) -> int:
        """Give the room of what was deleted back to the file system; return how many bytes that was.

        Raises `StoreError` for PostgreSQL, which has `VACUUM FULL` for this.
        """
        if not self._is_file:
            message = "a store on PostgreSQL is compacted with VACUUM FULL"
            raise StoreError(message)
        try:
            with self._transactions.unmanaged() as connection:
                return compact(connection)
        finally:
            self.room.keep()

    def ended(self, older_than: float) -> int:
        """Return how many jobs ended more than `older_than` seconds ago: those that `prune` would delete."""
        with self._transactions.read() as connection:
            before = self._moment(connection).wall - older_than
            return int(connection.execute(sql.COUNT_ENDED_JOBS, {"before": before}).scalar_one())

    def faults(self) -> list[str]:
        """Read the whole database and return what is wrong with it: nothing, where all is well.

        Of what is not as it was written the first findings only.
        """
        with self._transactions.read() as connection:
            found = faults_of(connection)
        return found + list(islice(damages(self._transactions), _FOUND_AT_MOST))

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
        self._transactions.close()

    def _prune(self, older_than: float, now: float, most: int, keep: Keep) -> int:
        deleted = 0
        delete = partial(delete_ended, older_than=older_than, now=now, most=most, keep=keep)
        while found := self._transactions.write(delete):
            deleted += found
        return deleted

    def _cancel(self, connection: Connection, job_id: str) -> tuple[JobRecord, int | None]:
        at = self._moment(connection).wall
        accepted = connection.execute(sql.CANCEL_JOB, {"of_job": job_id, "at": at}).rowcount
        job = read_job(connection, job_id)
        if not accepted:
            return job, None
        connection.execute(sql.CANCEL_SHARDS, {"of_job": job_id})
        mark(connection, [job_id])
        return read_job(connection, job_id), job.circuits - job.done

    def _add(self, connection: Connection, submission: Submission) -> JobRecord:
        job_id, is_new = put(connection, submission, self._moment(connection).wall, self._quota)
        mark(connection, [job_id] if is_new else [])
        return read_job(connection, job_id)

    def _add_all(
        self, connection: Connection, submissions: Sequence[Submission], parts: Sequence[ResultSlice], wanted: Claim
    ) -> Exchange:
        at = self._moment(connection).wall
        put = [put_apart(connection, submission, at, self._quota) for submission in submissions]
        new = [done[0] for done in put if not isinstance(done, Exception) and done[1]]
        recorded, claimed = self._exchange(connection, parts, wanted, new)
        added = [done if isinstance(done, Exception) else read_job(connection, done[0]) for done in put]
        return Exchange(recorded, claimed, added)

    def _outcome(self, adding: Callable[[], JobRecord]) -> JobRecord | Exception:
        try:
            return adding()
        except Exception as error:  # noqa: BLE001 -- as in `put_apart`
            return error

    def _again(self, job: JobRecord | Exception) -> JobRecord | Exception:
        """Return a job as it is by now, unless it was deleted."""
        if isinstance(job, Exception):
            return job
        with suppress(UnknownJobError):
            return self.job(job.id)
        return job

    def _delete(self, connection: Connection, job_id: str) -> None:
        self._lock(connection, [job_id])
        if not delete_jobs(connection, [job_id], self._moment(connection).wall):
            raise unknown(job_id)

    def _expire(self, connection: Connection, job_id: str, timeout: float) -> list[str]:
        with blaming([job_id]):
            return self._ended(connection, job_id, partial(end_overdue, timeout=timeout))

    def _ended(self, connection: Connection, job_id: str, end: Callable[..., bool]) -> list[str]:
        self._lock(connection, [job_id])
        ended = [job_id] if end(connection, job_id, now=self._moment(connection)) else []
        mark(connection, ended)
        return ended

    def _renew(
        self,
        connection: Connection,
        leases: Sequence[Lease],
        seconds: Mapping[Lease, float],
        forecasts: Mapping[Lease, Forecast],
    ) -> list[Lease]:
        self._lock(connection, (lease.job_id for lease in leases))
        until = self._until(self._moment(connection))
        charges, lost = Charges(), []
        for lease in leases:
            changed = until | {"of_forecast": _encode(forecasts[lease]) if lease in forecasts else None}
            if not prolong(connection, lease, changed, seconds.get(lease, 0.0), charges):
                lost.append(lease)
        charge(connection, charges)
        return lost

    def _record(self, connection: Connection, parts: Sequence[ResultSlice]) -> list[Recorded]:
        self._lock(connection, (part.lease.job_id for part in parts))
        charges = Charges()
        recorded = record_parts(connection, parts, self._moment(connection).wall, charges, self._quota)
        charge(connection, charges)
        mark(connection, _touched(recorded))
        return recorded

    def _exchange(
        self, connection: Connection, parts: Sequence[ResultSlice], wanted: Claim, new: Sequence[str] = ()
    ) -> tuple[list[Recorded], list[Shard]]:
        now = self._moment(connection)
        ending = [part.lease.job_id for part in parts if part.last]
        locked = None if self._is_file else jobs_to_lock(connection, wanted, ending, now)
        self._lock(connection, (locked or set()) | {part.lease.job_id for part in parts})
        charges = Charges()
        recorded = record_parts(connection, parts, now.wall, charges, self._quota)
        claimed = claim(connection, wanted, locked, now, charges)
        charge(connection, charges)
        mark(connection, [*new, *_touched(recorded), *(shard.lease.job_id for shard in claimed)], charges.served)
        return recorded, claimed

    def _revoke(self, connection: Connection, holder: str) -> int:
        of_holder = {"of_holder": holder}
        self._lock(connection, connection.execute(sql.FIND_JOBS_OF_HOLDER, of_holder).scalars())
        return connection.execute(sql.REVOKE_SHARDS, of_holder).rowcount

    def _lock(self, connection: Connection, job_ids: Iterable[str]) -> None:
        """Lock jobs, before anything else and in one order, so that no two transactions wait for each other.

        A file has one writer at a time anyway.
        """
        if not self._is_file:
            connection.execute(sql.LOCK_JOBS, {"of_jobs": sorted(set(job_ids))})

    def _moment(self, connection: Connection) -> Moment:
        return moment(connection, self._clock)

    def _wanted(self, holder: str, limit: int, excluded: Collection[str] = ()) -> Claim:
        return Claim(holder, limit, self._lease_seconds, self._running_limit, frozenset(excluded))

    def _until(self, now: Moment) -> dict[str, object]:
        return {"until": now.now + self._lease_seconds, "boot": now.boot}


def _touched(recorded: Iterable[Recorded]) -> Iterator[str]:
    """Yield the jobs that recording changed: one whose results are more than its owner may store ended without them."""
    return (done.part.lease.job_id for done in recorded if done.accepted or done.ended)
