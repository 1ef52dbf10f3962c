import pytest

from farshot.errors import StoreHostError
from farshot.store import Host, open_engine, sqlite_url, this_host

HERE = Host("machine-1", "boot-1", "here")
REBOOTED = Host("machine-1", "boot-2", "here")
CONTAINER = Host("machine-9", "boot-1", "box")
ELSEWHERE = Host("machine-2", "boot-3", "elsewhere")


@pytest.fixture
def url(tmp_path):
    url = sqlite_url(tmp_path)
    open_engine(url, host=HERE).dispose()
    return url


def test_this_machine_stays_the_same():
    assert this_host() == this_host()


@pytest.mark.parametrize("host", [HERE, REBOOTED, CONTAINER], ids=["same", "rebooted", "container"])
def test_a_machine_may_open_its_own_store(url, host):
    open_engine(url, host=host).dispose()
    open_engine(url, host=host).dispose()


def test_another_machine_is_refused_with_the_way_out(url, tmp_path):
    before = (tmp_path / "farshot.sqlite3").read_bytes()
    with pytest.raises(StoreHostError, match=r"'here'.*'elsewhere'.*FARSHOT_DATA_DIR.*farshot adopt"):
        open_engine(url, host=ELSEWHERE)
    assert (tmp_path / "farshot.sqlite3").read_bytes() == before


def test_an_adopted_store_is_the_new_machines(url):
    open_engine(url, host=ELSEWHERE, adopting=True).dispose()
    open_engine(url, host=ELSEWHERE).dispose()
    with pytest.raises(StoreHostError):
        open_engine(url, host=HERE)
