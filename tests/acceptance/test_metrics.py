"""What an operator sees of a real service: its metrics and its log."""

import json
import os
import signal
import socket
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from farshot.testing.backends import slow_circuits
from processes import is_alive, until, workers_of
from samples import BELL
from serving import running_server

PATIENCE = 120
TAG = 'mine\n{"event":"forged"}\x1b[31m\u2028'


class Watched:
    """A service, its users' tokens, and what can be seen of it."""

    def __init__(self, server):
        self.server = server
        self.tokens = {"root": server.token("root", "--admin"), "ann": server.token("ann")}

    @contextmanager
    def client(self, user="ann"):
        headers = {"Authorization": f"Bearer {self.tokens[user]}"}
        with httpx2.Client(base_url=self.server.url, headers=headers, timeout=PATIENCE) as client:
            yield client

    def submit(self, circuits, **options):
        with self.client() as client:
            made = client.post("/v1/jobs", json={"circuits": circuits, **options})
            return made.raise_for_status().json()

    def ended(self, job):
        with self.client() as client:
            while not job["finished_at"]:
                wanted = {"after": job["cursor"], "wait": 30}
                job = client.get(f"/v1/jobs/{job['job_id']}", params=wanted).raise_for_status().json()
        return job

    def cancel(self, job):
        with self.client() as client:
            return client.post(f"/v1/jobs/{job['job_id']}/cancel").raise_for_status().json()

    def metrics(self):
        with self.client("root") as client:
            answer = client.get("/metrics").raise_for_status()
        assert answer.headers["content-type"].startswith("text/plain; version=")
        families = text_string_to_metric_families(answer.text)
        return {
            (sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples
        }

    def until(self, *name):
        """Return the metrics once `name` is counted; the service hears of an end a moment later than its client."""
        with self.client("root") as client:
            after = "0"
            while not (found := self.metrics()).get(name):
                after = client.get("/v1/events", params={"after": after, "wait": 1}).json()["cursor"]
        return found

    def log(self):
        return (Path(self.server.folder) / "serve.log").read_text()

    def events(self, name):
        whole = self.log().rpartition("\n")[0].splitlines()
        return [line for line in map(json.loads, whole) if line["event"] == name]


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("service"), "--workers", "1", "--log-format", "json") as server:
        yield Watched(server)


def test_metrics_are_for_admins(service):
    with service.client() as client:
        assert client.get("/metrics").status_code == 403
        client.headers.pop("authorization")
        assert client.get("/metrics").status_code == 401
    found = service.metrics()
    assert found["farshot_requests_total", "GET", "/metrics", "403"] >= 1
    assert found["farshot_refusals_total", "unauthorized"] >= 1
    assert found["farshot_refusals_total", "forbidden"] >= 1


def test_jobs_are_counted_and_logged_from_beginning_to_end(service):
    good = service.ended(service.submit({"a": BELL, "b": BELL}, target="prism", tag=TAG))
    service.ended(service.submit({"a": BELL, "bad": "no circuit"}, target="prism"))
    service.until("farshot_jobs_total", "COMPLETED", "prism")
    found = service.until("farshot_jobs_total", "FAILED", "prism")
    assert found["farshot_jobs_total", "COMPLETED", "prism"] == 1
    assert found["farshot_circuits_total", "done", "prism"] == 3
    assert found["farshot_circuits_total", "failed", "prism"] == 1
    assert found["farshot_job_wait_seconds_count", "prism"] == 2
    assert found["farshot_job_run_seconds_count", "prism"] == 2
    assert found["farshot_user_shots_per_day", "ann"] == 4000
    assert found["farshot_user_stored_bytes", "ann"] > 0
    assert (found["farshot_user_queued_circuits", "ann"], found["farshot_user_running_shards", "ann"]) == (0, 0)
    (accepted,) = [line for line in service.events("job-accepted") if line["job"] == good["job_id"]]
    (ended,) = [line for line in service.events("job-ended") if line["job"] == good["job_id"]]
    assert (accepted["owner"], accepted["tag"], accepted["circuits"]) == ("ann", TAG, 2)
    assert (ended["status"], ended["done"], ended["failed"]) == ("COMPLETED", 2, 0)
    assert ended["seconds"] >= 0


def test_the_queue_is_seen_and_a_cancel_is_counted(service):
    job = service.submit(slow_circuits(3, 27), target="prism:statevector")
    found = service.metrics()
    assert sum(value for name, value in found.items() if name[0] == "farshot_queue_circuits") == 3
    assert sum(value for name, value in found.items() if name[0] == "farshot_queue_jobs") == 1
    service.cancel(job)
    found = service.until("farshot_jobs_total", "CANCELLED", "prism:statevector")
    assert found["farshot_circuits_total", "cancelled", "prism:statevector"] == 3
    assert not [value for name, value in found.items() if name[0] == "farshot_queue_circuits" and value]


def test_a_worker_that_dies_is_counted_and_logged(tmp_path):
    with running_server(tmp_path, "--workers", "1", "--log-format", "json") as server:
        _kill_and_look(Watched(server))


def _kill_and_look(service):
    service.ended(service.submit({"warm": BELL}))
    before = service.metrics()["farshot_worker_restarts_total",]
    for worker in workers_of(service.server.process.pid):  # that of the lane too, which has nothing to do
        os.kill(worker, signal.SIGKILL)
        while is_alive(worker):
            pass
    job = service.ended(service.submit({"a": BELL}))
    assert job["status"] == "COMPLETED"
    assert service.metrics()["farshot_worker_restarts_total",] == before + 1
    (line,) = [line for line in service.events("worker-lost") if line["job"] == job["job_id"]]
    assert (line["level"], line["fault"]) == ("WARNING", "crash")
    assert "SIGKILL" in line["reason"]


def test_refused_inputs_are_counted_by_reason(service):
    with service.client() as client:
        client.post("/v1/jobs", json={"circuits": {}})
        client.post("/v1/jobs", json={"circuits": {"a": BELL}, "target": "nowhere"})
        client.post("/v1/jobs", content="{", headers={"Content-Type": "application/json"})
        client.get("/nowhere/%0aforged")
    found = service.metrics()
    for reason in ("batch", "target", "body", "not-found"):
        assert found["farshot_refusals_total", reason] >= 1
    assert "forged" not in "".join(part for name in found for part in name)


def test_a_client_that_leaves_is_no_defect_of_the_service(service):
    token = service.tokens["ann"]
    head = f"POST /v1/jobs HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {token}\r\nContent-Length: 100\r\n"
    with socket.create_connection(("127.0.0.1", service.server.port), PATIENCE) as sock:
        sock.sendall(head.encode() + b"Content-Type: application/json\r\n\r\n{")
    while not (left := [line for line in service.events("request") if "status" not in line]):
        service.metrics()
    assert (left[0]["path"], left[0]["user"]) == ("/v1/jobs", "ann")
    assert not service.events("request-failed")


def test_the_log_has_a_line_for_each_event_and_no_token(service):
    with service.client() as client:
        client.get(f"/v1/jobs/{service.tokens['ann']}")
        client.get("/healthz")
        client.get("/v1/me", params={"token": service.tokens["root"]}, headers={"Authorization": "Bearer nonsense"})
    until(lambda: service.events("token-refused")[-1]["path"] == "/v1/me")  # it is told once it is answered
    assert len(service.events("service-started")) == 1
    assert "/healthz" not in service.log()
    for token in service.tokens.values():
        assert token not in service.log()
        assert token.split("_", 2)[2] not in service.log()
    assert service.log().isascii()


def test_a_service_says_that_it_starts_and_stops(tmp_path):
    with running_server(tmp_path, "--workers", "1", "--log-format", "json") as server:
        Watched(server).metrics()
        server.stop()
    events = [json.loads(line)["event"] for line in (tmp_path / "serve.log").read_text().splitlines()]
    assert events[0] == "service-started"
    assert events.count("service-stopped") == 1


def test_the_text_form_is_one_line_for_each_event_too(tmp_path):
    with running_server(tmp_path, "--workers", "1") as server:
        watched = Watched(server)
        watched.ended(watched.submit({"a": BELL}, tag=TAG))
        server.stop()
    lines = watched.log().splitlines()
    assert all(line.split()[2] in line and "forged" not in line.split()[2] for line in lines)
    assert {"service-started", "job-accepted", "request", "service-stopped"} <= {line.split()[2] for line in lines}
    assert r'tag="mine\n{\"event\":\"forged\"}\x1b[31m\u2028"' in watched.log()
