"""What owners have in the store: counted in the transaction that adds to it, and held to what they may have.

Each owner's bytes are one number beside the jobs, the sum of theirs. The owner without a name is the user of an
embedded backend: it has no limits, and nothing is counted for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import bindparam, func, select, text

from farshot.accounts import NO_LIMITS, Quota, in_force
from farshot.errors import QuotaError
from farshot.store.lists import usage
from farshot.store.schema import jobs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection


JOB_BYTES = 512
"""What the row of a job takes beside its texts, with what is kept to find it."""
SHARD_BYTES = 256
"""What the rows of a shard take beside its circuits."""
RESULT_BYTES = 64
"""What a row of results takes beside them."""

_ADD = "INSERT INTO stored (owner, bytes) VALUES (:of_owner, :size) ON CONFLICT (owner) DO UPDATE SET bytes = "
_SUM = "stored.bytes + excluded.bytes"
_HOLD = text(
    f"{_ADD}{_SUM} RETURNING bytes"
    ", (SELECT queued_circuits FROM users WHERE name = :of_owner) AS queued_circuits"
    ", (SELECT shots_per_day FROM users WHERE name = :of_owner) AS shots_per_day"
    ", (SELECT stored_bytes FROM users WHERE name = :of_owner) AS stored_bytes"
)
_ALLOWED = (
    "coalesce((SELECT stored_bytes FROM users WHERE name = :of_owner), CAST(:allowed AS bigint), 9223372036854775807)"
)
_HOLD_WITHIN = text(f"{_ADD}{_SUM} WHERE {_SUM} <= {_ALLOWED} RETURNING bytes")
_READ_HELD = text(f"SELECT bytes, {_ALLOWED} AS allowed FROM stored WHERE owner = :of_owner")
_SUM_OF_JOBS = (
    select(jobs.c.owner, func.sum(jobs.c.bytes).label("bytes"))
    .where(jobs.c.id.in_(bindparam("of_jobs", expanding=True)))
    .group_by(jobs.c.owner)
    .order_by(jobs.c.owner)
)
_RETRY = {"queued_circuits": 5.0, "shots_per_day": 3600.0, "stored_bytes": None}
_WORDS = {
    "queued_circuits": "circuits that wait or run",
    "shots_per_day": "shots in 24 hours",
    "stored_bytes": "bytes in the store (delete jobs to make room)",
}


class HeldUsage(NamedTuple):
    """What an owner has stored by now, and may have."""

    bytes: int
    quota: Quota


class AddedUsage(NamedTuple):
    """What a transaction adds to what an owner has; `uncounted` are circuits of a job in the making."""

    circuits: int = 0
    shots: int = 0
    size: int = 0
    uncounted: int = 0


def length_of(*texts: str | None) -> int:
    """Return the bytes that texts take in a row.

    >>> length_of("β", None, "tag")
    5
    """
    return sum(len(text.encode()) for text in texts if text)


def hold(connection: Connection, owner: str, size: int, default: Quota) -> HeldUsage:
    """Count so many more bytes of `owner`, and return what it has by now; it is not checked.

    From here on no other transaction counts for this owner: near the end, and for several in order of their names.
    """
    if not owner:
        return HeldUsage(0, NO_LIMITS)
    row = connection.execute(_HOLD, {"of_owner": owner, "size": size}).one()
    own = Quota(queued_circuits=row.queued_circuits, shots_per_day=row.shots_per_day, stored_bytes=row.stored_bytes)
    return HeldUsage(int(row.bytes), in_force(own, default))


def check_held(connection: Connection, owner: str, held: HeldUsage, at: float, added: AddedUsage) -> None:
    """Raise `QuotaError` where what was added, which is there by now, was too much."""
    quota = held.quota
    _check("stored_bytes", quota.stored_bytes, held.bytes, added.size)
    if (added.circuits and quota.queued_circuits is not None) or (added.shots and quota.shots_per_day is not None):
        found = usage(connection, owner, at)
        _check("queued_circuits", quota.queued_circuits, found.queued_circuits + added.uncounted, added.circuits)
        _check("shots_per_day", quota.shots_per_day, found.shots_per_day, added.shots)


def _check(name: str, allowed: int | None, amount: int, more: int) -> None:
    if more > 0 and allowed is not None and amount > allowed:
        message = f"{amount - more:,} of {allowed:,} {_WORDS[name]} are used; this needs {more:,} more"
        raise QuotaError(message, _RETRY[name])


def fits(connection: Connection, owner: str, size: int, default: Quota) -> bool:
    """Count so many more bytes of `owner` unless they are too many; say whether they were counted."""
    if not owner:
        return True
    values = {"of_owner": owner, "size": size, "allowed": default.stored_bytes}
    return connection.execute(_HOLD_WITHIN, values).first() is not None


def why_not(connection: Connection, owner: str, size: int, default: Quota) -> str:
    """Say what keeps so many more bytes of `owner` out."""
    row = connection.execute(_READ_HELD, {"of_owner": owner, "allowed": default.stored_bytes}).one()
    words = _WORDS["stored_bytes"]
    return f"its results need {size:,} bytes more, and {row.bytes:,} of {row.allowed:,} {words} are used"


def forget(connection: Connection, job_ids: Sequence[str]) -> None:
    """Count the bytes of jobs, which are to be deleted, no more."""
    for row in connection.execute(_SUM_OF_JOBS, {"of_jobs": job_ids}).all():
        if row.owner:
            connection.execute(_HOLD, {"of_owner": row.owner, "size": -int(row.bytes)})
