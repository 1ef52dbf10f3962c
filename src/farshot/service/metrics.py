"""The metrics of the service, in the form that Prometheus reads.

Counters begin at zero with the process. A job is counted when it ends while this process follows the store, so
services that share a store count the same jobs: take one of them, or the largest, never the sum.
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from farshot import plugins
from farshot.contract import JobStatus
from farshot.simulators.targets import GROUP, known_targets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from farshot.model import BacklogEntry, JobRecord, Usage
    from farshot.service.context import WorkControl


METRICS_TYPE = CONTENT_TYPE_LATEST
OTHER = "other"
_MAX_USERS = 50
_USER_GAUGES = {
    "queued_circuits": "Circuits of a user that wait or run.",
    "running_shards": "Shards of a user that run.",
    "shots_per_day": "Shots that a user has used in the last 24 hours.",
    "stored_bytes": "Bytes that a user has in the store.",
}
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
_JOB_BUCKETS_SECONDS = (0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1800, 3600, 14400, 86400)
_REQUEST_BUCKETS_SECONDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60)


@lru_cache(maxsize=256)
def target_label(target: str) -> str:
    """Return a known target as it is, another one by its simulator or as `other`.

    Users may name targets freely, and not every name may become a time series.

    >>> target_label("prism:mps"), target_label("no such thing")
    ('prism:mps', 'other')
    """
    if target in known_targets():
        return target
    simulator = target.partition(":")[0]
    return simulator if simulator in plugins.names(GROUP) else OTHER


class Metrics:
    """The counters of one application. Safe from any thread."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        self._jobs = Counter("farshot_jobs", "Jobs that ended.", ("status", "target"), registry=registry)
        self._circuits = Counter(
            "farshot_circuits", "Circuits of jobs that ended.", ("outcome", "target"), registry=registry
        )
        job_histogram = partial(Histogram, labelnames=("target",), registry=registry, buckets=_JOB_BUCKETS_SECONDS)
        self._wait = job_histogram(
            "farshot_job_wait_seconds", "From the creation of a job to its first claim; counted when it ends."
        )
        self._run = job_histogram("farshot_job_run_seconds", "From the first claim of a job to its end.")
        self._refusals = Counter("farshot_refusals", "Requests refused, by problem.", ("reason",), registry=registry)
        self._requests = Counter("farshot_requests", "Requests.", ("method", "route", "status"), registry=registry)
        self._request_time = Histogram(
            "farshot_request_seconds",
            "From the head of a request to the end of its answer; requests that wait for a change are among them.",
            ("route",),
            registry=registry,
            buckets=_REQUEST_BUCKETS_SECONDS,
        )

    def count_ended(self, record: JobRecord) -> None:
        """Count a job that ended, and its circuits by outcome."""
        target = target_label(record.target)
        self._jobs.labels(record.status.value, target).inc()
        for outcome, circuits in _outcomes(record).items():
            self._circuits.labels(outcome, target).inc(circuits)
        if record.started_at and record.finished_at:
            self._wait.labels(target).observe(_seconds(record.created_at, record.started_at))
            self._run.labels(target).observe(_seconds(record.started_at, record.finished_at))

    def count_request(self, method: str, route: str, status: int, seconds: float, problem: str | None) -> None:
        """Count a request that took `seconds`.

        `route` is the template of a path, never a path. Status 0 means that the client left before the answer.
        """
        self._requests.labels(method if method in _METHODS else OTHER, route, str(status) if status else "none").inc()
        self._request_time.labels(route).observe(seconds)
        if problem is not None and 400 <= status < 500:
            self._refusals.labels(problem).inc()

    def page(self, backlog: Sequence[BacklogEntry], work: WorkControl, usages: Mapping[str, Usage]) -> bytes:
        """Return all metrics as text: the counters, the queue, the state of the work and the usage of each user."""
        current = [*_queue_metrics(backlog), *_work_metrics(work), *_user_metrics(usages)]
        return generate_latest(_Page(self._registry.collect, current))


def _outcomes(record: JobRecord) -> dict[str, int]:
    """Return how many circuits were done, failed or cancelled; those that a job had no time for have failed."""
    left = record.circuits - record.done
    is_cancelled = record.status is JobStatus.CANCELLED
    return {
        "done": record.done - record.failed,
        "failed": record.failed + (0 if is_cancelled else left),
        "cancelled": left if is_cancelled else 0,
    }


def _seconds(start: datetime, end: datetime) -> float:
    """Return the seconds from `start` to `end`, 0 if the clock was set back between them."""
    return max(0.0, (end - start).total_seconds())


class _Page(Collector):
    """The counters, without the times at which they were made, and the metrics that are measured for each page."""

    def __init__(self, collect_counters: Callable[[], Iterable[Metric]], current: Sequence[Metric]) -> None:
        self._collect_counters = collect_counters
        self._current = current

    def collect(self) -> Iterator[Metric]:
        yield from self._current
        for metric in self._collect_counters():
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric


def _work_metrics(work: WorkControl) -> Iterator[Metric]:
    troubles = work.troubles()
    yield GaugeMetricFamily("farshot_ready", "1 while nothing is wrong.", value=not troubles)
    wrong = GaugeMetricFamily("farshot_trouble", "1 for each thing that is wrong, by part.", labels=("part",))
    for part in troubles:
        wrong.add_metric((part,), 1)
    yield wrong
    yield GaugeMetricFamily("farshot_held_shards", "Shards that run here or are about to.", value=work.held())
    yield CounterMetricFamily(
        "farshot_jobs_set_aside", "Jobs ended because they could not be handled.", value=work.set_aside()
    )
    yield CounterMetricFamily(
        "farshot_worker_restarts", "Workers that died over their work and were replaced.", value=work.restarts()
    )


def _queue_metrics(backlog: Sequence[BacklogEntry]) -> Iterator[Metric]:
    """Yield the jobs and circuits in the queue by status and target; the target `auto` is there even if empty."""
    sums = {(status.value, "auto"): (0, 0) for status in (JobStatus.PENDING, JobStatus.RUNNING)}
    for item in backlog:
        key = item.status.value, target_label(item.target)
        number, size = sums.get(key, (0, 0))
        sums[key] = number + item.jobs, size + item.circuits
    labels = ("status", "target")
    jobs = GaugeMetricFamily("farshot_queue_jobs", "Jobs accepted and not ended.", labels=labels)
    text = "Circuits accepted and not done, by the status of their job."
    circuits = GaugeMetricFamily("farshot_queue_circuits", text, labels=labels)
    for key, (number, size) in sums.items():
        jobs.add_metric(key, number)
        circuits.add_metric(key, size)
    yield jobs
    yield circuits


def _user_metrics(usages: Mapping[str, Usage]) -> Iterator[Metric]:
    """Yield the usage of the users who have most, one by one, and that of all others as one sum."""
    for name, text in _USER_GAUGES.items():
        amounts = sorted(((getattr(usage, name), user) for user, usage in usages.items()), reverse=True)
        gauge = GaugeMetricFamily(f"farshot_user_{name}", text, labels=("user",))
        sums: dict[str, int] = {}
        for place, (amount, user) in enumerate(amounts):
            label = user if place < _MAX_USERS else OTHER
            sums[label] = sums.get(label, 0) + amount
        for label, amount in sums.items():
            gauge.add_metric((label,), amount)
        yield gauge
