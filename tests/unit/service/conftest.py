from datetime import UTC, datetime

import pytest


@pytest.fixture
def now():
    return datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
