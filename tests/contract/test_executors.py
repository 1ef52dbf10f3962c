"""The contract of executors on every one that is shipped."""

import pytest

from farshot.executors.local import LocalExecutor
from farshot.testing.executors import ExecutorSuite


class TestLocal(ExecutorSuite):
    @pytest.fixture
    def executor(self):
        return LocalExecutor(2)


class TestLocalWithLane(ExecutorSuite):
    @pytest.fixture
    def executor(self):
        return LocalExecutor(1, lane=True)
