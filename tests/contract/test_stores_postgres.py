"""The same contract on PostgreSQL, and what only a server can get wrong."""

import os
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import text

from farshot.contract import JobStatus
from farshot.errors import StoreError, UnknownJobError, UploadError
from farshot.model import JobFilter, ResultSlice
from farshot.store import SqlStore, open_engine
from farshot.store.accounts import SqlAccounts
from farshot.store.schema import metadata
from farshot.store.uploads import SqlUploads
from farshot.testing.stores import (
    LEASE_SECONDS,
    RUNNING_LIMIT,
    AccountSuite,
    ManualClock,
    QuotaSuite,
    StoreMachine,
    StoreSuite,
    UploadSuite,
)
from farshot.testing.stores.following import Follower
from farshot.testing.stores.values import finish, make_draft, make_part, make_queue, make_result, make_submission

STEPS = 2_000 if os.environ.get("FARSHOT_CAMPAIGN") == "1" else 250


@pytest.fixture(scope="module")
def opened(store_url):
    engine = open_engine(store_url)
    yield engine
    engine.dispose()


@pytest.fixture
def engine(opened):
    """One database for all tests, for to make one takes longer than most of them; each finds nothing in it."""
    yield opened
    clear(opened)


def clear(engine):
    with engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            if table.name != "changes":
                connection.execute(table.delete())
        connection.execute(text("UPDATE changes SET count = 0, served = 0"))


@pytest.fixture
def shared(engine):
    """A store by the server's clock."""
    return SqlStore(engine, lease_seconds=LEASE_SECONDS)


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def store(engine, clock):
    return SqlStore(engine, clock, lease_seconds=LEASE_SECONDS)


class TestPostgres(StoreSuite):
    @pytest.fixture
    def limited(self, engine, clock):
        return SqlStore(engine, clock, lease_seconds=LEASE_SECONDS, running_limit=RUNNING_LIMIT)


class TestUploads(UploadSuite):
    @pytest.fixture
    def uploads(self, engine, clock):
        return SqlUploads(engine, clock)


class TestAccounts(AccountSuite):
    @pytest.fixture
    def accounts(self, engine):
        return SqlAccounts(engine)


class TestQuotas(QuotaSuite):
    @pytest.fixture
    def uploads(self, engine, clock):
        return SqlUploads(engine, clock)

    @pytest.fixture
    def accounts(self, engine):
        return SqlAccounts(engine)


@pytest.fixture
def deadlocks(engine):
    """How many transactions the server has broken off since because they waited for each other."""

    def count():
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_stat_force_next_flush()"))
            return connection.execute(
                text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
            ).scalar_one()

    before = count()
    return lambda: count() - before


def in_threads(*work):
    """Do all of this at the same time; what one raises is raised."""
    with ThreadPoolExecutor(len(work)) as pool:
        for done in [pool.submit(each) for each in work]:
            done.result()


def test_drawn_steps_agree_with_the_model(store_url, engine):
    class Machine(StoreMachine):
        def make_empty(self):
            clear(engine)

        def open_store(self, clock):
            return SqlStore(open_engine(store_url), clock, lease_seconds=LEASE_SECONDS)

    some = settings(
        max_examples=5,
        stateful_step_count=50,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    while Machine.steps < STEPS:
        run_state_machine_as_test(Machine, settings=some)


def test_leases_last_by_the_servers_clock(engine):
    store = SqlStore(engine, lease_seconds=0.3)
    store.add(make_submission(circuits=1))
    (held,) = store.claim("me", 1)
    assert store.claim("you", 1) == []
    time.sleep(0.4)
    (taken,) = store.claim("you", 1)
    assert taken.lease.attempt == held.lease.attempt + 1
    assert store.lost([held.lease, taken.lease]) == [held.lease]


def test_the_migrations_make_the_tables_of_the_code(engine):
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_eight_openings_at_once_make_one_schema(url):
    with ThreadPoolExecutor(8) as pool:
        for engine in pool.map(lambda _: open_engine(url), range(8)):
            engine.dispose()


def test_racing_claims_share_the_shards(shared):
    jobs = [shared.add(make_submission(circuits=20, shard=1)).id for _ in range(5)]

    def drain(holder):
        return [shard for found in iter(lambda: shared.claim(holder, 3), []) for shard in found]

    with ThreadPoolExecutor(8) as pool:
        claimed = [shard.lease for leases in pool.map(drain, map(str, range(8))) for shard in leases]
    assert len(claimed) == 100
    assert {lease.attempt for lease in claimed} == {1}
    assert Counter(lease.job_id for lease in claimed) == dict.fromkeys(jobs, 20)


def test_eight_workers_and_a_canceller_never_wait_for_each_other(shared):
    jobs = [shared.add(make_submission(circuits=12, shard=2)).id for _ in range(12)]
    began = time.monotonic()

    def work(holder):
        shards = shared.claim(holder, 3)
        while shards:
            shared.renew([shard.lease for shard in reversed(shards)])
            parts = [
                ResultSlice.of(shard.lease, shard.first, [make_result()] * 2, last=True) for shard in reversed(shards)
            ]
            shards = shared.exchange(parts, holder, 3)[1]

    canceller = threading.Thread(target=lambda: [shared.cancel(job) for job in jobs[::-3]])
    canceller.start()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, map(str, range(8))))
    canceller.join()
    assert time.monotonic() - began < 20
    for record in shared.jobs():
        assert record.status in {JobStatus.COMPLETED, JobStatus.CANCELLED}
        assert record.done == sum(2 for _ in shared.parts(record.id))


def test_followers_miss_nothing_while_many_commit(shared):
    followers = [Follower(None), Follower(None), Follower("ada")]
    ended = threading.Event()

    def write(number):
        owner = ("ada", "bob")[number % 2]
        for _ in range(12):
            jobs = [shared.add(make_submission(circuits=2, shard=1, owner=owner)) for _ in range(2)]
            finish(shared, *shared.claim(str(number), 3))
            shared.cancel(jobs[0].id)

    def read(follower):
        while not ended.is_set():
            follower.read(shared, 5)

    def write_all():
        in_threads(*[partial(write, number) for number in range(6)])
        ended.set()

    in_threads(write_all, *[partial(read, follower) for follower in followers])
    for follower in followers:
        follower.catch_up(shared)
        follower.compare(shared.jobs(JobFilter(owner=follower.owner), limit=1000))


def submit_some(store, owner):
    for turn in range(12):
        submission = make_submission(circuits=4, shard=1, owner=owner, priority=turn % 3)
        if turn % 2:
            store.add(submission)
        else:
            finish(store, *store.exchange([], owner, 3, submissions=[submission]).claimed)


def upload_some(uploads, owner):
    for turn in range(6):
        job = uploads.open(make_draft(owner, str(turn), priority=turn % 3))
        parts = [make_part(number, [f"{number}a", f"{number}b"]) for number in range(2)]
        with suppress(UnknownJobError, UploadError):  # somebody took it away
            in_threads(*[partial(uploads.put, job.id, part) for part in parts])
            uploads.accept(job.id, make_submission(4).batch.spec, 4)


def work_some(store, holder):
    for _ in range(25):
        finish(store, *reversed(store.claim(holder, 4)))


def disturb_some(store, act):
    for _ in range(20):
        for record in store.jobs(limit=4):
            with suppress(UnknownJobError):
                act(record.id)


def test_everything_at_once_ends_without_a_deadlock(shared, engine, deadlocks):
    uploads = SqlUploads(engine)
    in_threads(
        *[partial(submit_some, shared, owner) for owner in ("ada", "bob", "ada")],
        *[partial(upload_some, uploads, owner) for owner in ("ada", "bob")],
        *[partial(work_some, shared, holder) for holder in "xyz"],
        *[partial(disturb_some, shared, act) for act in (shared.cancel, shared.delete)],
        lambda: [shared.prune(-1) for _ in range(10)],
    )
    while shards := shared.claim("me", 9):
        finish(shared, *shards)
    assert all(record.status.is_terminal or record.uploading for record in shared.jobs(limit=1000))
    assert deadlocks() == 0


def test_jobs_that_come_at_once_share_one_turn(shared):
    in_threads(*[partial(shared.add, make_queue("ada", [1.0] * 4)) for _ in range(8)])
    shared.add(make_queue("bob", [1.0] * 8))
    claimed = Counter(shared.job(shard.lease.job_id).owner for shard in shared.claim("me", 8))
    assert claimed == {"ada": 4, "bob": 4}


def test_racing_claims_pass_no_limit(engine):
    limited = SqlStore(engine, running_limit=RUNNING_LIMIT)
    for _ in range(8):
        limited.add(make_queue("ada", [1.0] * 4))
    in_threads(*[partial(limited.claim, str(number), 2) for number in range(8)])
    assert limited.usage("ada").running_shards == RUNNING_LIMIT


def test_what_ended_long_ago_is_pruned(shared):
    kept, ended = shared.add(make_submission()), shared.add(make_submission())
    shared.cancel(ended.id)
    assert (shared.prune(60), shared.prune(-1)) == (0, 1)
    assert [job.id for job in shared.jobs()] == [kept.id]
    assert shared.faults() == []


def test_a_server_that_is_not_there_is_named():
    with pytest.raises(StoreError, match=r"127\.0\.0\.1:1/none.*look whether the server runs"):
        open_engine("postgresql://nobody:secret@127.0.0.1:1/none")


def test_a_password_is_not_shown():
    with pytest.raises(StoreError) as caught:
        open_engine("postgresql://nobody:secret@127.0.0.1:1/none")
    assert "secret" not in str(caught.value)
