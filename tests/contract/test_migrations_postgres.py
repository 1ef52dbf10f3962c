"""A store on PostgreSQL that an earlier Farshot made, with open jobs and results, opens and goes on."""

import sqlite3
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Boolean, MetaData, create_engine, delete, insert, make_url, text

import farshot.store
from farshot.contract import JobStatus
from farshot.store import SCHEMA_VERSION, SqlStore, open_engine
from farshot.store.migrate import schema_version
from farshot.testing.stores import ManualClock
from farshot.testing.stores.values import finish

MIGRATIONS = Path(farshot.store.__file__).parent / "migrations"
SCHEMAS = sorted((Path(__file__).parents[1] / "data" / "schemas").glob("*.sql"))


def rows_of(dump):
    """The rows of every table of a dump."""
    database = sqlite3.connect(":memory:")
    database.row_factory = sqlite3.Row
    database.executescript(dump.read_text(encoding="utf-8"))
    names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    found = {name: [dict(row) for row in database.execute(f"SELECT * FROM {name}")] for name in names}
    database.close()
    return found


def made_by(version, connection):
    """Make the tables as the Farshot of a schema made them."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, version)


def filled(connection, rows):
    """Have these rows in the tables, and no others."""
    tables = MetaData()
    tables.reflect(connection)
    for table in tables.sorted_tables:
        truths = [column.name for column in table.columns if isinstance(column.type, Boolean)]
        connection.execute(delete(table))
        for row in rows[table.name]:
            connection.execute(insert(table), row | {name: bool(row[name]) for name in truths})
        if rows[table.name] and "seq" in table.columns:
            sequence = f"pg_get_serial_sequence('{table.name}', 'seq')"
            connection.execute(text(f"SELECT setval({sequence}, {max(row['seq'] for row in rows[table.name])})"))


@pytest.mark.parametrize("dump", SCHEMAS, ids=lambda path: path.stem)
def test_a_store_of_every_schema_opens_and_goes_on(url, dump):
    before = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    with before.begin() as connection:
        made_by(dump.stem, connection)
        filled(connection, rows_of(dump))
    before.dispose()
    engine = open_engine(url)
    with engine.connect() as connection:
        assert schema_version(connection) == SCHEMA_VERSION
    store = SqlStore(engine, ManualClock())
    gone, half, done = store.jobs()
    assert (gone.status, half.status, done.status) == (JobStatus.CANCELLED, JobStatus.RUNNING, JobStatus.COMPLETED)
    assert (half.done, done.done, done.tag) == (1, 4, "old")
    assert [part.labels for part in store.parts(done.id)] == [("c0", "c1", "c2", "c3")]
    store.revoke("me")
    (shard,) = store.claim("you", 9)
    assert (shard.lease.job_id, shard.first, shard.lease.attempt) == (half.id, 1, 2)
    finish(store, shard)
    assert store.job(half.id).status is JobStatus.COMPLETED
    store.close()
