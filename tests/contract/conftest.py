import itertools
import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

NEED_SERVICES = [
    "test_deleting_postgres.py",
    "test_doctor_postgres.py",
    "test_frozen_postgres.py",
    "test_full_postgres.py",
    "test_migrations_postgres.py",
    "test_stores_postgres.py",
]
numbers = itertools.count(1)
required = os.environ.get("FARSHOT_REQUIRE_SERVICES") == "1"
collect_ignore = [] if required else NEED_SERVICES


def pytest_terminal_summary(terminalreporter):
    if not required:
        names = ", ".join(NEED_SERVICES)
        terminalreporter.write_line(f"not run without FARSHOT_REQUIRE_SERVICES=1, which needs PostgreSQL: {names}")


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.fixture(scope="session")
def postgres():
    """The address of a PostgreSQL server of this session's own. Where none can be started, the test fails."""
    folder = tempfile.mkdtemp(prefix="farshot-pg-")
    script = Path(__file__).parents[1] / "services" / "pg_local.sh"
    environment = {**os.environ, "FARSHOT_PG": folder, "FARSHOT_PG_PORT": str(free_port())}

    def run(command, **streams):
        return subprocess.run([script, command], env=environment, check=True, text=True, timeout=60, **streams)

    run("start")
    yield run("dsn", stdout=subprocess.PIPE).stdout.strip()
    run("stop")
    shutil.rmtree(folder)


def make_database(postgres, name):
    server = create_engine(make_url(postgres).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    server.dispose()
    return make_url(postgres).set(database=name).render_as_string()


@pytest.fixture
def url(postgres):
    """A database of the test's own, in which nothing is."""
    return make_database(postgres, f"farshot_{next(numbers)}")


@pytest.fixture(scope="module")
def store_url(postgres):
    """A database of the file's own: to make one takes longer than most tests."""
    return make_database(postgres, f"farshot_{next(numbers)}")
