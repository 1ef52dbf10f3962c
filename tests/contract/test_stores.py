import pytest

from farshot.store import SqlStore, open_engine, sqlite_url
from farshot.testing.stores import LEASE_SECONDS, ManualClock, StoreSuite


class TestSqlite(StoreSuite):
    @pytest.fixture
    def clock(self):
        return ManualClock()

    @pytest.fixture
    def store(self, tmp_path, clock):
        store = SqlStore(open_engine(sqlite_url(tmp_path)), clock, lease_seconds=LEASE_SECONDS)
        yield store
        store.close()
