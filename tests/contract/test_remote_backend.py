import pytest

import farshot
from callers import People
from farshot.testing.backends import BackendSuite
from serving import running_server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("service"), "--workers", "2") as server:
        yield server


@pytest.fixture(scope="module")
def people(server):
    people = People(server)
    yield people
    people.close()


class TestRemoteBackend(BackendSuite):
    @pytest.fixture
    def backend(self, server, people):
        """A user of its own for each test, whose jobs nobody else sees."""
        with farshot.RemoteBackend(server.url, people().token, polling_interval=0.05, retry_seconds=20) as backend:
            yield backend
