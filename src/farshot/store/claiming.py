"""Open shards are leased in the order of their turns, to no owner more than it may have at a time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from farshot.model import JobSpec, Lease, Shard
from farshot.store import statements as sql
from farshot.store.rows import decode_fault, fence
from farshot.store.schema import shards

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Connection

    from farshot.store.clock import Moment
    from farshot.store.rows import AnyRow

__all__ = ["Claim", "claim", "has_open", "jobs_to_lock"]

_decode_labels = msgspec.msgpack.Decoder(tuple[str, ...]).decode
_decode_sources = msgspec.msgpack.Decoder(tuple[bytes, ...]).decode
_decode_spec = msgspec.msgpack.Decoder(JobSpec).decode


@dataclass(frozen=True, slots=True)
class Claim:
    """`holder` asks for up to `limit` shards for `lease_seconds`; an owner runs at most `running_limit` at a time,
    unless the store says otherwise of that owner. None: as many as there are.
    """

    holder: str
    limit: int
    lease_seconds: float
    running_limit: int | None = None


def has_open(connection: Connection, wanted: Claim, now: Moment) -> bool:
    """Whether a claim would find anything."""
    return bool(jobs_to_lock(connection, wanted, now, most=1))


def jobs_to_lock(connection: Connection, wanted: Claim, now: Moment, most: int) -> set[str]:
    """Return the jobs of the first `most` shards that may be claimed."""
    found = connection.execute(sql.FIND_OPEN_JOBS, _search(_rooms(connection, wanted), now, most))
    return set(found.scalars())


def claim(connection: Connection, wanted: Claim, locked: Iterable[str] | None, now: Moment) -> list[Shard]:
    """Lease what is open; of the jobs that are `locked` only, where those are given."""
    if wanted.limit <= 0:
        return []
    rooms = _rooms(connection, wanted)
    statement = sql.FIND_OPEN_SHARDS if locked is None else sql.FIND_OPEN_SHARDS.where(shards.c.job_id.in_(locked))
    found = connection.execute(statement, _search(rooms, now, wanted.limit)).all()
    chosen = list(_fitting(found, rooms))
    for job_id in {row.job_id for row in chosen}:
        connection.execute(sql.START_JOB, {"of_job": job_id, "now": now.now, "boot": now.boot, "at": now.wall})
    return [_lease(connection, row, wanted, now) for row in chosen]


def _rooms(connection: Connection, wanted: Claim) -> dict[str, int]:
    """Return how many more shards each owner may run whose number is limited."""
    found = connection.execute(sql.FIND_ROOM, {"running_limit": wanted.running_limit})
    return {row.name: row.room for row in found}


def _search(rooms: dict[str, int], now: Moment, most: int) -> dict[str, object]:
    full = [owner for owner, room in rooms.items() if room <= 0]
    return {"now": now.now, "boot": now.boot, "most": most, "but_owners": full}


def _fitting(rows: Iterable[AnyRow], rooms: dict[str, int]) -> Iterator[AnyRow]:
    taken = Counter[str]()
    for row in rows:
        if row.owner not in rooms or taken[row.owner] < rooms[row.owner]:
            taken[row.owner] += 1
            yield row


def _lease(connection: Connection, row: AnyRow, wanted: Claim, now: Moment) -> Shard:
    lease = Lease(row.job_id, row.number, row.attempt + 1, wanted.holder)
    until = {"until": now.now + wanted.lease_seconds, "boot": now.boot}
    connection.execute(sql.LEASE_SHARD, fence(lease) | until)
    connection.execute(
        sql.ADD_ATTEMPT,
        {
            "job_id": lease.job_id,
            "shard": lease.shard,
            "attempt": lease.attempt,
            "holder": lease.holder,
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
