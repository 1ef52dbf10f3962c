"""The SQL of jobs and shards, one named statement for each thing that happens.

Which status may follow which comes from `farshot.states`; a lease is always matched in the statement
that writes under it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Float, Text, and_, bindparam, case, delete, exists, func, insert, or_, select, update

from farshot.contract import JobStatus
from farshot.states import JobEvent, ShardEvent, ShardStatus, final_status, job_after, jobs_before, shards_before
from farshot.store.fair_queue import is_claimable
from farshot.store.schema import (
    attempts,
    changes,
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

    from sqlalchemy import ColumnElement


_RECORD = (
    jobs.c.seq,
    jobs.c.id,
    jobs.c.owner,
    jobs.c.tag,
    jobs.c.status,
    jobs.c.cancel_requested,
    jobs.c.target,
    jobs.c.draft.is_not(None).label("uploading"),
    jobs.c.priority,
    jobs.c.changed,
    jobs.c.circuits,
    jobs.c.done,
    jobs.c.failed,
    jobs.c.run_time,
    jobs.c.created_at,
    jobs.c.started_at,
    jobs.c.finished_at,
    jobs.c.fault,
)


def _is_one_of(column: ColumnElement[str], values: Iterable[str]) -> ColumnElement[bool]:
    """Return what a list would say; unlike a list it is written once and may be executed for many rows."""
    return or_(*(column == value for value in sorted(values)))


def _jobs_that_may(event: JobEvent) -> ColumnElement[bool]:
    return _is_one_of(jobs.c.status, jobs_before(event))


def _shards_that_may(event: ShardEvent) -> ColumnElement[bool]:
    return _is_one_of(shards.c.status, shards_before(event))


_this_job = jobs.c.id == bindparam("of_job")
_this_shard = and_(shards.c.job_id == bindparam("of_job"), shards.c.number == bindparam("of_shard"))
_this_lease = and_(
    _this_shard,
    shards.c.attempt == bindparam("of_attempt"),
    shards.c.holder == bindparam("of_holder"),
    shards.c.status == ShardStatus.LEASED,
)
_has_lapsed = or_(shards.c.lease_boot != bindparam("boot"), shards.c.lease_until < bindparam("now"))
_its_payload = and_(
    payloads.c.job_id == shards.c.job_id, payloads.c.part == shards.c.part, payloads.c.slot == shards.c.slot
)
_has_open_shard = exists().where(shards.c.job_id == jobs.c.id, _shards_that_may(ShardEvent.CANCEL))
_now = bindparam("now", type_=Float)
_boot = bindparam("boot", type_=Text)
_is_overdue = and_(jobs.c.status == JobStatus.RUNNING, jobs.c.deadline_boot == _boot, jobs.c.deadline < _now)
_NO_LEASE = {"holder": None, "lease_until": None, "lease_boot": None}

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
_sums_of_jobs = (
    func.sum(
        case((and_(jobs.c.finished_at.is_(None), jobs.c.draft.is_(None)), jobs.c.circuits - jobs.c.done), else_=0)
    ).label("queued"),
    func.sum(case((jobs.c.created_at >= bindparam("since"), jobs.c.shots), else_=0)).label("shots"),
    func.sum(jobs.c.bytes).label("stored"),
)
SUM_USAGE = select(*_sums_of_jobs).where(jobs.c.owner == bindparam("of_owner"))
SUM_USAGES = select(jobs.c.owner, *_sums_of_jobs).group_by(jobs.c.owner)
SUM_SPENT = select(func.sum(spent.c.shots)).where(
    spent.c.owner == bindparam("of_owner"), spent.c.created_at >= bindparam("since")
)
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
COUNT_RUNNING = select(func.count()).select_from(shards).where(shards_leased, shards.c.owner == bindparam("of_owner"))
SUM_EFFORT = (
    select(
        func.sum(payloads.c.cost * shards.c.done / shards.c.size).label("done"),
        func.sum(payloads.c.cost).label("total"),
    )
    .join_from(shards, payloads, _its_payload)
    .where(shards.c.job_id == bindparam("of_job"))
)

# before any other lock, in this order, by everything that writes to jobs that are there

LOCK_JOBS = (
    select(jobs.c.id)
    .where(jobs.c.id.in_(bindparam("of_jobs", expanding=True)))
    .order_by(jobs.c.id)
    .with_for_update(key_share=True)
)

# claim

FIND_OPEN_SHARDS = (
    select(
        shards.c.seq,
        shards.c.job_id,
        shards.c.number,
        shards.c.owner,
        shards.c.first,
        shards.c.done,
        shards.c.attempt,
        shards.c.suspect,
        shards.c.verdict,
        shards.c.cost,
    )
    .where(shards_open, shards.c.owner == bindparam("of_owner"), is_claimable)
    .order_by(shards.c.rank, shards.c.seq)
    .limit(bindparam("most"))
    .offset(bindparam("behind"))
)
LOCK_OPEN_SHARDS = FIND_OPEN_SHARDS.with_for_update(skip_locked=True)
LIST_OWNERS = select(jobs.c.id, jobs.c.owner).where(jobs.c.id.in_(bindparam("of_jobs", expanding=True)))
HAS_LIMITS = select(exists().where(users.c.running_shards.is_not(None)))
LIST_RUNNING = (
    select(shards.c.owner, func.count().label("running")).where(shards_leased, ~_has_lapsed).group_by(shards.c.owner)
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
ADD_ATTEMPT = insert(attempts)
START_JOB = (
    update(jobs)
    .where(_this_job, _jobs_that_may(JobEvent.CLAIM))
    .values(
        status=JobStatus.RUNNING,
        deadline=case((jobs.c.deadline_boot == _boot, jobs.c.deadline), else_=_now + jobs.c.timeout),
        deadline_boot=case((jobs.c.timeout.is_not(None), _boot)),
        started_at=func.coalesce(jobs.c.started_at, bindparam("at", type_=Float)),
    )
)
# under a lease

FIND_LEASE = select(shards.c.seq).where(_this_lease)
RENEW_SHARD = (
    update(shards)
    .where(_this_lease)
    .values(lease_until=bindparam("until"), lease_boot=bindparam("boot"), forecast=bindparam("of_forecast"))
    .returning(shards.c.owner, shards.c.charged)
)
CHARGE_SHARD = update(shards).where(_this_lease).values(charged=bindparam("seconds"))
RELEASE_SHARD = (
    update(shards)
    .where(_this_lease)
    .values(status=ShardStatus.QUEUED, suspect=bindparam("of_suspect"), verdict=bindparam("of_verdict"), **_NO_LEASE)
    .returning(shards.c.owner, shards.c.charged)
)
GIVE_BACK_SHARD = (
    update(shards)
    .where(_this_lease)
    .values(status=ShardStatus.QUEUED, **_NO_LEASE)
    .returning(shards.c.owner, shards.c.charged)
)
_this_attempt = (
    attempts.c.job_id == bindparam("of_job"),
    attempts.c.shard == bindparam("of_shard"),
    attempts.c.attempt == bindparam("of_attempt"),
)
UNCOUNT_ATTEMPT = update(attempts).where(*_this_attempt).values(holder="")
COUNT_ATTEMPTS = select(func.count()).where(
    attempts.c.job_id == bindparam("of_job"), attempts.c.shard == bindparam("of_shard"), attempts.c.holder != ""
)
FIND_HOLDERS = select(shards.c.holder).where(shards_leased).distinct()
FIND_JOBS_OF_HOLDER = select(shards.c.job_id).where(shards_leased, shards.c.holder == bindparam("of_holder"))
REVOKE_SHARDS = (
    update(shards)
    .where(shards_leased, shards.c.holder == bindparam("of_holder"))
    .values(status=ShardStatus.QUEUED, **_NO_LEASE)
)
_charged = shards.c.charged - bindparam("seconds", type_=Float)
ADVANCE_SHARD = {
    False: update(shards)
    .where(
        _this_lease,
        shards.c.first + shards.c.done == bindparam("from_position"),
        shards.c.done + bindparam("count") <= shards.c.size,
    )
    .values(done=shards.c.done + bindparam("count"), charged=_charged)
    .returning(shards.c.owner, shards.c.charged),
    True: update(shards)
    .where(
        _this_lease,
        shards.c.first + shards.c.done == bindparam("from_position"),
        shards.c.done + bindparam("count") == shards.c.size,
    )
    .values(status=ShardStatus.DONE, done=shards.c.size, charged=_charged, **_NO_LEASE)
    .returning(shards.c.owner, shards.c.charged),
}
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
        finished_at=case((_is_all, bindparam("at", type_=Float))),
    )
    .returning(jobs.c.status)
)

# cancel

CANCEL_JOB = (
    update(jobs)
    .where(_this_job, _jobs_that_may(JobEvent.CANCEL))
    .values(status=JobStatus.CANCELLED, cancel_requested=True, finished_at=bindparam("at"))
)
CANCEL_SHARDS = (
    update(shards)
    .where(shards.c.job_id == bindparam("of_job"), _shards_that_may(ShardEvent.CANCEL))
    .values(status=ShardStatus.CANCELLED, **_NO_LEASE)
)

# expire

FIND_EXPIRED_JOBS = select(jobs.c.id, jobs.c.timeout).where(_is_overdue)
EXPIRE_JOB = (
    update(jobs)
    .where(_this_job, _is_overdue)
    .values(
        status=job_after(JobStatus.RUNNING, JobEvent.EXPIRE), fault=bindparam("of_fault"), finished_at=bindparam("at")
    )
)

FAIL_JOB = (
    update(jobs)
    .where(_this_job, jobs.c.status == JobStatus.RUNNING)
    .values(
        status=job_after(JobStatus.RUNNING, JobEvent.FAIL), fault=bindparam("of_fault"), finished_at=bindparam("at")
    )
)

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
    select(jobs.c.id).where(_has_ended).order_by(jobs.c.seq).limit(bindparam("most")).with_for_update(skip_locked=True)
)
DELETE_RESULTS = delete(results).where(results.c.job_id.in_(bindparam("of_jobs", expanding=True)))
KEEP_SPENT = insert(spent).from_select(
    ["owner", "created_at", "shots"],
    select(jobs.c.owner, jobs.c.created_at, jobs.c.shots).where(
        jobs.c.id.in_(bindparam("of_jobs", expanding=True)), jobs.c.shots > 0, jobs.c.created_at >= bindparam("since")
    ),
)
FORGET_SPENT = delete(spent).where(spent.c.created_at < bindparam("since"))
DELETE_JOBS = delete(jobs).where(jobs.c.id.in_(bindparam("of_jobs", expanding=True)))
