"""What is read of recorded parts and of the shards they belong to, with the checksums that it must agree with."""

from __future__ import annotations

from sqlalchemy import BindParameter, and_, bindparam, case, func, select

from farshot.store.schema import attempts, jobs, parts, payloads, results, shards

_of_job: BindParameter[str] = bindparam("of_job")
_its_payload = and_(
    payloads.c.job_id == shards.c.job_id, payloads.c.part == shards.c.part, payloads.c.slot == shards.c.slot
)
_PLACE = (
    shards.c.number,
    shards.c.part,
    shards.c.slot,
    shards.c.first.label("shard_first"),
    shards.c.size.label("shard_size"),
    shards.c.checksum.label("shard_checksum"),
)
_LABELED = (*_PLACE, payloads.c.size.label("payload_size"), payloads.c.labels, payloads.c.labels_checksum)

_before = (
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
"""How many attempts went wrong before that of a part."""

EVERY_SHARD = select(shards.c.job_id, shards.c.seq, *_PLACE)
EVERY_PART = (
    select(
        results.c.job_id,
        results.c.seq,
        results.c.first,
        results.c.size,
        results.c.shard,
        results.c.attempt,
        (1 + _before).label("tries"),
        func.length(results.c.results).label("nbytes"),
        case((func.length(results.c.results) <= bindparam("small"), results.c.results)).label("results"),
        results.c.checksum,
        *_LABELED,
    )
    .outerjoin_from(results, shards, and_(shards.c.job_id == results.c.job_id, shards.c.number == results.c.shard))
    .outerjoin(payloads, _its_payload)
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
        *_LABELED,
        payloads.c.sources,
        payloads.c.sources_checksum,
        parts.c.template,
        parts.c.checksum.label("template_checksum"),
    )
    .select_from(jobs, shards, payloads, parts)
    .where(jobs.c.id == _of_job, shards.c.job_id == jobs.c.id, _its_payload)
    .where(parts.c.job_id == shards.c.job_id, parts.c.number == shards.c.part)
)
WORK = _CIRCUITS.where(shards.c.number == bindparam("of_shard"))
CIRCUITS = (
    _CIRCUITS.where(shards.c.first > bindparam("after"), shards.c.first + shards.c.size > bindparam("start"))
    .order_by(shards.c.first)
    .limit(bindparam("page"))
)

_SHARDS = (
    select(*_LABELED, shards.c.done).outerjoin_from(shards, payloads, _its_payload).where(shards.c.job_id == _of_job)
)
LABELS = _SHARDS.where(shards.c.number > bindparam("after")).order_by(shards.c.number).limit(bindparam("page"))
SHARD = _SHARDS.where(shards.c.number == bindparam("of_shard"))
SHARD_AT = _SHARDS.where(shards.c.first <= bindparam("position")).order_by(shards.c.first.desc()).limit(1)
