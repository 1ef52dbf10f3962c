import pytest

import farshot
from farshot.testing.backends import BackendSuite


class TestLocalBackend(BackendSuite):
    @pytest.fixture
    def backend(self, tmp_path):
        with farshot.LocalBackend(data_dir=tmp_path, workers=2, polling_interval=0.05) as backend:
            yield backend
