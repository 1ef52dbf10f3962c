"""What holds of the service as a whole: open pages, unknown paths, other methods, awkward requests."""

import json
import socket

import pytest

from farshot.service.openapi import description

PATHS = {path: {name.upper() for name in methods} for path, methods in description()["paths"].items()}
UNKNOWN = ["/v1", "/v1/", "/v1/jobs/", "/v2/jobs", "/v1/jobs/a/b", "/v1/jobs/a%2Fb/results", "/favicon.ico"]
UNKNOWN += ["/healthz/", "/v1/jobs/a/results/", "//v1/jobs", "/v1/jobs/%2e%2e/me", "/%00", "/v1/JOBS", "/%ff"]
NAMES = {"job_id": "a", "number": 0, "name": "a", "token_id": "a"}
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"]


def raw(server, *parts):
    """Send bytes as they are; return the head and the body of the answer."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as sock:
        for part in parts:
            sock.sendall(part)
        received = b""
        while data := sock.recv(65536):
            received += data
    head, _, body = received.partition(b"\r\n\r\n")
    return head, body


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/docs", "/v1/openapi.json"])
def test_what_needs_no_token(nobody, path):
    answer = nobody.get(path)
    assert answer.status_code == 200
    assert nobody.head(path).headers["content-length"] == str(len(answer.content))
    assert nobody.head(path).content == b""


def test_the_description_is_the_one_that_is_written_down(nobody):
    assert nobody.get("/v1/openapi.json").json() == json.loads(json.dumps(description()))


def test_the_page_names_every_route_and_loads_nothing(nobody):
    page = nobody.get("/docs").text
    assert all(path in page for path in PATHS)
    assert not [word for word in ["<script", "src=", "@import", "url("] if word in page]


def test_the_address_of_the_service_leads_to_its_page(nobody):
    answer = nobody.get("/")
    assert (answer.status_code, answer.headers["location"]) == (307, "/docs")


@pytest.mark.parametrize("path", UNKNOWN)
def test_an_unknown_path_is_a_problem(nobody, ann, path):
    for caller in (nobody, ann):
        answer = caller.get(path)
        assert answer.status_code == 404
        assert answer.json()["type"] == "/problems/not-found"


def test_another_method_is_refused_and_those_that_are_allowed_are_named(ann):
    for path, methods in PATHS.items():
        allowed = methods | ({"HEAD"} if "GET" in methods else set())
        for method in set(METHODS) - allowed:
            answer = ann.request(method, path.format(**NAMES))
            assert answer.status_code == 405
            assert set(answer.headers["allow"].split(", ")) == allowed


def test_head_answers_as_get_without_a_body(ann):
    for path in ["/v1/jobs", "/v1/me", "/v1/targets", "/v1/events"]:
        head, answer = ann.head(path), ann.get(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-type"] == answer.headers["content-type"]
    assert ann.head("/v1/jobs/unknown").status_code == 404


@pytest.mark.parametrize(
    "job_id", ["%00", "a%00b", "%ff", "%F0%9F%92%A5", "'%20OR%201=1--", "..", "x" * 5000, "%0d%0aX-Evil:%201"]
)
def test_an_odd_id_is_of_no_job(ann, job_id):
    for method, path, body in [
        ("GET", "", None),
        ("DELETE", "", None),
        ("GET", "/results", None),
        ("POST", "/cancel", None),
        ("POST", "/finalize", {}),
        ("PUT", "/parts/0", {"circuits": {"a": "b"}}),
    ]:
        answer = ann.request(method, f"/v1/jobs/{job_id}{path}", json=body)
        assert answer.status_code in {404, 405}
        assert "x-evil" not in answer.headers


@pytest.mark.parametrize("number", ["-1", "100000", "1" * 5000, "1.5", "a", "%D9%A1", "+1", "%201", "0x1", "1e3"])
def test_an_odd_number_of_a_part_is_refused(ann, number):
    job_id = ann.submit(upload=True)["job_id"]
    answer = ann.put(f"/v1/jobs/{job_id}/parts/{number}", json={"circuits": {"a": "b"}})
    assert answer.status_code == 400
    assert answer.json()["type"] == "/problems/parameter"


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/v1/jobs", "limit=0"),
        ("/v1/jobs", "limit=501"),
        ("/v1/jobs", "limit=ten"),
        ("/v1/jobs", "limit=1&limit=2"),
        ("/v1/jobs", "unknown=1"),
        ("/v1/jobs", "status=DONE"),
        ("/v1/jobs", "status=null"),
        ("/v1/jobs", "cursor=%00"),
        ("/v1/jobs", "cursor=!!"),
        ("/v1/jobs", "cursor=" + "M" * 9000),
        ("/v1/jobs", "tag=a%00b"),
        ("/v1/jobs", "since=yesterday"),
        ("/v1/jobs", "since=0.5"),
        ("/v1/jobs", "until=9999999999999999"),
        ("/v1/jobs/a", "after=-1"),
        ("/v1/jobs/a", f"after={2**63}"),
        ("/v1/jobs/a", "after=1e400"),
        ("/v1/jobs/a", "wait=nan"),
        ("/v1/jobs/a", "wait=inf"),
        ("/v1/jobs/a", "wait=31"),
        ("/v1/jobs/a/results", "cursor=-1"),
        ("/v1/jobs/a/results", f"cursor={2**63}"),
        ("/v1/jobs/a/results", "cursor=" + "9" * 5000),
        ("/v1/jobs/a/results", "limit=1001"),
        ("/v1/jobs/a/results", "follow=perhaps"),
    ],
)
def test_a_wrong_parameter_is_named_as_such(ann, path, query):
    answer = ann.get(f"{path}?{query}")
    assert answer.status_code == 400
    assert answer.json()["type"] == "/problems/parameter"


def test_times_and_large_cursors_that_are_good(ann):
    for query in ["since=0001-01-01T00:00:00%2B23:59", "until=9999-12-31T23:59:59-23:59", "since=2026-01-31T12:00:00Z"]:
        assert ann.get(f"/v1/jobs?{query}").json() == {"jobs": [], "next": None}
    job_id = ann.submit({"a": "b"})["job_id"]
    ann.wait(job_id)
    assert ann.get(f"/v1/jobs/{job_id}/results?cursor={2**63 - 1}").json()["results"] == []


@pytest.mark.parametrize("host", [b"", b"[", b"evil.example", b"a b", b"\xff"])
def test_the_host_that_a_client_names_does_not_matter(server, host):
    for path in [b"/v1/jobs/", b"/healthz"]:
        head, _ = raw(server, b"GET %b HTTP/1.1\r\nHost: %b\r\nConnection: close\r\n\r\n" % (path, host))
        assert head.split()[1] in {b"200", b"404", b"400"}
        assert b"evil" not in head
        assert b"location" not in head.lower()


@pytest.mark.parametrize("line", [b"OPTIONS * HTTP/1.1", b"GET http://other/v1/jobs HTTP/1.1", b"CONNECT a:1 HTTP/1.1"])
def test_forms_of_a_request_that_are_for_proxies(server, line):
    head, _ = raw(server, line + b"\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert 400 <= int(head.split()[1]) < 500
