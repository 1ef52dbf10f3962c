import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from farshot.store import SqlStore, open_engine, sqlite_url
from farshot.store.accounts import SqlAccounts
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

STEPS = 10_000 if os.environ.get("FARSHOT_CAMPAIGN") == "1" else 500


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def engine(tmp_path, empty):
    engine = open_engine(sqlite_url(shutil.copytree(empty, tmp_path / "store")))
    yield engine
    engine.dispose()


@pytest.fixture
def store(engine, clock):
    return SqlStore(engine, clock, lease_seconds=LEASE_SECONDS)


class TestSqlite(StoreSuite):
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


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """A store in which no job is, to be copied: to make one takes longer than most tests."""
    folder = tmp_path_factory.mktemp("empty")
    open_engine(sqlite_url(folder)).dispose()
    return folder


@pytest.fixture
def memory(tmp_path):
    """A folder in memory where there is one: these steps are about what is stored, not about the disk."""
    where = Path("/dev/shm")  # noqa: S108 -- a private folder is made in it
    with tempfile.TemporaryDirectory(prefix="farshot-", dir=where if where.is_dir() else tmp_path) as name:
        yield Path(name)


def test_drawn_steps_agree_with_the_model(empty, memory):
    class Machine(StoreMachine):
        def make_empty(self):
            self.folder = memory / "store"
            shutil.rmtree(self.folder, ignore_errors=True)
            shutil.copytree(empty, self.folder)

        def open_store(self, clock):
            return SqlStore(open_engine(sqlite_url(self.folder)), clock, lease_seconds=LEASE_SECONDS)

    often = settings(
        max_examples=10,
        stateful_step_count=50,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],  # a failure shows its steps as they were: shrinking takes minutes
    )
    while Machine.steps < STEPS:
        run_state_machine_as_test(Machine, settings=often)
