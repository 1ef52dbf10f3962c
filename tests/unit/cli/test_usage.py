"""Who uses how much of a service, as its operator sees it."""

import json

import pytest

from farshot.accounts import Quota, User
from farshot.cli.app import app
from farshot.store import SqlStore, open_engine, sqlite_url
from farshot.store.accounts import SqlAccounts
from farshot.testing.stores.values import make_submission


@pytest.fixture
def folder(tmp_path):
    """A store in which ada has much, bob little and cyd nothing."""
    engine = open_engine(sqlite_url(tmp_path))
    accounts, store = SqlAccounts(engine), SqlStore(engine)
    for name in ("ada", "bob", "cyd"):
        accounts.add_user(User(name))
    accounts.limit("bob", Quota(queued_circuits=100))
    store.add(make_submission(owner="bob"))
    store.add(make_submission(80, owner="ada"))
    store.claim("me", 1)
    engine.dispose()
    return tmp_path


def shown(capsys, folder, *options):
    with pytest.raises(SystemExit) as end:
        app(["user", "usage", "--data-dir", str(folder), *options])
    assert end.value.code == 0
    return capsys.readouterr().out


def test_users_are_listed_by_what_they_have_stored(capsys, folder):
    lines = shown(capsys, folder).splitlines()
    assert [line.split()[0] for line in lines] == ["user", "ada", "bob", "cyd"]
    assert "4 of 100" in lines[2]


def test_programs_get_numbers(capsys, folder):
    ada, bob, cyd = json.loads(shown(capsys, folder, "--json"))
    assert ada["usage"]["queued_circuits"] == 80
    assert (bob["usage"]["shots_per_day"], bob["quota"]["queued_circuits"]) == (40, 100)
    assert set(cyd["usage"].values()) == {0}
