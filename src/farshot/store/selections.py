"""The queries for recorded parts, shards and circuits, with the checksums that they must agree with."""

from __future__ import annotations

from sqlalchemy import BindParameter, and_, bindparam, case, func, select

from farshot.store.schema import attempts, is_payload_of_shard, jobs, parts, payloads, results, shards

_of_job: BindParameter[str] = bindparam("of_job")
_POSITION = (
    *shards.c["number", "part", "slot"],
    shards.c.first.label("shard_first"),
    shards.c.size.label("shard_size"),
    shards.c.checksum.label("shard_checksum"),
)
_WITH_LABELS = (*_POSITION, payloads.c.size.label("payload_size"), payloads.c.labels, payloads.c.labels_checksum)

_failed_before = (
    select(func.count())
    .where(
        attempts.c.job_id == results.c.job_id,
        attempts.c.shard == results.c.shard,
        attempts.c.attempt < results.c.attempt,
        attempts.c.holder != "",
    )
    .correlate(results)
    .scalar_subquery()
)
"""The number of attempts that went wrong before that of a part."""

EVERY_SHARD = select(shards.c.job_id, shards.c.seq, *_POSITION)
EVERY_PART = (
    select(
        *results.c["job_id", "seq", "first", "size", "shard", "attempt", "checksum"],
        (1 + _failed_before).label("tries"),
        func.length(results.c.results).label("nbytes"),
        case((func.length(results.c.results) <= bindparam("max_bytes"), results.c.results)).label("results"),
        *_WITH_LABELS,
    )
    .outerjoin_from(results, shards, and_(shards.c.job_id == results.c.job_id, shards.c.number == results.c.shard))
    .outerjoin(payloads, is_payload_of_shard)
)
_PARTS = EVERY_PART.where(results.c.job_id == _of_job)
BY_POSITION = _PARTS.where(results.c.first > bindparam("after")).order_by(results.c.first).limit(bindparam("page"))
BY_TIME = _PARTS.where(results.c.seq > bindparam("after")).order_by(results.c.seq).limit(bindparam("page"))
BETWEEN = _PARTS.where(results.c.first.between(bindparam("start"), bindparam("end"))).order_by(results.c.first)
RESULTS = select(results.c.results).where(results.c.job_id == _of_job, results.c.seq == bindparam("of_part"))

_CIRCUITS = (
    select(
        jobs.c.spec,
        jobs.c.checksum,
        *_WITH_LABELS,
        payloads.c.sources,
        payloads.c.sources_checksum,
        parts.c.template,
        parts.c.checksum.label("template_checksum"),
    )
    .select_from(jobs, shards, payloads, parts)
    .where(jobs.c.id == _of_job, shards.c.job_id == jobs.c.id, is_payload_of_shard)
    .where(parts.c.job_id == shards.c.job_id, parts.c.number == shards.c.part)
)
WORK = _CIRCUITS.where(shards.c.number == bindparam("of_shard"))
CIRCUITS = (
    _CIRCUITS.where(shards.c.first > bindparam("after"), shards.c.first + shards.c.size > bindparam("start"))
    .order_by(shards.c.first)
    .limit(bindparam("page"))
)

_SHARDS = (
    select(*_WITH_LABELS, shards.c.done)
    .outerjoin_from(shards, payloads, is_payload_of_shard)
    .where(shards.c.job_id == _of_job)
)
LABELS = _SHARDS.where(shards.c.number > bindparam("after")).order_by(shards.c.number).limit(bindparam("page"))
SHARD = _SHARDS.where(shards.c.number == bindparam("of_shard"))
SHARD_AT = _SHARDS.where(shards.c.first <= bindparam("position")).order_by(shards.c.first.desc()).limit(1)
