"""The same contract on PostgreSQL, and what only a server can get wrong."""

import itertools
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import create_engine, make_url, text

from farshot.contract import JobStatus
from farshot.errors import StoreError
from farshot.model import Part
from farshot.store import SqlStore, open_engine
from farshot.store.schema import metadata
from farshot.testing.stores import LEASE_SECONDS, ManualClock, StoreMachine, StoreSuite
from farshot.testing.stores.values import make_result, make_submission

numbers = itertools.count(1)


@pytest.fixture
def url(postgres):
    """A database of the test's own."""
    name = f"farshot_{next(numbers)}"
    server = create_engine(make_url(postgres).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    server.dispose()
    return make_url(postgres).set(database=name).render_as_string()


@pytest.fixture
def shared(url):
    """A store by the server's clock."""
    store = SqlStore(open_engine(url), lease_seconds=LEASE_SECONDS)
    yield store
    store.close()


class TestPostgres(StoreSuite):
    @pytest.fixture
    def clock(self):
        return ManualClock()

    @pytest.fixture
    def store(self, url, clock):
        store = SqlStore(open_engine(url), clock, lease_seconds=LEASE_SECONDS)
        yield store
        store.close()


def test_steps_agree_with_the_model(url):
    class Machine(StoreMachine):
        def make_empty(self):
            with engine.begin() as connection:
                connection.execute(text("TRUNCATE jobs CASCADE"))

        def open_store(self, clock):
            return SqlStore(open_engine(url), clock, lease_seconds=LEASE_SECONDS)

    engine = open_engine(url)
    some = settings(
        max_examples=10,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    while Machine.steps < 1000:
        run_state_machine_as_test(Machine, settings=some)
    engine.dispose()


def test_leases_last_by_the_servers_clock(url):
    store = SqlStore(open_engine(url), lease_seconds=0.3)
    store.add(make_submission(circuits=1))
    (held,) = store.claim("me", 1)
    assert store.claim("you", 1) == []
    time.sleep(0.4)
    (taken,) = store.claim("you", 1)
    assert taken.lease.attempt == held.lease.attempt + 1
    assert store.lost([held.lease, taken.lease]) == [held.lease]
    store.close()


def test_the_migrations_make_the_tables_of_the_code(url):
    engine = open_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


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
            parts = [Part.of(shard.lease, shard.first, [make_result()] * 2, last=True) for shard in reversed(shards)]
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
