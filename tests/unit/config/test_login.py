import os

import pytest

from farshot.config.login import Login, chosen_service, clean_url, forget_login, login_file, store_login, stored_login
from farshot.errors import ConfigError

LAB = Login("http://lab:8080", "farshot_secret")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("FARSHOT_CONFIG_DIR", str(tmp_path / "config"))
    return tmp_path / "config"


def mode(path):
    return path.stat().st_mode & 0o777


def test_a_login_is_kept_for_its_user_only_and_forgotten(folder):
    before = os.umask(0)
    try:
        file = store_login(LAB)
    finally:
        os.umask(before)
    assert file == login_file()
    assert (mode(file), mode(folder)) == (0o600, 0o700)
    assert [found.name for found in folder.iterdir()] == ["credentials.toml"]
    assert stored_login() == LAB
    assert forget_login() == LAB
    assert forget_login() is stored_login() is None


def test_a_login_takes_the_place_of_the_one_before():
    store_login(LAB)
    store_login(Login("https://other", 'with "quotes"'))
    assert stored_login() == Login("https://other", 'with "quotes"')


def test_a_file_that_others_can_read_is_made_private():
    file = store_login(LAB)
    file.chmod(0o644)
    assert stored_login() == LAB
    assert mode(file) == 0o600


@pytest.mark.parametrize("text", ["url = 1", "nothing", "url = 'http://lab'", "\xff"])
def test_a_file_that_holds_no_login_is_said_so_and_can_be_forgotten(text):
    store_login(LAB).write_text(text, encoding="latin-1")
    with pytest.raises(ConfigError, match="credentials"):
        stored_login()
    assert forget_login()
    assert not login_file().exists()


def test_the_token_is_in_no_text_about_it():
    assert "secret" not in repr(LAB)
    assert "secret" not in repr(chosen_service(LAB.url, LAB.token, {}))


def test_without_a_word_jobs_are_on_this_machine():
    assert chosen_service(None, None, {"FARSHOT_DATA_DIR": "/here", "FARSHOT_URL": ""}) is None


def test_flags_come_before_the_environment_that_before_the_login():
    store_login(LAB)
    environ = {"FARSHOT_URL": "http://env", "FARSHOT_TOKEN": "of environment"}
    found = chosen_service("http://flag", "of flag", environ)
    assert (found.url, found.token) == ("http://flag", "of flag")
    found = chosen_service(None, None, environ)
    assert (found.url, found.token) == ("http://env", "of environment")
    assert (found.url_origin, found.token_origin) == ("environment FARSHOT_URL", "environment FARSHOT_TOKEN")
    found = chosen_service(None, None, {"FARSHOT_DATA_DIR": "/here"})
    assert (found.url, found.token) == (LAB.url, LAB.token)
    assert found.token_origin == f"file {login_file()}"


def test_a_stored_token_is_sent_to_its_own_service_only():
    store_login(LAB)
    assert chosen_service("http://elsewhere:8080", None, {}).token is None
    assert chosen_service(None, None, {"FARSHOT_URL": "http://lab"}).token is None
    assert chosen_service("http://lab:8080/", None, {}).token == LAB.token


def test_a_folder_comes_before_the_environment_and_the_login():
    store_login(LAB)
    assert chosen_service(None, None, {"FARSHOT_URL": "http://env"}, local=True) is None


@pytest.mark.parametrize(
    "url",
    ["lab:8080", "ftp://lab", "http://", "http://lab:port", "http://a:b@lab", "http://lab?x", "http://l\nab", "lab"],
)
def test_what_is_no_address_is_refused(url):
    with pytest.raises(ConfigError, match="--url: the address of a service"):
        clean_url(url, "--url")
