"""`farshot jobs prune` on a store on PostgreSQL, while a service works on it."""

import json
import os
import signal

import pytest
from sqlalchemy import create_engine, inspect, make_url, text

import commands
import farshot
from commands import KEPT
from processes import until
from samples import BELL
from serving import StoreServer

OF_JOBS = ("jobs", "parts", "payloads", "shards", "attempts", "results")
MANY = {f"c{number}": f"{BELL}// {number} {os.urandom(500).hex()}" for number in range(300)}


@pytest.fixture
def database(url):
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.fixture
def server(tmp_path, url):
    server = StoreServer(tmp_path, url, "--workers", "1", "--grace", "1s")
    server.start()
    yield server
    server.kill()


def prune(url, *options, status=0):
    done = commands.run("jobs", "prune", "--store", url, "--older-than", "0s", *options, environment=KEPT)
    assert done.returncode == status, done.stderr
    return done.stdout + done.stderr


def rows(database):
    return {name: database.execute(text(f"SELECT count(*) FROM {name}")).scalar_one() for name in OF_JOBS}


def size(database):
    return sum(database.execute(text(f"SELECT pg_total_relation_size('{name}')")).scalar_one() for name in OF_JOBS)


def test_what_ended_is_deleted_under_a_service_and_its_space_comes_back(server, url, database):
    with farshot.RemoteBackend(server.url, server.token("ann")) as backend:
        ended = [backend.job(backend.submit_circuits(MANY).job_id) for _ in range(3)]
        assert {job.wait(60) for job in ended} == {"COMPLETED"}
        server.process.send_signal(signal.SIGUSR1)
        until(lambda: "drain" in (server.folder / "serve.log").read_text())
        kept = backend.job(backend.submit_circuits({"bell": BELL}).job_id)
        before = rows(database)
        assert json.loads(prune(url, "--dry-run", "--json")) == {"would_be_deleted": 3}
        assert "that would delete 3 jobs" in prune(url, status=2)
        assert rows(database) == before
        assert json.loads(prune(url, "--yes", "--json")) == {"deleted": 3}
        assert prune(url, "--yes") == "0 jobs deleted\n"
        assert rows(database) == {**dict.fromkeys(OF_JOBS, 1), "attempts": 0, "results": 0}
        with pytest.raises(farshot.UnknownJobError):
            backend.job(ended[0].id)
        server.process.send_signal(signal.SIGUSR1)
        assert kept.wait(60) == "COMPLETED"
        grown = size(database)
        database.execute(text("VACUUM FULL"))
        assert size(database) < grown / 2
        assert kept.result().counts("bell")


def test_an_address_without_a_store_is_refused_and_stays_as_it_is(url, database):
    assert "there is no store" in prune(url, "--dry-run", status=2)
    assert inspect(database).get_table_names() == []
    assert "give one of them" in prune(url, "--url", "http://127.0.0.1:1", "--yes", status=2)
