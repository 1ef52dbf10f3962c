import pytest

import farshot
from farshot.testing.backends import BackendSuite
from serving import running_server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("service"), "--workers", "2") as server:
        yield server


class TestRemoteBackend(BackendSuite):
    @pytest.fixture
    def backend(self, server, request):
        """A user of its own for each test, whose jobs nobody else sees."""
        token = server.token(f"user{abs(hash(request.node.name))}")
        with farshot.RemoteBackend(server.url, token, polling_interval=0.05, retry_seconds=20) as backend:
            yield backend
