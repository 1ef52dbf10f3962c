"""The circuits of a job, read back: what a claimed shard has to do, and what was submitted."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from farshot.model import JobSpec, Lease, Shard, TemplateSource
from farshot.protocols import StoredCircuits
from farshot.store.checksums import UNREADABLE, is_whole
from farshot.store.damage import whole_labels, whole_place
from farshot.store.results import pages
from farshot.store.rows import damaged, decode_fault
from farshot.store.selections import CIRCUITS, WORK
from farshot.store.statements import COUNT_ATTEMPTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from farshot.store.rows import AnyRow
    from farshot.store.transactions import Transactions


_FEW = 4
"""Shards of which the circuits are read at a time: one is a megabyte, or a single circuit."""
_decode_labels = msgspec.msgpack.Decoder(tuple[str, ...]).decode
_decode_sources = msgspec.msgpack.Decoder(tuple[bytes, ...]).decode
_decode_spec = msgspec.msgpack.Decoder(JobSpec).decode
_decode_template = msgspec.msgpack.Decoder(TemplateSource).decode


def read_shard(connection: Connection, lease: Lease, row: AnyRow) -> Shard | None:
    """Return what is to be done under `lease` for the open shard `row`; None where it is not what was submitted."""
    work = connection.execute(WORK, {"of_job": lease.job_id, "of_shard": lease.shard}).one_or_none()
    if work is None or not _is_whole(lease.job_id, work):
        return None
    with suppress(*UNREADABLE):  # of a job from before there were checksums
        return _shard(lease, row, work, _tries(connection, lease))
    return None


def read_circuits(transactions: Transactions, job_id: str, start: int) -> Iterator[StoredCircuits]:
    """Yield the circuits of a job, shard by shard, from the shard on that holds position `start`.

    Raises `StoreCorruptError` where they are not what was submitted.
    """
    for row in pages(transactions, CIRCUITS, job_id, "shard_first", -1, start=start, page=_FEW):
        found = _circuits(row) if _is_whole(job_id, row) else None
        if found is None:
            raise damaged(job_id)
        yield found


def _circuits(row: AnyRow) -> StoredCircuits | None:
    with suppress(*UNREADABLE):
        template = None if row.template is None else _decode_template(row.template)
        return StoredCircuits(row.shard_first, _decode_labels(row.labels), _decode_sources(row.sources), template)
    return None


def _is_whole(job_id: str, work: AnyRow) -> bool:
    place = job_id, work.part, work.slot, work.payload_size
    return (
        whole_place(job_id, work)
        and whole_labels(job_id, work)
        and is_whole(work.sources_checksum, work.sources, *place)
        and is_whole(work.template_checksum, work.template or b"", job_id, work.part)
        and is_whole(work.checksum, work.spec, job_id)
    )


def _tries(connection: Connection, lease: Lease) -> int:
    if lease.attempt == 1:
        return 1
    return int(connection.execute(COUNT_ATTEMPTS, {"of_job": lease.job_id, "of_shard": lease.shard}).scalar_one())


def _shard(lease: Lease, row: AnyRow, work: AnyRow, tries: int) -> Shard:
    labels = _decode_labels(work.labels)
    return Shard(
        lease=lease,
        spec=_spec(work),
        first=row.first + row.done,
        labels=labels[row.done :],
        sources=_decode_sources(work.sources)[row.done :],
        suspect=row.suspect,
        verdict=row.verdict and decode_fault(row.verdict),
        owner=row.owner,
        cost=row.cost * (len(labels) - row.done) / len(labels),
        tries=tries,
    )


def _spec(work: AnyRow) -> JobSpec:
    """Return what holds for the circuits of a shard, whose part may have a template of its own."""
    spec = _decode_spec(work.spec)
    return spec if work.template is None else msgspec.structs.replace(spec, template=_decode_template(work.template))
