"""`farshot serve` and the commands against it, as operators and users type them: real processes throughout."""

import csv
import io
import json
import signal
import urllib.request

import pytest

from commandline import Farshot, heavy, wait_until
from samples import BELL
from serving import Server, free_port, running_server

WRONG = BELL.replace("h q[0];", "hadamard q[0];")


@pytest.fixture
def farshot(tmp_path):
    return Farshot(tmp_path)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("service"), "--workers", "2") as server:
        yield server


@pytest.fixture
def ada(server, tmp_path):
    """Somebody who is logged in at the server."""
    farshot = Farshot(tmp_path)
    farshot.token = server.token("ada")
    farshot("login", server.url, text=farshot.token)
    return farshot


def answers(url, path):
    with urllib.request.urlopen(url + path) as response:  # noqa: S310 -- the address of our own service
        return response.read()


def test_a_service_needs_no_configuration_and_says_how_to_use_it(farshot):
    folder = farshot.folder / "data"
    process = farshot.start("serve", "--port", "0")
    lines = [process.stdout.readline() for _ in range(6)]
    url = lines[0].split()[-1]
    assert url.startswith("http://127.0.0.1:")
    assert answers(url, "/healthz") == b"ok\n"
    assert answers(url, "/readyz") == b"ready\n"
    said = "".join(lines)
    assert str(folder) in said
    assert "farshot token create NAME\n" in said
    assert f"farshot login {url}" in said
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=180)
    assert (process.returncode, out) == (0, "")
    assert "Traceback" not in err
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_login_makes_every_command_work_against_the_service(ada, server):
    ada.write(a_bell=BELL, b_wrong=WRONG)
    out, err = ada("submit", ".", "--seed", "7", "--tag", "first")
    job_id = out.strip()
    assert server.url in err
    out, _ = ada("watch", job_id, status=1)
    assert f"job {job_id[:8]} FAILED: 2 circuits, 1 failed" in out
    (job,) = ada.json("jobs", "--tag", "first")
    assert (job["job_id"], job["owner"], job["done"]) == (job_id, "ada", 2)
    shown = ada.json("status", job_id[:6])
    assert shown.pop("options")["seed"] == "7"
    assert {**job, "jobs_ahead": None, "remaining": None, "running": []} == shown
    found = ada.json("results", job_id, status=1)
    assert [sum(entry.get("results", {}).values()) for entry in found["results"]] == [1000, 0]
    assert found["results"][1]["error"]["code"] == "parse"
    rows = list(csv.DictReader(io.StringIO(ada("results", job_id, "--csv", status=1)[0])))
    assert {row["label"] for row in rows} == {"a_bell", "b_wrong"}
    out, _ = ada("cancel", job_id)
    assert "nothing to cancel" in out
    assert not (ada.folder / "data").exists()


def test_run_waits_for_the_service_and_gives_what_this_machine_gives(ada):
    there = ada.json("run", "--examples", "--seed", "7")
    here = ada.json("run", "--examples", "--seed", "7", "--data-dir", "here")
    assert there["status"] == here["status"] == "COMPLETED"
    assert [entry["results"] for entry in there["results"]] == [entry["results"] for entry in here["results"]]
    assert len(ada.json("jobs", "--data-dir", "here")) == 1


def test_the_address_can_be_given_or_in_the_environment(farshot, server):
    token = server.token("eve")
    farshot.write(bell=BELL)
    job_id = farshot.json("submit", "bell.qasm", "--url", server.url, "--token", token)["job_id"]
    environ = {"FARSHOT_URL": server.url, "FARSHOT_TOKEN": token}
    farshot("watch", job_id, **environ)
    assert farshot.json("results", job_id, **environ)["status"] == "COMPLETED"
    assert farshot.json("jobs", "--data-dir", "data", **environ) == []


WRONG_CALLS = (
    (["jobs", "--url", "http://lab", "--data-dir", "here"], "--url and --data-dir exclude each other"),
    (["jobs", "--token", "secret"], "--token is for a service"),
    (["jobs", "--url", "http://lab:1"], "no token for http://lab:1"),
    (["jobs", "--url", "lab:1"], "the address of a service is as http://HOST:PORT"),
    (["login", "http://lab:1"], "no token given"),
    (["run", "bell.qasm", "--workers", "2", "--url", "http://lab", "--token", "x"], "--workers"),
    (["token", "create", "no name"], "a user's name has"),
    (["token", "revoke", "123456789abc"], "no token has the id '123456789abc'"),
    (["user", "limit", "ada", "--queued-circuits", "1"], "no user 'ada'"),
    (["user", "limit", "ada"], "no limit named"),
    (["user", "limit", "ada", "--shots-per-day", "-1"], "a whole number from 0 on"),
)


@pytest.mark.parametrize(("arguments", "message"), WRONG_CALLS)
def test_what_is_wrong_with_a_call_is_said(farshot, arguments, message):
    farshot.write(bell=BELL)
    out, err = farshot(*arguments, status=2)
    assert out == ""
    assert message in err


WRONG_SERVICES = (
    (["--host", "0.0.0.0"], "'0.0.0.0' can be reached from other machines"),  # noqa: S104 -- refused is the point
    (["--executor", "dask"], "flag --executor: server.executor: 'dask' is not one of: local"),
    (["--port", "http"], "flag --port: server.port: a whole number is needed, not 'http'"),
    (["--target", "abacus"], "flag --target: no target 'abacus'"),
    (["--tls-cert", "none.pem"], "none.pem"),
    (["--config", "none.toml"], "none.toml cannot be read"),
)


@pytest.mark.parametrize(("arguments", "message"), WRONG_SERVICES)
def test_a_service_that_is_told_wrong_does_not_start(farshot, arguments, message):
    out, err = farshot("serve", *arguments, status=2)
    assert out == ""
    assert message in err
    assert err.count("\n") == 1


def test_a_wrong_key_of_the_file_is_named(farshot):
    file = farshot.folder / "service.toml"
    file.write_text("[server]\nprot = 1\n")
    for command in (["serve"], ["token", "list"]):
        _, err = farshot(*command, "--config", "service.toml", status=2)
        assert err == f"error: file {file}: server: no key 'prot'; did you mean 'port'?\n"


def test_a_port_in_use_is_said_so(farshot, server):
    _, err = farshot("serve", "--port", str(server.port), status=1)
    assert "in use by another program" in err
    assert err.count("error: ") == 1


def test_doctor_says_what_is_in_force_and_where_it_came_from(farshot):
    (farshot.folder / "service.toml").write_text(
        "[server]\nport = 1\nworkers = 3\ngrace = '1m'\n[targets.auto]\ncircuit_timeout = '5m'\n"
    )
    environ = {"FARSHOT_CONFIG": "service.toml", "FARSHOT_SERVER_PORT": "2", "FARSHOT_TOKEN": "farshot_secret"}
    found = farshot.json("doctor", **environ)
    settings = found["settings"]
    assert settings["server.port"] == {"value": "2", "origin": "environment FARSHOT_SERVER_PORT"}
    assert settings["server.workers"]["origin"] == f"file {farshot.folder / 'service.toml'}"
    assert settings["server.grace"]["value"] == "1m"
    assert settings["server.host"] == {"value": "127.0.0.1", "origin": "default"}
    assert "circuit_timeout 5m" in settings["targets.auto"]["value"]
    assert found["client"]["jobs"]["origin"] == "environment FARSHOT_DATA_DIR"
    out, _ = farshot("doctor", FARSHOT_SERVER_PROT="1", status=1)
    assert "no setting 'prot'" in " ".join(out.split())


def test_doctor_shows_no_secret(ada, server):
    password = {"FARSHOT_SERVER_STORE": "postgresql://farshot:hidden@db/farshot"}
    out, err = ada("doctor", status=1, **password)  # there is no such server
    assert server.url in out
    assert "knows you as ada" in " ".join(out.split())
    assert "hidden" not in out + err
    assert ada.token not in out + err


def test_a_token_is_good_at_once_and_worthless_once_revoked(ada, server):
    ident = ada.token.split("_")[1]
    listed = ada.json("token", "list", "--data-dir", str(server.folder))
    assert [token["state"] for token in listed if token["id"] == ident] == ["good"]
    assert ada.token not in json.dumps(listed)
    out, _ = ada("token", "revoke", ident, "--data-dir", str(server.folder))
    assert out == f"token {ident} of ada is revoked\n"
    assert "already" in ada("token", "revoke", ada.token, "--data-dir", str(server.folder))[0]

    def is_refused():
        process = ada.start("jobs")
        _, err = process.communicate(timeout=180)
        return process.returncode == 1 and "valid token" in err

    wait_until(is_refused)
    _, err = ada("login", server.url, text=ada.token, status=1)
    assert "did not take the token: this token was revoked: " in err
    _, err = ada("jobs", "--token", f"{ada.token}x", status=1)
    assert f"the service at {server.url} did not take the token: a valid token is needed" in err


def test_a_token_that_has_expired_is_refused(farshot, server):
    token = server.token("eva", "--expires", "1s")
    farshot.write(bell=BELL)

    def is_refused():
        process = farshot.start("jobs", "--url", server.url, "--token", token)
        _, err = process.communicate(timeout=180)
        return process.returncode == 1 and "valid token" in err

    wait_until(is_refused)
    listed = farshot.json("token", "list", "--data-dir", str(server.folder))
    assert [found["state"] for found in listed if found["user"] == "eva"] == ["expired"]


def test_an_admin_sees_everybody_and_another_token_keeps_the_role(farshot, server):
    farshot.write(bell=BELL)
    url = ("--url", server.url)
    job_id = farshot.json("submit", "bell.qasm", *url, "--token", server.token("bob"))["job_id"]
    server.token("root", "--admin")
    assert job_id in {job["job_id"] for job in farshot.json("jobs", *url, "--token", server.token("root"))}
    _, err = farshot("status", job_id, *url, "--token", server.token("mallory"), status=2)
    assert f"no job '{job_id}'" in err
    users = farshot.json("user", "list", "--data-dir", str(server.folder))
    assert {user["name"]: user["role"] for user in users if user["name"] in {"bob", "root"}} == {
        "bob": "user",
        "root": "admin",
    }


def test_a_user_has_the_limits_it_was_given(farshot, server):
    farshot.write(bell=BELL, other=BELL)
    there = ("--url", server.url, "--token", server.token("carl"))
    folder = ("--data-dir", str(server.folder))
    farshot("user", "limit", "carl", "--shots-per-day", "1500", "--stored-bytes", "1GiB", *folder)
    _, err = farshot("submit", ".", *there, status=1)
    assert "shots in 24 hours" in err
    found = farshot.json("user", "limit", "carl", "--shots-per-day", "default", *folder)
    assert found["quota"]["shots_per_day"] is None
    assert found["quota"]["stored_bytes"] == 2**30
    farshot("submit", ".", "--url", server.url, "--token", server.token("carl"))


def test_after_logout_commands_work_on_this_machine(ada):
    assert ada.json("doctor")["client"]["token"]["value"] == "present"
    out, _ = ada("logout")
    assert "credentials.toml" in out
    assert ada.json("jobs") == []
    assert ada("logout")[0] == "not logged in\n"


def test_watching_ends_at_ctrl_c_and_cancel_stops_the_job(ada):
    ada.write(**{f"heavy_{number:02}": heavy(25) for number in range(20)})
    job_id = ada.json("submit", ".")["job_id"]
    watching = ada.start("watch", job_id)
    wait_until(lambda: ada.json("status", job_id)["status"] == "RUNNING")
    watching.send_signal(signal.SIGINT)
    _, err = watching.communicate(timeout=180)
    assert watching.returncode == 130, err
    assert "RUNNING" in ada("status", job_id)[0]
    assert ada.json("cancel", job_id)["circuits_cancelled"] > 0
    assert ada.json("status", job_id)["status"] == "CANCELLED"


def test_sigterm_keeps_the_work_and_the_next_start_finishes_it(farshot, tmp_path):
    folder = tmp_path / "service"
    folder.mkdir()
    server = Server(folder, "--workers", "1", "--grace", "1s").start()
    farshot.write(**{f"heavy_{number:02}": heavy() for number in range(5)}, zzz=BELL)
    there = ("--url", server.url, "--token", server.token())
    job_id = farshot.json("submit", ".", *there)["job_id"]
    wait_until(lambda: farshot.json("status", job_id, *there)["done"])
    server.stop()
    assert server.process.returncode == 0
    server.start()
    farshot("watch", job_id, *there)
    found = farshot.json("results", job_id, *there)
    assert found["status"] == "COMPLETED"
    assert all(sum(entry["results"].values()) == 1000 for entry in found["results"])
    server.stop()


def test_targets_on_offer_can_have_a_time_of_their_own(farshot, tmp_path):
    folder = tmp_path / "service"
    folder.mkdir()
    with running_server(folder, "--target", "prism,circuit_timeout=0.2s", "--target", "auto") as server:
        farshot.write(heavy=heavy(layers=60))
        there = ("--url", server.url, "--token", server.token())
        (entry,) = farshot.json("run", "heavy.qasm", "--target", "prism", *there, status=1)["results"]
        assert entry["error"]["code"] == "timeout"
        (entry,) = farshot.json("run", "heavy.qasm", "--target", "auto", *there)["results"]
        assert entry["results"]
        _, err = farshot("submit", "heavy.qasm", "--target", "prism:mps", *there, status=2)
        assert "does not offer the target 'prism:mps'" in err


def test_old_jobs_are_deleted_where_that_is_asked_for(farshot, tmp_path):
    folder = tmp_path / "service"
    folder.mkdir()
    with running_server(folder, "--keep-jobs", "1s") as server:
        farshot.write(bell=BELL)
        there = ("--url", server.url, "--token", server.token())
        farshot("submit", "bell.qasm", *there)
        wait_until(lambda: farshot.json("jobs", *there) == [])


def test_a_key_makes_no_second_job(ada):
    ada.write(bell=BELL, other=BELL)
    first = ada.json("submit", "bell.qasm", "--key", "once")
    assert ada.json("submit", "bell.qasm", "--key", "once")["job_id"] == first["job_id"]
    _, err = ada("submit", ".", "--key", "once", status=2)
    assert "was used for another batch" in err


def test_a_service_that_is_away_is_said_so_with_the_key_to_go_on(farshot):
    farshot.write(bell=BELL)
    there = ("--url", f"http://127.0.0.1:{free_port()}", "--token", "farshot_x")
    _, err = farshot("jobs", *there, status=1)
    assert "cannot be reached: Connection refused (is the address right, and does `farshot serve` run there?)" in err
    _, err = farshot("submit", "bell.qasm", "--key", "mine", *there, status=1)
    assert "key='mine'" in err


@pytest.fixture
def root(server, tmp_path):
    """An admin who is logged in at the server, on a machine that has no store of it."""
    (tmp_path / "root").mkdir()
    farshot = Farshot(tmp_path / "root")
    farshot("login", server.url, text=server.token("root", "--admin"))
    return farshot


def test_an_admin_sees_to_users_from_elsewhere(root, server):
    made = root.json("token", "create", "grace", "--expires", "1d", "--url", server.url)
    assert (made["user"], made["role"], made["state"]) == ("grace", "user", "good")
    root.write(bell=BELL)
    job_id = root.json("submit", "bell.qasm", "--url", server.url, "--token", made["token"])["job_id"]
    out, _ = root("jobs", COLUMNS="100")
    assert "owner" in out.splitlines()[0]
    assert "grace" in out
    assert job_id[:8] in out
    limited = root.json("user", "limit", "grace", "--stored-bytes", "10GiB", "--url", server.url)
    assert limited["quota"]["stored_bytes"] == 10 * 2**30
    assert limited in root.json("user", "list", "--url", server.url)
    root("watch", job_id)
    used = {user["name"]: user for user in root.json("user", "usage", "--url", server.url)}
    assert used["grace"]["usage"]["shots_per_day"] == 1000
    assert used["grace"]["quota"]["stored_bytes"] == 10 * 2**30
    (line,) = [line for line in root("user", "usage", "--url", server.url)[0].splitlines() if "grace" in line]
    assert f"of {10 * 2**30:,}" in line
    assert made["id"] in {token["id"] for token in root.json("token", "list", "--url", server.url)}
    revoked = root.json("token", "revoke", made["token"], "--url", server.url)
    assert revoked == {"id": made["id"], "user": "grace", "revoked": True}
    assert not root.json("token", "revoke", made["id"], "--url", server.url)["revoked"]
    assert not (root.folder / "data").exists()


def test_without_an_address_users_are_those_of_a_store_and_that_is_said(root, server):
    root.json("token", "create", "local")
    for command in ("list", "usage"):
        _, err = root("user", command)
        assert f"--url {server.url}" in err
    assert (root.folder / "data").exists()
    _, err = root("token", "list", "--url", server.url, "--data-dir", "data", status=2)
    assert "give one of them" in err


def test_a_user_who_is_no_admin_is_told_so(ada, server):
    for command in (("token", "list"), ("user", "usage")):
        _, err = ada(*command, "--url", server.url, status=1)
        assert "only an admin" in err
    out, _ = ada("jobs")
    assert "owner" not in out


def test_targets_are_those_of_the_service_unless_told(ada, server):
    there = ada.json("targets")
    here = ada.json("targets", "--here")
    assert {target["name"] for target in there} == {target["name"] for target in here}
    assert server.url in ada("targets")[1]
    assert "on this machine" in ada("targets", "--here")[1]


def test_pruning_with_a_login_deletes_the_own_jobs_that_have_ended(root, ada):
    ada.write(bell=BELL)
    root.write(bell=BELL)
    theirs, mine = ada.json("run", "bell.qasm")["job_id"], root.json("run", "bell.qasm")["job_id"]
    for user in (ada, root):
        assert "say --yes" in user("jobs", "prune", "--older-than", "0s", status=2)[1]
    assert root.json("jobs", "prune", "--older-than", "0s", "--dry-run")["would_be_deleted"] >= 1
    assert root.json("jobs", "prune", "--older-than", "0s", "--yes")["deleted"] >= 1
    root("status", mine, status=2)
    assert root.json("status", theirs)["status"] == "COMPLETED"
    ada("jobs", "prune", "--older-than", "0s", "--yes")
    ada("status", theirs, status=2)
