"""Reading the circuits of a job back: those of a claimed shard, and those of the whole submission."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from farshot.model import Lease, Shard
from farshot.protocols import StoredCircuits
from farshot.store.damage import has_intact_labels, has_intact_position
from farshot.store.encoding import (
    UNREADABLE,
    decode_fault,
    decode_labels,
    decode_sources,
    decode_spec,
    decode_template,
    is_intact,
)
from farshot.store.results import read_pages
from farshot.store.rows import damaged_job_error
from farshot.store.selections import CIRCUITS, WORK
from farshot.store.statements import COUNT_ATTEMPTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from farshot.store.rows import AnyRow
    from farshot.store.transactions import Transactions


_SHARDS_PER_PAGE = 4
"""Shards whose circuits are read at a time: one is a megabyte, or a single circuit."""


def read_shard(connection: Connection, lease: Lease, row: AnyRow) -> Shard | None:
    """Return the work left under `lease` for the open shard `row`; None if it is not what was submitted."""
    work = connection.execute(WORK, {"of_job": lease.job_id, "of_shard": lease.shard}).one_or_none()
    if work is None or not _is_intact(lease.job_id, work):
        return None
    with suppress(*UNREADABLE):  # of a job from before there were checksums
        return _to_shard(lease, row, work, _count_tries(connection, lease))
    return None


def read_circuits(transactions: Transactions, job_id: str, start: int) -> Iterator[StoredCircuits]:
    """Yield the circuits of a job, shard by shard, beginning with the shard that holds position `start`.

    Raises `StoreCorruptError` if they are not what was submitted.
    """
    for row in read_pages(transactions, CIRCUITS, job_id, "shard_first", -1, start=start, page=_SHARDS_PER_PAGE):
        found = _to_circuits(row) if _is_intact(job_id, row) else None
        if found is None:
            raise damaged_job_error(job_id)
        yield found


def _to_circuits(row: AnyRow) -> StoredCircuits | None:
    with suppress(*UNREADABLE):
        template = None if row.template is None else decode_template(row.template)
        return StoredCircuits(row.shard_first, decode_labels(row.labels), decode_sources(row.sources), template)
    return None


def _is_intact(job_id: str, work: AnyRow) -> bool:
    return (
        has_intact_position(job_id, work)
        and has_intact_labels(job_id, work)
        and is_intact(work.sources_checksum, work.sources, job_id, work.part, work.slot, work.payload_size)
        and is_intact(work.template_checksum, work.template or b"", job_id, work.part)
        and is_intact(work.checksum, work.spec, job_id)
    )


def _count_tries(connection: Connection, lease: Lease) -> int:
    if lease.attempt == 1:
        return 1
    return int(connection.execute(COUNT_ATTEMPTS, {"of_job": lease.job_id, "of_shard": lease.shard}).scalar_one())


def _to_shard(lease: Lease, row: AnyRow, work: AnyRow, tries: int) -> Shard:
    labels = decode_labels(work.labels)
    spec = decode_spec(work.spec)
    if work.template is not None:  # a part may have a template of its own
        spec = msgspec.structs.replace(spec, template=decode_template(work.template))
    return Shard(
        lease=lease,
        spec=spec,
        first=row.first + row.done,
        labels=labels[row.done :],
        sources=decode_sources(work.sources)[row.done :],
        suspect=row.suspect,
        verdict=row.verdict and decode_fault(row.verdict),
        owner=row.owner,
        cost=row.cost * (len(labels) - row.done) / len(labels),
        tries=tries,
    )
