"""What `doctor` says of a store on PostgreSQL, which it leaves as it is."""

import json

import pytest
from sqlalchemy import create_engine, inspect, make_url, text

import commands
from commands import KEPT
from farshot.cli.checks import server_check
from farshot.store import SCHEMA_VERSION, SqlStore, open_engine
from farshot.testing.stores.values import make_submission


@pytest.fixture
def database(url):
    """The database, without any look at it by a store."""
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.fixture
def store(url):
    """A store with a job."""
    store = SqlStore(open_engine(url))
    store.add(make_submission())
    store.close()


def version_of(database):
    return database.execute(text("SELECT version_num FROM alembic_version")).scalar_one()


@pytest.mark.usefixtures("store")
def test_a_healthy_server_is_well(url, tmp_path):
    environment = {**KEPT, "FARSHOT_DATA_DIR": str(tmp_path / "data"), "FARSHOT_SERVER_STORE": url}
    process = commands.run("doctor", "--json", environment=environment)
    found = json.loads(process.stdout)
    (check,) = [check for check in found["checks"] if check["name"] == "store of the service"]
    assert check["ok"], check
    assert check["detail"] == f"{url}: whole, schema {SCHEMA_VERSION}"
    assert (process.returncode, found["ok"]) == (0, True)


def test_a_database_in_which_nothing_is_stays_so(url, database):
    found = server_check(url)
    assert found.ok
    assert "no store yet" in found.detail
    assert inspect(database).get_table_names() == []


@pytest.mark.usefixtures("store")
def test_an_older_store_stays_as_it_is_and_what_opening_it_does_is_said(url, database):
    database.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    found = server_check(url)
    assert found.ok
    assert f"schema 0001: older than this Farshot's, {SCHEMA_VERSION}" in found.detail
    assert "pg_dump" in found.advice
    assert version_of(database) == "0001"


@pytest.mark.usefixtures("store")
def test_damage_is_found(url, database):
    database.execute(text("UPDATE jobs SET checksum = checksum + 1"))
    found = server_check(url)
    assert not found.ok
    assert "its specification is damaged" in found.detail


@pytest.mark.usefixtures("store")
def test_a_newer_store_and_one_of_another_program_are_named(url, database):
    database.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert "upgrade Farshot" in server_check(url).detail
    database.execute(text("DROP TABLE alembic_version"))
    assert "another program" in server_check(url).detail


@pytest.mark.usefixtures("store")
def test_a_server_that_takes_no_writes_is_not_well(url, database):
    database.execute(text(f"ALTER DATABASE {make_url(url).database} SET default_transaction_read_only = on"))
    found = server_check(url)
    assert not found.ok
    assert "takes no writes" in found.detail


def test_an_account_that_may_not_make_the_tables_is_not_well(url, database):
    database.execute(text("CREATE ROLE visitor LOGIN"))
    visitor = make_url(url).set(username="visitor").render_as_string()
    found = server_check(visitor)
    assert not found.ok
    assert "visitor may not make tables" in found.detail
    open_engine(url).dispose()
    database.execute(text("GRANT SELECT ON ALL TABLES IN SCHEMA public TO visitor"))
    assert "visitor may not change" in server_check(visitor).detail


def test_a_database_that_is_not_there_is_said_so(url):
    found = server_check(make_url(url).set(database="nowhere").render_as_string())
    assert not found.ok
    assert '"nowhere" does not exist' in found.detail
