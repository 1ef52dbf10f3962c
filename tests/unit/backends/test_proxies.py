"""Which proxy stands between a program and its service."""

import pytest

from farshot.backends.http.proxies import proxy_for
from farshot.errors import OptionError

VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture
def environment(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch.setenv


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "[::1]", "lab.localhost"])
def test_this_machine_is_asked_directly(environment, host):
    environment("http_proxy", "http://proxy:3128")
    assert proxy_for(f"http://{host}:8080") is None


def test_a_proxy_is_named_without_its_password(environment):
    environment("https_proxy", "http://ann:secret@proxy:3128")
    assert str(proxy_for("https://lab")) == "the proxy http://proxy:3128 (of HTTPS_PROXY)"
    assert proxy_for("http://lab") is None


def test_all_schemes_may_have_one_and_hosts_may_be_left_out(environment):
    environment("all_proxy", "proxy:3128")
    environment("no_proxy", ".lab,other")
    assert proxy_for("http://far").url == "http://proxy:3128"
    assert proxy_for("http://machine.lab") is None
    assert proxy_for("http://other") is None


def test_a_proxy_that_is_none_of_http_is_refused_with_the_way_out(environment):
    environment("all_proxy", "socks5://proxy:1080")
    with pytest.raises(OptionError, match="NO_PROXY"):
        proxy_for("http://far")
