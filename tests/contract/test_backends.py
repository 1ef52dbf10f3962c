import pytest

import farshot
from farshot.testing.backends import BackendSuite


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    with farshot.LocalBackend(data_dir=tmp_path_factory.mktemp("store"), workers=2, polling_interval=0.05) as opened:
        yield opened


class TestLocalBackend(BackendSuite):
    @pytest.fixture
    def backend(self, opened):
        """One backend for all tests, for workers take long to start; each has its store to itself, and empty."""
        yield opened
        for job in opened.jobs(limit=1000):
            job.cancel()
            job.wait(60)
            job.delete()
