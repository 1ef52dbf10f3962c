"""Who may do what: counted from the description of the API, so that no route can be forgotten."""

import itertools
import time
from datetime import UTC, datetime, timedelta

import pytest

from farshot.accounts import Quota, token_id
from farshot.service.openapi import description
from samples import BELL

OPERATIONS = [(method.upper(), path) for path, methods in description()["paths"].items() for method in methods]
OF_A_JOB = [(method, path) for method, path in OPERATIONS if "{job_id}" in path]
BODIES = {
    "/v1/jobs": {"circuits": {"bell": BELL}},
    "/v1/jobs/{job_id}/parts/{number}": {"circuits": {"bell": BELL}},
    "/v1/jobs/{job_id}/finalize": {"circuits": 1},
}
UNLIMITED = dict.fromkeys(("queued_circuits", "running_shards", "shots_per_day", "stored_bytes"))
FORMS = ["application/json", "application/x-ndjson", "application/vnd.farshot.results.v1"]
OTHER = {"GET /v1/jobs", "POST /v1/jobs", "GET /v1/events", "GET /v1/targets", "GET /v1/me"}
"""What takes no id of a job and is for every user."""
OF_ADMINS = {
    "GET /metrics",
    "GET /v1/users",
    "PATCH /v1/users/{name}",
    "GET /v1/usage",
    "GET /v1/tokens",
    "POST /v1/tokens",
    "DELETE /v1/tokens/{token_id}",
    "POST /v1/admin/drain",
    "POST /v1/admin/resume",
}


def ask(caller, method, path, job_id="0" * 32, number="0", **options):
    url = path.format(job_id=job_id, number=number, name="nobody", token_id="0" * 12)
    return caller.request(method, url, json=BODIES.get(path), **options)


def jobs_of_every_kind(caller):
    """Return a job in the making, one that runs or waits, and one that has ended."""
    opened = caller.submit(upload=True)["job_id"]
    caller.put(f"/v1/jobs/{opened}/parts/0", json={"circuits": {"bell": BELL}})
    cancelled = caller.submit({"bell": BELL})["job_id"]
    caller.post(f"/v1/jobs/{cancelled}/cancel")
    ended = caller.submit({"bell": BELL})["job_id"]
    caller.wait(ended)
    return [opened, cancelled, ended]


def test_every_route_is_of_one_kind():
    assert {f"{method} {path}" for method, path in OPERATIONS if (method, path) not in OF_A_JOB} == OTHER | OF_ADMINS
    assert len(OF_A_JOB) == 8


@pytest.mark.parametrize("operation", sorted(OF_ADMINS))
def test_what_is_for_admins_is_refused_to_users_and_changes_nothing(ann, new_user, operation):
    method, path = operation.split()
    admin = new_user(admin=True)
    before = admin.get("/v1/users").json(), admin.get("/v1/tokens").json()
    body = {"user": ann.name, "admin": True} if path.endswith("tokens") else {"stored_bytes": None}
    answer = ann.request(method, path.format(name=ann.name, token_id=token_id(ann.token)), json=body)
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/forbidden")
    assert (admin.get("/v1/users").json(), admin.get("/v1/tokens").json()) == before


def test_an_admin_sees_to_users_and_their_tokens(new_user, everybody):
    admin = new_user(admin=True)
    name = f"made-{token_id(admin.token)}"
    made = admin.post("/v1/tokens", json={"user": name, "expires_in": 3600})
    assert made.status_code == 201
    token = made.json()["token"]
    limited = admin.patch(f"/v1/users/{name}", json={"queued_circuits": 7}).json()
    assert limited == {"name": name, "role": "user", "quota": UNLIMITED | {"queued_circuits": 7}}
    assert admin.patch(f"/v1/users/{name}", json={"shots_per_day": 9}).json()["quota"]["queued_circuits"] == 7
    assert (
        admin.patch(f"/v1/users/{name}", json={"queued_circuits": None, "shots_per_day": None}).json()
        in (admin.get("/v1/users").json()["users"])
    )
    made_user = everybody.caller(name, token)
    assert made_user.get("/v1/me").json()["name"] == name
    assert admin.delete(f"/v1/tokens/{made.json()['id']}").json()["state"] == "good"
    assert admin.delete(f"/v1/tokens/{made.json()['id']}").json()["state"] == "revoked"
    until = time.monotonic() + 30
    while made_user.get("/v1/me").status_code != 401:
        assert time.monotonic() < until
    for method, path in (("PATCH", "/v1/users/nobody"), ("DELETE", "/v1/tokens/000000000000")):
        answer = admin.request(method, path, json={})
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/account")
    for body in ({"user": "no name"}, {"user": name, "expires_in": 0}, {"user": name, "expires_in": 1e300}, {}):
        assert admin.post("/v1/tokens", json=body).status_code == 400


def test_an_admin_sees_who_uses_how_much(ann, new_user):
    ben = new_user(quota=Quota(shots_per_day=9))
    ann.wait(ann.submit({"bell": BELL}, shots=7)["job_id"])
    found = {user["name"]: user for user in new_user(admin=True).get("/v1/usage").json()["users"]}
    for caller in (ann, ben):
        me = caller.get("/v1/me").json()
        assert found[caller.name] == {name: me[name] for name in ("name", "usage", "quota")}
    assert found[ann.name]["usage"]["shots_per_day"] == 7
    assert found[ben.name]["quota"] == UNLIMITED | {"shots_per_day": 9}
    stored = [user["usage"]["stored_bytes"] for user in found.values()]
    assert stored == sorted(stored, reverse=True)


def test_the_jobs_of_others_do_not_exist(ann, ben, new_user):
    theirs = jobs_of_every_kind(ben)
    before = [ben.job(job_id) for job_id in theirs]
    for (method, path), job_id in itertools.product(OF_A_JOB, theirs):
        unknown = ask(ann, method, path)
        for form in FORMS:
            answer = ask(ann, method, path, job_id, headers={"Accept": form})
            assert answer.status_code == unknown.status_code == 404
            assert answer.text == unknown.text.replace("0" * 32, job_id)
    assert [ben.job(job_id) for job_id in theirs] == before
    assert new_user(admin=True).job(theirs[0])["owner"] == ben.name


@pytest.mark.parametrize("follow", ["true", "false"])
def test_nor_do_their_streams(ann, ben, follow):
    job_id = ben.submit({"bell": BELL})["job_id"]
    for form in FORMS:
        query = {"follow": follow}
        answer = ann.get(f"/v1/jobs/{job_id}/results", params=query, headers={"Accept": form})
        assert answer.status_code == 404


def test_lists_and_events_are_of_the_own_jobs_and_an_admin_lists_all(ann, ben, new_user):
    begin = ann.get("/v1/events").json()["cursor"]
    own, other = ann.submit({"bell": BELL}, tag="same")["job_id"], ben.submit({"bell": BELL}, tag="same")["job_id"]
    for query in [{}, {"tag": "same"}, {"owner": ann.name}, {"limit": 500}]:
        assert {job["owner"] for job in ann.get("/v1/jobs", params=query).json()["jobs"]} == {ann.name}
    assert ann.get("/v1/jobs", params={"owner": ben.name}).status_code == 403
    for after in [begin, "0"]:
        jobs = ann.get("/v1/events", params={"after": after, "wait": 5}).json()["jobs"]
        assert {job["job_id"] for job in jobs} == {own}
    admin = new_user(admin=True)
    listed = admin.get("/v1/jobs", params={"limit": 500}).json()["jobs"]
    assert {own, other} <= {job["job_id"] for job in listed}
    assert [job["job_id"] for job in admin.get("/v1/jobs", params={"owner": ben.name}).json()["jobs"]] == [other]


def test_a_list_made_by_another_is_no_way_to_its_jobs(ann, ben):
    for _ in range(3):
        ben.submit({"bell": BELL})
    cursor = ben.get("/v1/jobs", params={"limit": 1}).json()["next"]
    assert ann.get("/v1/jobs", params={"cursor": cursor}).json() == {"jobs": [], "next": None}


def test_an_admin_may_do_everything_to_the_jobs_of_others(ben, new_user):
    admin = new_user(admin=True)
    for job_id in jobs_of_every_kind(ben):
        assert admin.get(f"/v1/jobs/{job_id}/results").status_code == 200
        assert admin.post(f"/v1/jobs/{job_id}/cancel").status_code in {200, 409}
        assert admin.delete(f"/v1/jobs/{job_id}").status_code == 204
    assert ben.get("/v1/jobs").json()["jobs"] == []


def credentials(new_user):
    good = new_user().token
    expired = new_user(expires=datetime.now(UTC) - timedelta(seconds=1)).token  # only the whole of it is told so
    wrong = good[:-1] + ("A" if good[-1] != "A" else "B")
    return [
        None,
        "",
        "Bearer",
        good,
        f"Basic {good}",
        f"Bearer {wrong}",
        f"Bearer {good}x",
        f"Bearer {good[:-1]}",
        f"Bearer {good} {good}",
        f"Bearer {expired[:-1]}",
        "Bearer \xff\xfe",
        "Bearer " + "x" * 10_000,
        "Bearer farshot_000000000000_" + "A" * 32,
    ]


def test_nothing_is_told_to_who_shows_no_valid_token(nobody, ann, new_user):
    job_id = ann.submit({"bell": BELL})["job_id"]
    for method, path in OPERATIONS:
        bodies = set()
        for text in credentials(new_user):
            headers = [] if text is None else [(b"authorization", text.encode("latin-1"))]
            answer = ask(nobody, method, path, job_id, headers=headers)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
            bodies.add(answer.text)
        assert len(bodies) == 1
    assert ann.job(job_id)["cancel_requested"] is False


@pytest.mark.parametrize("text", ["bearer {}", "BEARER {}", "Bearer  {}"])
def test_the_scheme_is_read_as_http_has_it(nobody, ann, text):
    headers = {"Authorization": text.format(ann.token)}
    assert nobody.get("/v1/me", headers=headers).json()["name"] == ann.name


def test_a_revoked_token_is_soon_worthless_and_the_others_are_not(everybody, ann):
    other = everybody(ann.name)
    assert ann.get("/v1/me").status_code == 200
    everybody.accounts.revoke(token_id(ann.token), datetime.now(UTC))
    time.sleep(5)
    assert {ask(ann, method, path).status_code for method, path in OPERATIONS} == {401}
    assert "was revoked" in ann.get("/v1/me").json()["detail"]
    guessed = everybody.caller(ann.name, ann.token[:-1] + ("a" if ann.token[-1] != "a" else "b"))
    assert "revoked" not in guessed.get("/v1/me").json()["detail"]
    assert other.get("/v1/me").json()["name"] == ann.name


def test_a_token_that_expires_is_worthless_at_once(new_user):
    short = new_user(expires=datetime.now(UTC) + timedelta(seconds=1))
    assert short.get("/v1/me").status_code == 200
    time.sleep(1)
    assert "has expired" in short.get("/v1/me").json()["detail"]


def test_a_token_made_while_the_service_runs_is_good(server, everybody):
    caller = everybody.caller(token=server.token("late"))
    assert caller.get("/v1/me").json()["name"] == "late"


def test_me_tells_who_asks(ann, new_user):
    assert ann.get("/v1/me").json()["role"] == "user"
    assert new_user(admin=True).get("/v1/me").json()["role"] == "admin"
    assert ann.get("/metrics").status_code == 403
