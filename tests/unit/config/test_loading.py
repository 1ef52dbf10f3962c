import doctest

import msgspec
import pytest

import farshot.config.login
import farshot.config.sources
import farshot.config.units
from farshot.cli.service_options import FLAGS, load_settings
from farshot.config.resolution import load
from farshot.config.sources import Given, options_of, targets_given
from farshot.errors import ConfigError

MODULES = (farshot.config.sources, farshot.config.login, farshot.config.units)


@pytest.mark.parametrize("module", MODULES)
def test_what_docstrings_show_is_true(module):
    tried = doctest.testmod(module)
    assert tried.attempted
    assert not tried.failed


@pytest.fixture
def loaded(tmp_path):
    file = tmp_path / "service.toml"

    def load_text(text="", environ=(), **flags):
        file.write_text(text, encoding="utf-8")
        given = {key.replace("__", "."): Given(value, f"flag {key}") for key, value in flags.items()}
        return load(file, dict(environ), given)

    return load_text


def test_every_setting_has_a_default_and_says_so():
    facts = list(load(None, {}, {}).facts())
    assert len(facts) == sum(map(len, options_of().values()))
    assert {origin for _, _, origin in facts} == {"default"}


def test_every_setting_has_a_flag():
    assert sorted(FLAGS.values()) == sorted(key for key, _, _ in load(None, {}, {}).facts())


def test_flags_come_before_the_environment_that_before_the_file(loaded):
    text = "[server]\nport = 1\ngrace = '1m'\nhost = 'file'\nworkers = 3\n"
    environ = {"FARSHOT_SERVER_PORT": "2", "FARSHOT_SERVER_HOST": "environment"}
    found = loaded(text, environ, server__port="3")
    server, origins = found.settings.server, found.origins
    assert (server.port, server.host, server.workers, server.grace) == (3, "environment", 3, 60)
    assert origins["server.port"] == "flag server__port"
    assert origins["server.host"] == "environment FARSHOT_SERVER_HOST"
    assert origins["server.workers"].endswith("service.toml")


def test_times_and_sizes_are_read_as_people_write_them(loaded):
    text = "[limits]\nmemory = '2GiB'\ncircuit_timeout = 90\njob_timeout = '2d'\n[quota]\nstored_bytes = '1MiB'"
    settings = loaded(text, limits__body="32MiB").settings
    limits = settings.limits
    assert (limits.memory, limits.circuit_timeout, limits.job_timeout) == (2 * 2**30, 90, 172_800)
    assert (limits.body, settings.quota.quota.stored_bytes) == (32 * 2**20, 2**20)


def test_a_path_in_a_file_is_relative_to_that_file(loaded, tmp_path):
    tls = loaded("[tls]\ncertificate = 'own.pem'\nkey = '/etc/key.pem'").settings.tls
    assert (tls.certificate, str(tls.key)) == (tmp_path / "own.pem", "/etc/key.pem")


WRONG = (
    ("[server]\nprot = 1", "server: no key 'prot'; did you mean 'port'?"),
    ("[sever]\nport = 1", "no section 'sever'; did you mean 'server'?"),
    ("server = 1", "server is a section"),
    ("[server]\nport = '80'", "server.port: a whole number is needed, not '80'"),
    ("[server]\nport = 70000", "server.port: a port from 0 to 65535 is needed, not 70000"),
    ("[server]\nworkers = 0", "server.workers: a whole number from 1 on is needed, not 0"),
    ("[server]\nworkers = true", "server.workers: a whole number is needed, not True"),
    ("[server]\ninsecure = 'yes'", "server.insecure: true or false is needed, not 'yes'"),
    ("[server]\ngrace = 'soon'", "server.grace: a time is seconds"),
    ("[server]\ngrace = 0", "server.grace: a time is seconds"),
    ("[server]\ndata_dir = 3", "server.data_dir: a path is text"),
    ("[limits]\nmemory = '1MiB'", "limits.memory: a worker needs 256MiB or more, not 1MiB"),
    ("[quota]\nshots_per_day = -1", "quota.shots_per_day: a whole number from 0 on is needed"),
    ("[tls]\nkey = 'key.pem'", "tls.key: a key needs its certificate"),
    ("[targets.auto]\nmemory = 1", "targets.auto: no key 'memory'; known are executor, circuit_timeout"),
    ("[targets]\nauto = 1", "targets.auto: a section is needed"),
    ("[server]\ndata_dir = 'a'\nstore = 'postgresql://b'", "exclude each other"),
    ("[server", "cannot be read"),
)


@pytest.mark.parametrize(("text", "message"), WRONG)
def test_what_is_wrong_names_the_file_and_the_key(loaded, tmp_path, text, message):
    with pytest.raises(ConfigError) as caught:
        loaded(text)
    assert str(tmp_path / "service.toml") in str(caught.value)
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["FARSHOT_SERVER_PROT", "FARSHOT_SERVER_PORT", "FARSHOT_TARGETS"])
def test_what_is_wrong_in_the_environment_is_named(name):
    with pytest.raises(ConfigError, match=f"environment {name}: "):
        load(None, {name: "a,b"}, {})


def test_a_file_that_is_not_there_is_said_so(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.toml cannot be read: No such file"):
        load(tmp_path / "none.toml", {}, {})


def test_a_named_folder_or_store_takes_the_place_of_one_named_below(loaded):
    store = "[server]\nstore = 'postgresql://host/jobs'"
    server = loaded(store, server__data_dir="here").settings.server
    assert (server.store, server.data_dir.name) == (None, "here")
    server = loaded("[server]\ndata_dir = 'here'", server__store="postgresql://host/jobs").settings.server
    assert (server.store, server.data_dir) == ("postgresql://host/jobs", None)


def test_the_folder_of_the_local_commands_is_that_of_the_service_unless_a_store_is_named(loaded):
    environ = {"FARSHOT_DATA_DIR": "/elsewhere"}
    assert str(loaded("[server]\ndata_dir = 'here'", environ).settings.server.data_dir) == "/elsewhere"
    assert loaded("[server]\nstore = 'postgresql://host/jobs'", environ).settings.server.data_dir is None
    own = {"FARSHOT_SERVER_DATA_DIR": "/own", **environ}
    assert str(loaded("", own).settings.server.data_dir) == "/own"


def test_targets_named_above_take_the_place_of_those_below(loaded):
    text = "[targets.auto]\n[targets.'prism:mps']\ncircuit_timeout = '5m'"
    assert {name: found.circuit_timeout for name, found in loaded(text).settings.targets.items()} == {
        "auto": None,
        "prism:mps": 300,
    }
    above = loaded(text, {"FARSHOT_TARGETS": "prism;aer,circuit_timeout=2m"})
    assert list(above.settings.targets) == ["prism", "aer"]
    assert above.settings.targets["aer"].circuit_timeout == 120
    flags = targets_given(["prism:stabilizer"], "flag --target")
    assert list(load(None, {"FARSHOT_TARGETS": "prism"}, flags).settings.targets) == ["prism:stabilizer"]


def test_options_of_the_command_line_are_settings_where_they_are_given():
    given = {"port": "0", "host": None, "insecure": False, "target": ["auto"], "config": None}
    loaded = load_settings(None, given)
    assert loaded.settings.server.port == 0
    assert list(loaded.settings.targets) == ["auto"]
    assert loaded.origins["server.port"] == "flag --port"
    assert "server.insecure" not in loaded.origins


def test_settings_are_frozen():
    with pytest.raises(AttributeError):
        load(None, {}, {}).settings.server.port = 1
    assert msgspec.structs.asdict(load(None, {}, {}).settings)
