"""The SQL of jobs and shards, one named statement for each event.

The statuses that an event may follow come from `farshot.states`; a lease is always matched in the statement that writes
under it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import (
    BindParameter,
    Float,
    Text,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from farshot.contract import JobStatus
from farshot.states import JobEvent, ShardEvent, ShardStatus, final_status, job_after, jobs_before, shards_before
from farshot.store.schema import (
    attempts,
    changes,
    has_lapsed,
    is_claimable,
    is_payload_of_shard,
    jobs,
    parts,
    payloads,
    results,
    shards,
    shards_leased,
    shards_open,
    spent,
    users,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import ColumnElement, Update


_RECORD = (
    *jobs.c["seq", "id", "owner", "tag", "status", "cancel_requested", "target", "priority", "changed", "circuits"],
    *jobs.c["done", "failed", "run_time", "created_at", "started_at", "finished_at", "fault"],
    jobs.c.draft.is_not(None).label("uploading"),
)


def _is_one_of(column: ColumnElement[str], values: Iterable[str]) -> ColumnElement[bool]:
    """Return the condition that an IN list would be; unlike a list it can be executed for many rows at once."""
    return or_(*(column == value for value in sorted(values)))


def _jobs_that_may(event: JobEvent) -> ColumnElement[bool]:
    return _is_one_of(jobs.c.status, jobs_before(event))


def _shards_that_may(event: ShardEvent) -> ColumnElement[bool]:
    return _is_one_of(shards.c.status, shards_before(event))


_of_job: BindParameter[str] = bindparam("of_job")
_of_jobs: BindParameter[str] = bindparam("of_jobs", expanding=True)
_of_shard: BindParameter[int] = bindparam("of_shard")
_this_job = jobs.c.id == _of_job
_this_shard = and_(shards.c.job_id == _of_job, shards.c.number == _of_shard)
_this_lease = and_(
    _this_shard,
    shards.c.attempt == bindparam("of_attempt"),
    shards.c.holder == bindparam("of_holder"),
    shards.c.status == ShardStatus.LEASED,
)
_has_open_shard = exists().where(shards.c.job_id == jobs.c.id, _shards_that_may(ShardEvent.CANCEL))
_now = bindparam("now", type_=Float)
_boot = bindparam("boot", type_=Text)
_is_overdue = and_(jobs.c.status == JobStatus.RUNNING, jobs.c.deadline_boot == _boot, jobs.c.deadline < _now)
_at = bindparam("at", type_=Float)
_NO_LEASE = {"holder": None, "lease_until": None, "lease_boot": None}
_CHARGED = (shards.c.owner, shards.c.charged)


def _fail_job(event: JobEvent, *conditions: ColumnElement[bool]) -> Update:
    """Return the statement that ends a job with a fault."""
    return (
        update(jobs)
        .where(_this_job, _jobs_that_may(event), *conditions)
        .values(status=job_after(JobStatus.RUNNING, event), fault=bindparam("of_fault"), finished_at=_at)
    )


# submit

ADD_JOB = insert(jobs)
ADD_SHARD = insert(shards)
ADD_PART = insert(parts)
ADD_PAYLOAD = insert(payloads)
GROW_JOB = update(jobs).where(_this_job).values(bytes=jobs.c.bytes + bindparam("size"))
FIND_KEY = select(*_RECORD, jobs.c.digest).where(
    jobs.c.owner == bindparam("of_owner"), jobs.c.key == bindparam("of_key")
)

# read

READ_JOB = select(*_RECORD).where(_this_job)
READ_SPEC = select(jobs.c.spec, jobs.c.checksum).where(_this_job)
LIST_JOBS = select(*_RECORD).order_by(jobs.c.seq.desc())
LIST_CHANGED = select(*_RECORD).order_by(jobs.c.changed, jobs.c.seq)
LAST_CHANGE = select(changes.c.count)
SUM_BACKLOG = (
    select(
        jobs.c.status,
        jobs.c.target,
        func.count().label("jobs"),
        func.sum(jobs.c.circuits - jobs.c.done).label("circuits"),
    )
    .where(jobs.c.status.in_(sorted(status for status in JobStatus if not status.is_terminal)), jobs.c.draft.is_(None))
    .group_by(jobs.c.status, jobs.c.target)
    .order_by(jobs.c.status, jobs.c.target)
)
SUM_EFFORT = (
    select(
        func.sum(payloads.c.cost * shards.c.done / shards.c.size).label("done"),
        func.sum(payloads.c.cost).label("total"),
    )
    .join_from(shards, payloads, is_payload_of_shard)
    .where(shards.c.job_id == _of_job)
)

# before any other lock, in this order, by everything that writes to existing jobs

LOCK_JOBS = select(jobs.c.id).where(jobs.c.id.in_(_of_jobs)).order_by(jobs.c.id).with_for_update(key_share=True)

# claim

FIND_OPEN_SHARDS = (
    select(*shards.c["seq", "job_id", "number", "owner", "first", "done", "attempt", "suspect", "verdict", "cost"])
    .where(shards_open, shards.c.owner == bindparam("of_owner"), is_claimable)
    .order_by(shards.c.rank, shards.c.seq)
    .limit(bindparam("limit"))
    .offset(bindparam("offset"))
)
LOCK_OPEN_SHARDS = FIND_OPEN_SHARDS.with_for_update(skip_locked=True)
LIST_OWNERS = select(jobs.c.id, jobs.c.owner).where(jobs.c.id.in_(_of_jobs))
HAS_LIMITS = select(exists().where(users.c.running_shards.is_not(None)))
LIST_RUNNING = (
    select(shards.c.owner, func.count().label("running")).where(shards_leased, ~has_lapsed).group_by(shards.c.owner)
)
LOCK_LIMITS = select(func.pg_advisory_xact_lock(func.hashtext("farshot limits")))
LEASE_SHARD = (
    update(shards)
    .where(_this_shard, _shards_that_may(ShardEvent.CLAIM))
    .values(
        status=ShardStatus.LEASED,
        attempt=bindparam("of_attempt"),
        holder=bindparam("of_holder"),
        lease_until=bindparam("until"),
        lease_boot=bindparam("boot"),
        charged=bindparam("advance"),
        forecast=None,
    )
)
ADD_ATTEMPT = insert(attempts).values(
    job_id=_of_job, shard=_of_shard, attempt=bindparam("of_attempt"), holder=bindparam("of_holder"), started_at=_at
)
START_JOB = (
    update(jobs)
    .where(_this_job, _jobs_that_may(JobEvent.CLAIM))
    .values(
        status=JobStatus.RUNNING,
        deadline=case((jobs.c.deadline_boot == _boot, jobs.c.deadline), else_=_now + jobs.c.timeout),
        deadline_boot=case((jobs.c.timeout.is_not(None), _boot)),
        started_at=func.coalesce(jobs.c.started_at, _at),
    )
)

# under a lease

FIND_LEASE = select(shards.c.seq).where(_this_lease)
RENEW_SHARD = (
    update(shards)
    .where(_this_lease)
    .values(lease_until=bindparam("until"), lease_boot=bindparam("boot"), forecast=bindparam("of_forecast"))
    .returning(*_CHARGED)
)
CHARGE_SHARD = update(shards).where(_this_lease).values(charged=bindparam("seconds"))
RELEASE_SHARD = (
    update(shards)
    .where(_this_lease)
    .values(status=ShardStatus.QUEUED, suspect=bindparam("of_suspect"), verdict=bindparam("of_verdict"), **_NO_LEASE)
    .returning(*_CHARGED)
)
GIVE_BACK_SHARD = update(shards).where(_this_lease).values(status=ShardStatus.QUEUED, **_NO_LEASE).returning(*_CHARGED)
_is_attempt_of_shard = and_(attempts.c.job_id == _of_job, attempts.c.shard == _of_shard)
UNCOUNT_ATTEMPT = (
    update(attempts).where(_is_attempt_of_shard, attempts.c.attempt == bindparam("of_attempt")).values(holder="")
)
COUNT_ATTEMPTS = select(func.count()).where(_is_attempt_of_shard, attempts.c.holder != "")
FIND_HOLDERS = select(shards.c.holder).where(shards_leased).distinct()
FIND_JOBS_OF_HOLDER = select(shards.c.job_id).where(shards_leased, shards.c.holder == bindparam("of_holder"))
REVOKE_SHARDS = (
    update(shards)
    .where(shards_leased, shards.c.holder == bindparam("of_holder"))
    .values(status=ShardStatus.QUEUED, **_NO_LEASE)
)
_shard_done = shards.c.done + bindparam("count")
_move_shard = (
    update(shards)
    .where(_this_lease, shards.c.first + shards.c.done == bindparam("from_position"))
    .values(done=_shard_done, charged=shards.c.charged - bindparam("seconds", type_=Float))
    .returning(*_CHARGED)
)
ADVANCE_SHARD = _move_shard.where(_shard_done <= shards.c.size)
FINISH_SHARD = _move_shard.where(_shard_done == shards.c.size).values(status=ShardStatus.DONE, **_NO_LEASE)
RETREAT_SHARD = (
    update(shards)
    .where(_this_shard)
    .values(status=ShardStatus.CANCELLED, done=shards.c.done - bindparam("count"), **_NO_LEASE)
)
ADD_RESULTS = insert(results)
_done = jobs.c.done + bindparam("count")
_failed = jobs.c.failed + bindparam("faults")
_is_all = and_(_done == jobs.c.circuits, ~_has_open_shard)
ADVANCE_JOB = (
    update(jobs)
    .where(_this_job, jobs.c.status == JobStatus.RUNNING)
    .values(
        done=_done,
        failed=_failed,
        run_time=jobs.c.run_time + bindparam("seconds"),
        bytes=jobs.c.bytes + bindparam("size"),
        status=case(
            (and_(_is_all, _failed > 0), final_status(1).value), (_is_all, final_status(0).value), else_=jobs.c.status
        ),
        finished_at=case((_is_all, _at)),
    )
    .returning(jobs.c.status)
)

# cancel

CANCEL_JOB = (
    update(jobs)
    .where(_this_job, _jobs_that_may(JobEvent.CANCEL))
    .values(status=JobStatus.CANCELLED, cancel_requested=True, finished_at=_at)
)
CANCEL_SHARDS = (
    update(shards)
    .where(shards.c.job_id == _of_job, _shards_that_may(ShardEvent.CANCEL))
    .values(status=ShardStatus.CANCELLED, **_NO_LEASE)
)

# end with a fault

FIND_EXPIRED_JOBS = select(jobs.c.id, jobs.c.timeout).where(_is_overdue)
EXPIRE_JOB = _fail_job(JobEvent.EXPIRE, _is_overdue)
EXCEED_JOB = _fail_job(JobEvent.EXCEED)
FAIL_JOB = _fail_job(JobEvent.FAIL)
SET_JOB_ASIDE = _fail_job(JobEvent.SET_ASIDE, jobs.c.draft.is_(None))

# every change of a job, last in its transaction

COUNT_CHANGES = (
    update(changes)
    .values(
        count=changes.c.count + bindparam("more"),
        served=case((changes.c.served < bindparam("served"), bindparam("served")), else_=changes.c.served),
    )
    .returning(changes.c.count)
)
MARK_JOB = update(jobs).where(_this_job).values(changed=bindparam("number"))

# prune

_has_ended = and_(
    _is_one_of(jobs.c.status, {status for status in JobStatus if status.is_terminal}),
    jobs.c.finished_at < bindparam("before"),
)
COUNT_ENDED_JOBS = select(func.count()).select_from(jobs).where(_has_ended)
FIND_ENDED_JOBS = (
    select(jobs.c.id).where(_has_ended).order_by(jobs.c.seq).limit(bindparam("limit")).with_for_update(skip_locked=True)
)
DELETE_RESULTS = delete(results).where(results.c.job_id.in_(_of_jobs))
KEEP_SPENT = insert(spent).from_select(
    ["owner", "created_at", "shots"],
    select(jobs.c.owner, jobs.c.created_at, jobs.c.shots).where(
        jobs.c.id.in_(_of_jobs), jobs.c.shots > 0, jobs.c.created_at >= bindparam("since")
    ),
)
FORGET_SPENT = delete(spent).where(spent.c.created_at < bindparam("since"))
DELETE_JOBS = delete(jobs).where(jobs.c.id.in_(_of_jobs))
