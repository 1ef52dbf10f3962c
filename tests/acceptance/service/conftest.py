import pytest

from callers import People
from serving import running_server


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """One service for all tests of this folder, each of which uses users of its own."""
    with running_server(tmp_path_factory.mktemp("service"), "--workers", "2", "--circuit-timeout", "20") as server:
        yield server


@pytest.fixture(scope="session")
def everybody(server):
    people = People(server)
    yield people
    people.close()


@pytest.fixture
def new_user(everybody):
    return everybody


@pytest.fixture
def ann(new_user):
    return new_user()


@pytest.fixture
def ben(new_user):
    return new_user()


@pytest.fixture
def nobody(everybody):
    return everybody.caller()
