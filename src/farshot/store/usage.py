"""The usage of owners: counted in the transaction that adds to it, and compared with their quotas.

Each owner's bytes are one number beside the jobs, the sum of theirs. The owner without a name is the user of an
embedded backend: it has no limits, and nothing is counted for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import BindParameter, and_, bindparam, case, func, select, text

from farshot.accounts import NO_LIMITS, Quota, in_force
from farshot.errors import QuotaError
from farshot.model import Usage
from farshot.store.clock import DAY_SECONDS
from farshot.store.schema import jobs, shards, shards_leased, spent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection


JOB_BYTES = 512
"""Bytes of a job's row beside its texts, with its index entries."""
SHARD_BYTES = 256
"""Bytes of a shard's rows beside its circuits."""
RESULT_BYTES = 64
"""Bytes of a row of results beside them."""

_of_owner: BindParameter[str] = bindparam("of_owner")
_since: BindParameter[float] = bindparam("since")
_is_accepted = jobs.c.draft.is_(None)
_SUM_JOBS = select(
    jobs.c.owner,
    func.sum(case((and_(jobs.c.finished_at.is_(None), _is_accepted), jobs.c.circuits - jobs.c.done), else_=0)).label(
        "queued"
    ),
    func.sum(case((jobs.c.created_at >= _since, jobs.c.shots), else_=0)).label("shots"),
    func.sum(jobs.c.bytes).label("stored"),
).group_by(jobs.c.owner)
_SUM_SPENT = (
    select(spent.c.owner, func.sum(spent.c.shots).label("shots"))
    .where(spent.c.created_at >= _since)
    .group_by(spent.c.owner)
)
_COUNT_RUNNING = select(shards.c.owner, func.count().label("running")).where(shards_leased).group_by(shards.c.owner)
_USAGE_OF_ALL = (_SUM_JOBS, _SUM_SPENT, _COUNT_RUNNING)
_USAGE_OF_ONE = (
    _SUM_JOBS.where(jobs.c.owner == _of_owner),
    _SUM_SPENT.where(spent.c.owner == _of_owner),
    _COUNT_RUNNING.where(shards.c.owner == _of_owner),
)
_LIST_SHOTS = select(jobs.c.id, jobs.c.shots).where(
    jobs.c.owner == _of_owner, jobs.c.created_at >= _since, _is_accepted
)

_ADD = "INSERT INTO stored (owner, bytes) VALUES (:of_owner, :size) ON CONFLICT (owner) DO UPDATE SET bytes = "
_SUM = "stored.bytes + excluded.bytes"
_ADD_STORED = text(
    f"{_ADD}{_SUM} RETURNING bytes"
    ", (SELECT queued_circuits FROM users WHERE name = :of_owner) AS queued_circuits"
    ", (SELECT shots_per_day FROM users WHERE name = :of_owner) AS shots_per_day"
    ", (SELECT stored_bytes FROM users WHERE name = :of_owner) AS stored_bytes"
)
_ALLOWED = (
    "coalesce((SELECT stored_bytes FROM users WHERE name = :of_owner), CAST(:allowed AS bigint), 9223372036854775807)"
)
_ADD_STORED_WITHIN = text(f"{_ADD}{_SUM} WHERE {_SUM} <= {_ALLOWED} RETURNING bytes")
_READ_STORED = text(f"SELECT bytes, {_ALLOWED} AS allowed FROM stored WHERE owner = :of_owner")
_SUM_BYTES = (
    select(jobs.c.owner, func.sum(jobs.c.bytes).label("bytes"))
    .where(jobs.c.id.in_(bindparam("of_jobs", expanding=True)))
    .group_by(jobs.c.owner)
    .order_by(jobs.c.owner)
)
_RETRY_SECONDS = {"queued_circuits": 5.0, "shots_per_day": 3600.0, "stored_bytes": None}
_WORDS = {
    "queued_circuits": "circuits that wait or run",
    "shots_per_day": "shots in 24 hours",
    "stored_bytes": "bytes in the store (delete jobs to make room)",
}


class StoredUsage(NamedTuple):
    """The bytes that an owner has stored by now, and its quota."""

    bytes: int
    quota: Quota


class AddedUsage(NamedTuple):
    """The usage that a transaction adds to an owner's."""

    circuits: int = 0
    shots: int = 0
    size: int = 0
    """Bytes."""
    uncounted: int = 0
    """Circuits of a job in the making."""


def read_usages(connection: Connection, now: float, owner: str | None = None) -> dict[str, Usage]:
    """Return the usage of every owner that has any, by name; of `owner` alone if it is given."""
    values = {"since": now - DAY_SECONDS, "of_owner": owner}
    statements = _USAGE_OF_ALL if owner is None else _USAGE_OF_ONE
    sums, spents, counts = ({row.owner: row for row in connection.execute(each, values)} for each in statements)
    found = {}
    for name in sorted(sums.keys() | spents.keys()):
        total = sums.get(name)
        found[name] = Usage(
            queued_circuits=int(total.queued or 0) if total else 0,
            running_shards=counts[name].running if name in counts else 0,
            shots_per_day=(int(total.shots or 0) if total else 0) + (int(spents[name].shots) if name in spents else 0),
            stored_bytes=int(total.stored or 0) if total else 0,
        )
    return found


def read_usage(connection: Connection, owner: str, now: float) -> Usage:
    """Return the usage of `owner`."""
    nothing = Usage(queued_circuits=0, running_shards=0, shots_per_day=0, stored_bytes=0)
    return read_usages(connection, now, owner).get(owner, nothing)


def read_shots(connection: Connection, owner: str, since: float) -> dict[str, int]:
    """Return the shots of the jobs that `owner` made from `since` on, by job id."""
    found = connection.execute(_LIST_SHOTS, {"of_owner": owner, "since": since})
    return {row.id: row.shots for row in found}


def count_bytes(*texts: str | None) -> int:
    """Return the bytes that texts take in a row.

    >>> count_bytes("β", None, "tag")
    5
    """
    return sum(len(text.encode()) for text in texts if text)


def add_stored(connection: Connection, owner: str, size: int, default: Quota) -> StoredUsage:
    """Add `size` bytes to those of `owner`, unchecked, and return its usage by now.

    From here on no other transaction counts for this owner: so it comes late, and for several owners in order of name.
    """
    if not owner:
        return StoredUsage(0, NO_LIMITS)
    row = connection.execute(_ADD_STORED, {"of_owner": owner, "size": size}).one()
    own = Quota(queued_circuits=row.queued_circuits, shots_per_day=row.shots_per_day, stored_bytes=row.stored_bytes)
    return StoredUsage(int(row.bytes), in_force(own, default))


def check_usage(connection: Connection, owner: str, stored: StoredUsage, at: float, added: AddedUsage) -> None:
    """Raise `QuotaError` if `added`, which is counted already, was too much."""
    quota = stored.quota
    _check("stored_bytes", quota.stored_bytes, stored.bytes, added.size)
    if (added.circuits and quota.queued_circuits is not None) or (added.shots and quota.shots_per_day is not None):
        found = read_usage(connection, owner, at)
        _check("queued_circuits", quota.queued_circuits, found.queued_circuits + added.uncounted, added.circuits)
        _check("shots_per_day", quota.shots_per_day, found.shots_per_day, added.shots)


def _check(name: str, allowed: int | None, amount: int, more: int) -> None:
    if more > 0 and allowed is not None and amount > allowed:
        message = f"{amount - more:,} of {allowed:,} {_WORDS[name]} are used; this needs {more:,} more"
        raise QuotaError(message, _RETRY_SECONDS[name])


def add_if_allowed(connection: Connection, owner: str, size: int, default: Quota) -> bool:
    """Add `size` bytes to those of `owner` unless they are too many; return whether they were added."""
    if not owner:
        return True
    values = {"of_owner": owner, "size": size, "allowed": default.stored_bytes}
    return connection.execute(_ADD_STORED_WITHIN, values).first() is not None


def explain_refusal(connection: Connection, owner: str, size: int, default: Quota) -> str:
    """Return the reason why `owner` may not store `size` bytes of results more."""
    row = connection.execute(_READ_STORED, {"of_owner": owner, "allowed": default.stored_bytes}).one()
    words = _WORDS["stored_bytes"]
    return f"its results need {size:,} bytes more, and {row.bytes:,} of {row.allowed:,} {words} are used"


def subtract_stored(connection: Connection, job_ids: Sequence[str]) -> None:
    """Subtract the bytes of jobs, which will be deleted, from those of their owners."""
    for row in connection.execute(_SUM_BYTES, {"of_jobs": job_ids}).all():
        if row.owner:
            connection.execute(_ADD_STORED, {"of_owner": row.owner, "size": -int(row.bytes)})
