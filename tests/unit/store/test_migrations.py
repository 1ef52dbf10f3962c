import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect

from farshot.contract import JobStatus
from farshot.store import SCHEMA_VERSION, Host, SqlStore, open_engine, sqlite_url
from farshot.store.migrate import schema_version
from farshot.store.schema import metadata
from farshot.testing.stores import ManualClock
from farshot.testing.stores.values import finish

SCHEMAS = sorted((Path(__file__).parents[2] / "data" / "schemas").glob("*.sql"))
HOST = Host("machine", "boot", "name")


@pytest.fixture
def engine(tmp_path):
    engine = open_engine(sqlite_url(tmp_path), host=HOST)
    yield engine
    engine.dispose()


def test_the_migrations_make_the_tables_of_the_code(engine):
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_the_migrations_make_the_checks_of_the_code(engine):
    declared = create_engine("sqlite://")
    metadata.create_all(declared)
    for table in metadata.tables:
        found, wanted = (inspect(each).get_check_constraints(table) for each in (engine, declared))
        assert {check["name"]: check["sqltext"] for check in found} == {
            check["name"]: check["sqltext"] for check in wanted
        }
    declared.dispose()


def test_the_current_schema_is_among_those_kept():
    assert SCHEMAS[-1].stem == SCHEMA_VERSION


@pytest.mark.parametrize("dump", SCHEMAS, ids=lambda path: path.stem)
def test_a_store_of_every_schema_opens_and_goes_on(tmp_path, dump):
    database = sqlite3.connect(tmp_path / "farshot.sqlite3")
    database.executescript(dump.read_text(encoding="utf-8"))
    database.close()
    engine = open_engine(sqlite_url(tmp_path), host=HOST)
    with engine.connect() as connection:
        assert schema_version(connection) == SCHEMA_VERSION
    store = SqlStore(engine, ManualClock())
    gone, half, done = store.jobs()
    assert (gone.status, half.status, done.status) == (JobStatus.CANCELLED, JobStatus.RUNNING, JobStatus.COMPLETED)
    assert (half.done, done.done, done.tag) == (1, 4, "old")
    assert store.faults() == []
    store.revoke("me")
    (shard,) = store.claim("you", 9)
    assert (shard.lease.job_id, shard.first, shard.lease.attempt) == (half.id, 1, 2)
    finish(store, shard)
    assert store.job(half.id).status is JobStatus.COMPLETED
    assert [part.labels for part in store.parts(done.id)] == [("c0", "c1", "c2", "c3")]
    store.close()
