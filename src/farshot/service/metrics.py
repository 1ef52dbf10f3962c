"""What the service counts, in the form that Prometheus reads.

Counters begin at zero with the process. A job is counted when it ends while this process follows the store, so
services that share a store count the same jobs: take one of them, or the largest, never the sum.
"""

from __future__ import annotations

from functools import lru_cache
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
_MOST_USERS = 50
_OF_USERS = {
    "queued_circuits": "Circuits of a user that wait or run.",
    "running_shards": "Shards of a user that run.",
    "shots_per_day": "Shots that a user has used in the last 24 hours.",
    "stored_bytes": "Bytes that a user has in the store.",
}
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
_JOB_SECONDS = (0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1800, 3600, 14400, 86400)
_REQUEST_SECONDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60)


@lru_cache(maxsize=256)
def target_label(target: str) -> str:
    """Return `target`, or a word for many: what users may name freely must not become a time series each.

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
        """Start at zero."""
        own = self._registry = CollectorRegistry()
        self._jobs = Counter("farshot_jobs", "Jobs that ended.", ("status", "target"), registry=own)
        self._circuits = Counter(
            "farshot_circuits", "Circuits of jobs that ended.", ("outcome", "target"), registry=own
        )
        self._wait = Histogram(
            "farshot_job_wait_seconds",
            "From the creation of a job to its first claim; counted when it ends.",
            ("target",),
            registry=own,
            buckets=_JOB_SECONDS,
        )
        self._run = Histogram(
            "farshot_job_run_seconds",
            "From the first claim of a job to its end.",
            ("target",),
            registry=own,
            buckets=_JOB_SECONDS,
        )
        self._refusals = Counter("farshot_refusals", "Requests refused, by problem.", ("reason",), registry=own)
        self._requests = Counter("farshot_requests", "Requests.", ("method", "route", "status"), registry=own)
        self._request_time = Histogram(
            "farshot_request_seconds",
            "From the head of a request to the end of its answer; requests that wait for a change are among them.",
            ("route",),
            registry=own,
            buckets=_REQUEST_SECONDS,
        )

    def count_ended(self, record: JobRecord) -> None:
        """Count a job that ended, and its circuits by what became of them."""
        target = target_label(record.target)
        self._jobs.labels(record.status.value, target).inc()
        for outcome, circuits in _outcomes(record).items():
            self._circuits.labels(outcome, target).inc(circuits)
        if record.started_at and record.finished_at:
            self._wait.labels(target).observe(_seconds(record.created_at, record.started_at))
            self._run.labels(target).observe(_seconds(record.started_at, record.finished_at))

    def count_request(self, method: str, route: str, status: int, seconds: float, problem: str | None) -> None:
        """Count a request that took `seconds`; `route` is a template, never a path. Status 0: the client left."""
        known = method if method in _METHODS else OTHER
        self._requests.labels(known, route, str(status) if status else "none").inc()
        self._request_time.labels(route).observe(seconds)
        if problem is not None and 400 <= status < 500:
            self._refusals.labels(problem).inc()

    def page(self, backlog: Sequence[BacklogEntry], work: WorkControl, usages: Mapping[str, Usage]) -> bytes:
        """Return everything as text, with what waits now, how the work on it goes, and who uses how much."""
        now = [*_queue(backlog), *_work(work), *_users(usages)]
        return generate_latest(_Page(self._registry.collect, now))


def _outcomes(record: JobRecord) -> dict[str, int]:
    """Return how many circuits were done, failed or cancelled; what a job had no time for has failed."""
    left = record.circuits - record.done
    is_cancelled = record.status is JobStatus.CANCELLED
    return {
        "done": record.done - record.failed,
        "failed": record.failed + (0 if is_cancelled else left),
        "cancelled": left if is_cancelled else 0,
    }


def _seconds(start: datetime, end: datetime) -> float:
    """Return the seconds between two moments; a clock that was set back makes them none."""
    return max(0.0, (end - start).total_seconds())


class _Page(Collector):
    """The counters and what is known only when it is asked for, without the times at which counters were made."""

    def __init__(self, counted: Callable[[], Iterable[Metric]], now: Sequence[Metric]) -> None:
        self._counted = counted
        self._now = now

    def collect(self) -> Iterator[Metric]:
        yield from self._now
        for metric in self._counted():
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric


def _work(work: WorkControl) -> Iterator[Metric]:
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


def _queue(backlog: Sequence[BacklogEntry]) -> Iterator[Metric]:
    jobs = GaugeMetricFamily("farshot_queue_jobs", "Jobs accepted and not ended.", labels=("status", "target"))
    circuits = GaugeMetricFamily(
        "farshot_queue_circuits",
        "Circuits accepted and not done, by the status of their job.",
        labels=("status", "target"),
    )
    for (status, target), (number, size) in _summed(backlog).items():
        jobs.add_metric((status, target), number)
        circuits.add_metric((status, target), size)
    yield jobs
    yield circuits


def _summed(backlog: Sequence[BacklogEntry]) -> dict[tuple[str, str], tuple[int, int]]:
    """Return jobs and circuits by status and label of target; what nothing waits for is zero, not absent."""
    sums = {(status.value, "auto"): (0, 0) for status in (JobStatus.PENDING, JobStatus.RUNNING)}
    for item in backlog:
        key = item.status.value, target_label(item.target)
        jobs, circuits = sums.get(key, (0, 0))
        sums[key] = jobs + item.jobs, circuits + item.circuits
    return sums


def _users(usages: Mapping[str, Usage]) -> Iterator[Metric]:
    """Yield what users have, each of those that have most; the others are one."""
    for name, text in _OF_USERS.items():
        amounts = sorted(((getattr(usage, name), user) for user, usage in usages.items()), reverse=True)
        gauge = GaugeMetricFamily(f"farshot_user_{name}", text, labels=("user",))
        sums: dict[str, int] = {}
        for place, (amount, user) in enumerate(amounts):
            label = user if place < _MOST_USERS else OTHER
            sums[label] = sums.get(label, 0) + amount
        for label, amount in sums.items():
            gauge.add_metric((label,), amount)
        yield gauge
