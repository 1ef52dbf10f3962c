"""What is counted of jobs and requests, and how many series that can make."""

from dataclasses import replace
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from farshot.contract import JobStatus
from farshot.model import BacklogEntry, JobRecord, Usage
from farshot.service.context import WorkControl
from farshot.service.metrics import Metrics


@pytest.fixture
def ended(now):
    return JobRecord(
        seq=1,
        id="a",
        owner="ann",
        tag=None,
        status=JobStatus.COMPLETED,
        cancel_requested=False,
        target="prism",
        uploading=False,
        priority=0,
        changed=3,
        circuits=10,
        done=10,
        failed=0,
        run_time=1.0,
        created_at=now,
        started_at=now + timedelta(seconds=3),
        finished_at=now + timedelta(seconds=45),
    )


def read(metrics, backlog=(), restarts=0, usages=None):
    page = metrics.page(backlog, WorkControl(restarts=lambda: restarts), usages or {}).decode()
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def circuits(metrics, target="prism"):
    found = read(metrics)
    return [found["farshot_circuits_total", outcome, target] for outcome in ("done", "failed", "cancelled")]


def test_an_ended_job_is_counted_with_its_times(ended):
    metrics = Metrics()
    metrics.count_ended(ended)
    found = read(metrics)
    assert found["farshot_jobs_total", "COMPLETED", "prism"] == 1
    assert circuits(metrics) == [10, 0, 0]
    assert found["farshot_job_wait_seconds_sum", "prism"] == 3
    assert found["farshot_job_run_seconds_sum", "prism"] == 42
    assert found["farshot_job_run_seconds_bucket", "30.0", "prism"] == 0
    assert found["farshot_job_run_seconds_bucket", "60.0", "prism"] == 1


def test_circuits_that_a_cancel_stopped_are_no_failures(ended):
    metrics = Metrics()
    metrics.count_ended(replace(ended, status=JobStatus.CANCELLED, done=6, failed=1))
    assert circuits(metrics) == [5, 1, 4]


def test_circuits_without_an_outcome_in_a_job_out_of_time_have_failed(ended):
    metrics = Metrics()
    metrics.count_ended(replace(ended, status=JobStatus.FAILED, done=6, failed=1))
    assert circuits(metrics) == [5, 5, 0]


def test_a_job_that_never_ran_has_no_times(ended):
    metrics = Metrics()
    metrics.count_ended(replace(ended, status=JobStatus.CANCELLED, done=0, started_at=None))
    assert not [name for name in read(metrics) if name[0].startswith("farshot_job_")]


def test_a_clock_that_was_set_back_takes_nothing_away(ended):
    metrics = Metrics()
    metrics.count_ended(replace(ended, finished_at=ended.created_at - timedelta(days=1)))
    assert read(metrics)["farshot_job_run_seconds_sum", "prism"] == 0


def test_the_queue_is_what_the_store_says_now():
    pending, running = JobStatus.PENDING, JobStatus.RUNNING
    backlog = [
        BacklogEntry(pending, "auto", 2, 500),
        BacklogEntry(running, "gone:a", 1, 10),
        BacklogEntry(running, "gone:b", 1, 1),
    ]
    metrics = Metrics()
    found = read(metrics, backlog, restarts=4)
    assert found["farshot_queue_jobs", "PENDING", "auto"] == 2
    assert found["farshot_queue_circuits", "PENDING", "auto"] == 500
    assert found["farshot_queue_circuits", "RUNNING", "other"] == 11
    assert found["farshot_worker_restarts_total",] == 4
    assert read(metrics)["farshot_queue_circuits", "PENDING", "auto"] == 0


def test_requests_and_refusals_are_counted():
    metrics = Metrics()
    metrics.count_request("GET", "/v1/me", 200, 0.2, None)
    metrics.count_request("GET", "/v1/me", 401, 0.1, "unauthorized")
    metrics.count_request("POST", "/v1/jobs", 503, 0.1, "store")
    metrics.count_request("PUT", "/v1/jobs", 0, 0.1, None)
    found = read(metrics)
    assert found["farshot_requests_total", "GET", "/v1/me", "200"] == 1
    assert found["farshot_requests_total", "PUT", "/v1/jobs", "none"] == 1
    assert found["farshot_request_seconds_count", "/v1/me"] == 2
    assert {name: value for name, value in found.items() if name[0] == "farshot_refusals_total"} == {
        ("farshot_refusals_total", "unauthorized"): 1
    }


def test_no_name_that_a_client_chooses_makes_a_series_of_its_own(ended):
    metrics = Metrics()
    for number in range(100):
        metrics.count_ended(replace(ended, target=f"made-up:{number}"))
        metrics.count_request(f"VERB{number}", "other", 404, 0.1, "not-found")
    found = read(metrics)
    assert found["farshot_jobs_total", "COMPLETED", "other"] == 100
    assert found["farshot_requests_total", "other", "other", "404"] == 100
    assert len(found) < 100


def test_users_are_told_apart_up_to_a_number():
    usages = {
        f"user{number}": Usage(queued_circuits=1, running_shards=0, shots_per_day=number, stored_bytes=10)
        for number in range(200)
    }
    found = read(Metrics(), usages=usages)
    users = {labels[0]: value for (name, *labels), value in found.items() if name == "farshot_user_shots_per_day"}
    assert len(users) == 51
    assert users["user199"] == 199
    assert sum(users.values()) == sum(range(200))
    assert users["other"] == sum(range(150))
